"""What every asset, check and sensor is given: the data folder in force and the clock.

A plain object, not Dagster configuration: it holds no secret, nothing of it shows in the UI, and tests hand in their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from orders_pipeline.clock import SHOP_TZ, Clock, SystemClock, shop_day
from orders_pipeline.components.steps import current_progress
from orders_pipeline.light import without_pandas
from orders_pipeline.settings import DataFolder, data_folder

if TYPE_CHECKING:
    from orders_pipeline.shops import Shop
    from orders_pipeline.sync import ShopSync
    from orders_pipeline.sync.breaker import Breaker
    from orders_pipeline.sync.leases import Work
    from orders_pipeline.sync.ops import Ops
    from orders_pipeline.warehouse import Warehouse

CALLS_KEPT = timedelta(days=92)
"""As far back as the platform itself can be asked; polls for messages alone make 17,000 calls a day."""

MESSAGES_SILENT = timedelta(minutes=1)
"""A dozen polls of the messages in a row must fail before changes are asked for again."""


@dataclass(frozen=True)
class Pipeline:
    """The resource ``pipeline``. ``data`` None = the data folder that the environment names."""

    data: DataFolder | None = None
    clock: Clock = field(default_factory=SystemClock)

    @property
    def folder(self) -> DataFolder:
        return self.data or data_folder()

    @property
    def today(self) -> date:
        """The shops' calendar day."""
        return shop_day(self.clock.now())

    def warehouse(self) -> Warehouse:
        """The warehouse, with a copy to read. Raises UserError when the data folder cannot be written."""
        from orders_pipeline.warehouse import Warehouse

        warehouse = Warehouse(self.folder.create(), self.clock)
        if not self.folder.published.exists():
            warehouse.prepare()  # takes the writer's lock, so only where it is needed: a check must not wait for a sync
        return warehouse

    @contextmanager
    def open_shop(self, shop: Shop, run_id: str, holder: str) -> Iterator[ShopSync]:
        """The shop's reader, which takes the shop's lease at each step. Pandas cannot be imported meanwhile: nothing needs it."""
        from orders_pipeline.sync import ShopSync

        with (
            without_pandas(),
            ShopSync.open(
                shop,
                self.folder.create(),
                run_id=run_id,
                clock=self.clock,
                progress=current_progress(),
                holder=holder,
            ) as sync,
        ):
            yield sync

    def breaker(self, shop: str) -> Breaker:
        """The state of the shop's breaker."""
        from orders_pipeline.sync import breaker

        with self._ops() as ops, ops.reading() as con:
            return breaker.read(con, shop, self.clock.now())

    def paused(self, shop: str) -> str | None:
        """Why increments of the shop pause, where its breaker is open."""
        from orders_pipeline.sync import degraded

        with self._ops() as ops:
            return degraded.reason(ops, shop, self.clock.now())

    def idle(self, shop: str) -> str | None:
        """Why a sync of the shop would read nothing now; None where it would read."""
        from orders_pipeline.sync import degraded

        with self._ops() as ops:
            return degraded.idle_reason(ops, shop, self.clock.now())

    @contextmanager
    def _ops(self) -> Iterator[Ops]:
        from orders_pipeline.sync.ops import Ops

        ops = Ops(self.folder.create().ops)
        try:
            yield ops
        finally:
            ops.close()

    def forget_calls(self) -> int:
        """Drop calls older than CALLS_KEPT from both call logs; how many the tables held."""
        before = self.clock.now() - CALLS_KEPT
        with self.warehouse().write("upkeep") as con:
            (count,) = con.execute('DELETE FROM ops.api_calls WHERE "at" < ?', [before]).fetchone() or (0,)
        with self._ops() as ops:
            ops.forget_calls(before)
        return int(count)

    def told_by_messages(self, shop: Shop) -> str | None:
        """Why nobody need ask for the shop's changes: messages tell them; None where they do not, or not for a while."""
        from orders_pipeline.shops import credentials
        from orders_pipeline.sync.messages import heard_at

        heard = heard_at(self.folder, shop.shop, credentials(shop).app_key)
        if heard is None or self.clock.now() - heard > MESSAGES_SILENT:
            return None
        return (
            f"Messages tell what changes in {shop.shop}; last asked for at {heard.astimezone(SHOP_TZ):%m-%d %H:%M:%S}."
        )

    @contextmanager
    def hold(self, work: Work, shop: str, holder: str) -> Iterator[None]:
        """The lease of this work. Raises ShopBusyError at once where another process has it."""
        from orders_pipeline.sync.leases import lease

        with lease(self.folder.locks, work, shop, holder, self.clock, wait_seconds=0.0):
            yield

    def busy(self, work: Work, shop: str) -> str | None:
        """Who does this work of the shop at the moment, as the reason of a skipped tick; None where nobody does."""
        from orders_pipeline.sync.leases import holder_of

        holder = holder_of(self.folder.create().locks, work, shop)
        return f"{work} of {shop} is held by {holder}; the next tick looks again." if holder else None
