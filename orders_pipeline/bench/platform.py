"""A platform for benchmarks: several sellers of one app key on one HTTP server, who say when each change happened.

The sellers are the sandbox's living shops. What is added: calls go to the seller whose session they carry, messages of all
sellers come from one queue as on the real platform, and every version of an order is noted with the instant it came to be.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sandbox.clock import SandboxClock, from_wire
from orders_pipeline.sandbox.gateway import Gateway
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.quota import Quota
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store, Wire
from orders_pipeline.sandbox.world import World

FIRST_SELLER = 2200000001
_MESSAGE_IDS_APART = 10**12
"""Between the sellers' message ids, so that they never meet in the common queue."""

EVEN_HOURS = (1,) * 24
"""Shops here sell alike at every hour: at four in the morning a living one sells a ninth of that, and nothing is measured."""

LIVE_SECONDS = 0.1
"""How often the shops live on without being asked, so that a change is noted soon after it happened."""


@dataclass(frozen=True, slots=True)
class Change:
    """One version of an order, and when it came to be on the platform."""

    shop: str
    order_id: str
    at: datetime


class NotedStore(Store):
    """A seller's store that notes each version of an order once ``noting`` is set."""

    def __init__(self, shop: str, user_id: int, changes: list[Change]) -> None:
        super().__init__(shop, user_id)
        self._shop = shop
        self._changes = changes
        self._stamps: dict[int, str] = {}
        self.noting = False

    def put_trade(self, trade: Wire, promotions: list[Wire] | None = None, *, arrived: str | None = None) -> None:
        super().put_trade(trade, promotions, arrived=arrived)
        tid, stamp = trade["tid"], trade["modified"]
        if self.noting and self._stamps.get(tid) != stamp:
            self._changes.append(Change(self._shop, str(tid), from_wire(stamp)))
        self._stamps[tid] = stamp


class Mall(Gateway):
    """The gateway of all sellers: one quota, one message queue, each call answered by its session's seller."""

    def __init__(self, sellers: Mapping[str, Gateway]) -> None:
        first = next(iter(sellers.values()))
        super().__init__(first.store, first.clock, first.options, first.world)
        self._sellers = dict(sellers)
        self._first = first
        self.sellers = list(sellers.values())
        self.allow(first.options.calls_per_minute)

    def allow(self, calls_per_minute: int) -> None:
        """From now on this quota, all sellers together; calls made before do not count."""
        self.quota = Quota(calls_per_minute)
        for gateway in self._sellers.values():
            gateway.quota = self.quota

    def live(self) -> datetime:
        for gateway in self._sellers.values():
            gateway.live()
        return self.clock.now()

    def answer(self, verb: str, params: Mapping[str, str]) -> bytes:
        with self.lock:
            self.live()
            return self._sellers.get(params.get("session", ""), self._first).answer(verb, params)


class BusyPlatform:
    """Sellers ``shop_1`` … on loopback, each having lived ``days`` of ``orders_per_day``; a context manager.

    ``clock``: the platform's, real time where it is None.
    """

    def __init__(
        self, shops: int, days: int, orders_per_day: int, calls_per_minute: int, clock: SandboxClock | None = None
    ) -> None:
        self.options = SandboxOptions(calls_per_minute=1_000_000)  # until ``limit``: the first load is not measured
        self.changes: list[Change] = []
        self._calls_per_minute = calls_per_minute
        self.clock = clock = clock or SandboxClock()
        opened = clock.now().astimezone(SHOP_TZ).replace(hour=0, minute=0, second=0, microsecond=0)
        self.sessions = {f"shop_{number}": f"bench-session-{number}" for number in range(1, shops + 1)}
        self.stores: list[NotedStore] = []
        sellers: dict[str, Gateway] = {}
        for number, (shop, session) in enumerate(self.sessions.items()):
            store = NotedStore(shop, FIRST_SELLER + number, self.changes)
            world = World(store, number, opened - timedelta(days=days), orders_per_day, hour_shares=EVEN_HOURS)
            world.advance(clock.now())
            if self.stores:  # one queue for all
                store.messages._pending = self.stores[0].messages._pending
                store.messages._last_id += number * _MESSAGE_IDS_APART
            sellers[session] = Gateway(store, clock, replace(self.options, session=session), world)
            self.stores.append(store)
        self.server = SandboxServer(self.stores[0], clock=clock, options=self.options)
        self.server.gateway = self.mall = Mall(sellers)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._live, name="shops", daemon=True)

    def __enter__(self) -> BusyPlatform:
        self.server.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self.server.__exit__(None, None, None)

    def begin(self) -> None:
        """From now on the quota holds and changes are noted."""
        with self.mall.lock:
            self.mall.allow(self._calls_per_minute)
            for store in self.stores:
                store.noting = True

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Within, nothing happens in any shop; what would have happened does so afterwards."""
        worlds = [gateway.world for gateway in self.mall.sellers]
        try:
            with self.mall.lock:
                for gateway in self.mall.sellers:
                    gateway.world = None
            yield
        finally:
            with self.mall.lock:
                for gateway, world in zip(self.mall.sellers, worlds, strict=True):
                    gateway.world = world

    def silence(self) -> None:
        """From now on no seller's changes are told by messages; what waits is forgotten."""
        with self.mall.lock:
            for store in self.stores:
                store.messages.topics = frozenset()
            self.stores[0].messages._pending.clear()

    def change(self, shop: str) -> Change:
        """A seller edits the memo of the newest order now; the change and its message."""
        with self.mall.lock:
            store = self.stores[list(self.sessions).index(shop)]
            now = self.mall.clock.now()
            trade = max(store.trades.values(), key=lambda trade: str(trade["created"]))
            stamp = now.astimezone(SHOP_TZ).strftime("%Y-%m-%d %H:%M:%S")
            store.put_trade({**trade, "modified": stamp})
            store.announce("taobao_trade_TradeChanged", {"tid": trade["tid"], "modified": stamp}, now)
        return self.changes[-1]

    def _live(self) -> None:
        while not self._stopped.wait(LIVE_SECONDS):
            with self.mall.lock:
                self.mall.live()
