"""Three syncs of a shop under faults, and what came of them: orders missing, twice or stale, and what each sync said."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import duckdb

from orders_pipeline.clock import Clock
from orders_pipeline.platforms.base import PlatformError
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sandbox.faults import FaultPlan
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.sync import ShopSync
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests import truth
from orders_pipeline_tests.conftest import NOON, PLENTY, shop_of
from orders_pipeline_tests.reliability.source import SINCE, Wire, a_shop

INCREMENTS = "taobao.trades.sold.increment*"
SYNC_TIMES = tuple(NOON + timedelta(minutes=minutes) for minutes in (0, 10, 20))
PLATFORM, SHOP = "tmall", "tea_tmall"


@dataclass(frozen=True)
class Difference:
    """Order ids: not in the tables, there more than once, or there with any other value than the platform's."""

    missing: frozenset[str] = frozenset()
    duplicate: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()
    foreign: frozenset[str] = frozenset()

    def without(self, ids: Iterable[str]) -> Difference:
        known = frozenset(ids)
        return Difference(self.missing - known, self.duplicate, self.stale - known, self.foreign - known)

    def __bool__(self) -> bool:
        return bool(self.missing or self.duplicate or self.stale or self.foreign)


@dataclass(frozen=True)
class SyncResult:
    """What one sync said, and the difference right after it."""

    error: Exception | None
    calls: int
    difference: Difference
    paused: str = ""  # why it read the hot range only: then it does not claim to be up to date


@dataclass
class Scene:
    """A shop under faults, and the data folder that is kept in step with it."""

    folder: DataFolder
    facts: list[str] = field(default_factory=list)  # what the report shows
    sandbox: SandboxServer = field(init=False)
    plan: FaultPlan = field(init=False)
    clock: Clock = field(init=False)

    @contextmanager
    def serve(
        self,
        *faults: dict[str, Any],
        orders: list[Wire] | None = None,
        options: SandboxOptions | None = None,
        seed: int = 7,
        now: datetime = NOON,
    ) -> Iterator[SandboxServer]:
        """The sandbox with the scenario's shop, its clock at ``now`` until stepped."""
        store, script = a_shop(orders, lives=now == NOON)
        self.plan = FaultPlan.of(*faults, seed=seed)
        self.sandbox = SandboxServer(
            store,
            world=script,
            clock=SandboxClock.stepped(now),
            options=options or SandboxOptions(calls_per_minute=PLENTY),
            faults=[self.plan.middleware()],
        )
        self.clock = self.sandbox.clock
        self.script = script
        with self.sandbox:
            self.plan.begin(self.sandbox.gateway)
            yield self.sandbox

    @contextmanager
    def open(self, **settings: object) -> Iterator[ShopSync]:
        with ShopSync.open(
            shop_of(self.sandbox, SHOP, **settings), self.folder, run_id="test", clock=self.clock
        ) as sync:
            yield sync

    def until(self, when: datetime) -> None:
        """Step the platform's clock to ``when``; waits of the client may have moved it already."""
        self.sandbox.clock.advance(max((when - self.sandbox.clock.now()).total_seconds(), 0))

    def sync(self, since: datetime | None = None) -> SyncResult:
        """One sync as a run makes it: opened, done or failed, closed."""
        error: Exception | None = None
        paused = ""
        calls = self.sandbox.gateway.quota.accepted
        try:
            with self.open() as sync:
                paused = sync.sync(since=since).paused
        except (PlatformError, UserError) as raised:
            error = raised
        return SyncResult(error, self.sandbox.gateway.quota.accepted - calls, self.difference(), paused)

    def three_syncs(
        self, *faults: dict[str, Any], orders: list[Wire] | None = None, excused: Sequence[str] = ()
    ) -> list[SyncResult]:
        """Serve, sync at 12:00, 12:10 and 12:20, and hold each sync to its word: where it claims success, nothing that
        the platform had told by then may be missing, twice or stale, save for orders that the scenario excuses."""
        with self.serve(*faults, orders=orders):
            return self.syncs(excused)

    def syncs(self, excused: Sequence[str] = (), between: Callable[[int], None] | None = None) -> list[SyncResult]:
        """As ``three_syncs`` inside ``serve``. ``between`` is called before each sync with its number from 0."""
        results = []
        for number, when in enumerate(SYNC_TIMES):
            self.until(when)
            if between:
                between(number)
            result = self.sync(since=None if results else SINCE)
            results.append(result)
            left = result.difference.without(excused)
            assert result.error is not None or not left, f"sync {number + 1} claims success: {left}"
            assert not result.difference.duplicate
        self.facts.append(_told(results))
        return results

    def difference(self) -> Difference:
        """The published tables against the truth as of now, every field of orders and lines."""
        want = self.sandbox.truth()
        if not self.folder.published.exists():
            return Difference(missing=frozenset(str(trade["tid"]) for trade in want["trades"]))
        with duckdb.connect(str(self.folder.published), read_only=True) as con:
            orders = _compare(con, "core.orders", "order_id", truth.orders(want, PLATFORM, SHOP))
            lines = _compare(con, "core.order_lines", "line_id", truth.order_lines(want, PLATFORM, SHOP))
        parts = ("missing", "duplicate", "stale", "foreign")
        return Difference(*(getattr(orders, part) | getattr(lines, part) for part in parts))

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """A question to the published tables."""
        with duckdb.connect(str(self.folder.published), read_only=True) as con:
            return con.execute(sql, list(values)).fetchall()

    def live(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """A question to the live file, which alone has the views over ``raw/``."""
        with Warehouse(self.folder, self.clock).write("test") as con:
            return con.execute(sql, list(values)).fetchall()

    def change(self, *statements: str) -> None:
        """Damage the warehouse behind the engine's back."""
        warehouse = Warehouse(self.folder, self.clock)
        with warehouse.write("test") as con:
            for statement in statements:
                con.execute(statement)
        warehouse.flush()

    def call_times(self) -> list[datetime]:
        """When each call was made, by our call log."""
        with sqlite3.connect(self.folder.ops) as con:
            times = con.execute("SELECT at FROM api_calls ORDER BY call_id").fetchall()
        return [datetime.fromisoformat(at) for (at,) in times]

    def outcomes(self) -> list[str]:
        """How each call ended, by our call log."""
        with sqlite3.connect(self.folder.ops) as con:
            return [outcome for (outcome,) in con.execute("SELECT outcome FROM api_calls ORDER BY call_id")]

    def covered_until(self) -> datetime | None:
        """The newest end in the ledger of increments."""
        if not self.folder.published.exists():
            return None
        found: datetime | None = self.rows(
            "SELECT max(window_end) FROM ops.sync_windows WHERE api LIKE 'taobao.trades.sold.increment%'"
        )[0][0]
        return found


def _compare(con: duckdb.DuckDBPyConnection, table: str, id_column: str, want: dict[Any, dict[str, Any]]) -> Difference:
    """Ids are those of orders, also where lines are compared."""
    columns = tuple(next(iter(want.values())))
    key = ("platform", "shop", id_column)
    order = 0 if id_column == "order_id" else columns.index("order_id")
    rows = con.execute(f"SELECT {', '.join((*key, *columns))} FROM {table}").fetchall()
    found: dict[Any, dict[str, Any]] = {}
    duplicate = set()
    for values in rows:
        row = {
            name: value.astimezone(truth.UTC) if isinstance(value, datetime) else value
            for name, value in zip(columns, values[3:], strict=True)
        }
        if values[:3] in found:
            duplicate.add(_order_of(values[:3], row, order))
        found[values[:3]] = row

    def named(keys: Iterable[Any], rows_by_key: dict[Any, dict[str, Any]]) -> frozenset[str]:
        return frozenset(_order_of(one, rows_by_key[one], order) for one in keys)

    return Difference(
        named(want.keys() - found.keys(), want),
        frozenset(duplicate),
        named((one for one in want.keys() & found.keys() if want[one] != found[one]), want),
        named(found.keys() - want.keys(), found),
    )


def _order_of(key: tuple[str, ...], row: dict[str, Any], order: int) -> str:
    return str(row["order_id"]) if order or "order_id" in row else key[2]


def _told(results: Sequence[SyncResult]) -> str:
    said = ", ".join("ok" if result.error is None else type(result.error).__name__ for result in results)
    last = results[-1].difference
    return (
        f"syncs: {said}; {len(last.missing)} missing, {len(last.duplicate)} twice, {len(last.stale)} stale; "
        f"{sum(result.calls for result in results)} calls"
    )
