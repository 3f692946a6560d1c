"""Everything that reads one shop, under its leases: the one door that assets, sensors and commands come through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from orders_pipeline.clock import SHOP_TZ, Clock, SystemClock, shop_day
from orders_pipeline.platforms import connect
from orders_pipeline.platforms.base import (
    FeedName,
    PermissionDeniedError,
    PlatformError,
    RawTable,
    RequestError,
    UnknownAnswerError,
    Window,
)
from orders_pipeline.settings import DataFolder
from orders_pipeline.shops import Shop, credentials
from orders_pipeline.sync import applying, items, messages, parcels, pulls, reconciling
from orders_pipeline.sync.caller import Caller
from orders_pipeline.sync.context import Context, Progress, PullReport, silent
from orders_pipeline.sync.leases import ShopBusyError, Work, lease
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.quota import Quota
from orders_pipeline.sync.tokens import TokenKeeper
from orders_pipeline.warehouse import ApplyReport, Warehouse

LEASE_WAIT_SECONDS = 5.0
"""Long enough for another run's short step to end, short enough that nobody wonders whether anything happens."""

CLOCK_TOLERANCE = timedelta(minutes=10)
"""The platform answers a host whose clock is wrong by up to this much."""

DAYS_A_BATCH = 10
"""Days that a back-fill lands before it applies them: new orders reach the tables within minutes even at 100 calls a minute."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """One whole step: what was pulled and what it changed."""

    pulled: tuple[PullReport, ...]
    applied: ApplyReport
    tail: applying.TailReport | None = None

    @property
    def rows(self) -> int:
        return sum(pull.rows for pull in self.pulled)

    @property
    def calls(self) -> int:
        return sum(pull.calls for pull in self.pulled) + (self.tail.calls if self.tail else 0)

    @property
    def covered_until(self) -> datetime | None:
        return max((pull.covered_until for pull in self.pulled if pull.covered_until), default=None)


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """The answer to a sensor's cheap question."""

    changed: bool
    count: int
    mark: datetime


class ShopSync:
    """One shop, open for reading. Use ``ShopSync.open``; every method may raise UserError or PlatformError."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    @classmethod
    @contextmanager
    def open(
        cls,
        shop: Shop,
        folder: DataFolder,
        *,
        run_id: str = "",
        holder: str = "orders-pipeline",
        clock: Clock | None = None,
        progress: Progress = silent,
    ) -> Iterator[ShopSync]:
        """Connect with the shop's stored or configured credentials. Makes no call yet."""
        clock = clock or SystemClock()
        folder.create()
        secrets = credentials(shop)
        ops = Ops(folder.ops)
        tokens = TokenKeeper(shop, secrets, ops, folder)
        platform = connect(shop, secrets, clock)
        quota = Quota(ops, secrets.app_key, shop.calls_per_minute, clock)
        try:
            platform.use_session(tokens.session())
            warehouse = Warehouse(folder, clock)
            if not folder.published.exists():
                warehouse.prepare()
            caller = Caller(platform, ops, quota, tokens, clock, run_id)
            yield cls(Context(shop, folder, platform, caller, ops, warehouse, clock, run_id, holder, progress))
        finally:
            platform.close()
            quota.close()
            ops.close()

    # one list each: read and land, touch no table --------------------------------------------------------------

    def pull_full(self, since: date | None = None, until: date | None = None) -> PullReport:
        """Orders by creation day, days not yet covered, newest first (default: the shop's ``backfill_days``)."""
        with self._lease("backfill"):
            return pulls.pull_full(self._ctx, since, until)

    def pull_increments(self, since: datetime | None = None) -> PullReport:
        """Closed windows of orders by modification, from the first hole on."""
        with self._lease("sync"):
            return pulls.pull_increments(self._ctx, since)

    def pull_refunds(self, since: datetime | None = None) -> PullReport:
        """Closed windows of refunds by modification."""
        with self._lease("sync"):
            return pulls.pull_refunds(self._ctx, since)

    # tables from what has landed, no call ------------------------------------------------------------------------

    def apply_landed(self, *tables: RawTable) -> ApplyReport:
        """Landed windows that the ledger does not know yet, into the tables; publishes."""
        with self._step("sync"):
            return applying.apply_landed(self._ctx, tables)

    # whole steps ---------------------------------------------------------------------------------------------------

    def sync(self, since: datetime | None = None) -> SyncReport:
        """Orders, refunds and shipments up to now: closed windows, then the tail; published.

        A list that the platform refuses this app does not keep the others from the tables; its error is raised at the end.
        """
        ctx = self._ctx
        lists: tuple[tuple[Callable[[], PullReport], RawTable], ...] = (
            (lambda: pulls.pull_increments(ctx, since), "trade_pages"),
            (lambda: pulls.pull_refunds(ctx, since), "refund_pages"),
            (lambda: pulls.pull_shipments(ctx), "shipment_pages"),
        )
        pulled: list[PullReport] = []
        refused: list[PlatformError] = []
        applied = ApplyReport()
        with self._step("sync"):
            for pull, table in lists:
                try:
                    pulled.append(pull())
                except (PermissionDeniedError, RequestError, UnknownAnswerError) as error:
                    refused.append(error)
                finally:
                    applied += applying.apply_landed(ctx, (table,))
            tail = applying.read_tail(ctx)
        if refused:
            raise refused[0]
        return SyncReport(tuple(pulled), applied, tail)

    def read_tail(self) -> applying.TailReport:
        """What changed since the last tail mark, without waiting for a window to close; published."""
        with self._step("sync"):
            return applying.read_tail(self._ctx)

    def backfill(self, days: int | None = None) -> SyncReport:
        """First load: all orders by creation day, newest first, refunds, stock; applied as they land, published.

        Goes on where an earlier one stopped. Raises what the platform raises; what landed stays.
        """
        ctx = self._ctx
        pulled: list[PullReport] = []
        applied = ApplyReport()
        with self._step("backfill"):
            until = shop_day(ctx.caller.platform_now())
            since = until - timedelta(days=(days or ctx.shop.backfill_days) - 1)
            oldest = datetime.combine(since, time(), SHOP_TZ)
            while until >= since:
                first = max(since, until - timedelta(days=DAYS_A_BATCH - 1))
                pulled.append(pulls.pull_full(ctx, first, until))
                applied += applying.apply_landed(ctx, ("trade_pages",))
                until = first - timedelta(days=1)
            pulled.append(pulls.pull_refunds(ctx, oldest))
            applied += applying.apply_landed(ctx, ("refund_pages",))
        try:
            stock = self.snapshot_stock()
        except ShopBusyError:  # another run takes the same snapshot at this moment
            return SyncReport(tuple(pulled), applied)
        return SyncReport((*pulled, *stock.pulled), applied + stock.applied)

    def snapshot_stock(self) -> SyncReport:
        """Every item with its SKUs and quantities, now; published."""
        with self._step("stock"):
            pulled = items.pull_items(self._ctx)
            applied = applying.apply_landed(self._ctx, ("item_pages",))
        return SyncReport((pulled,), applied)

    def follow_parcels(self) -> SyncReport:
        """New shipments, and the traces of parcels that are due a look; published."""
        with self._step("parcels"):
            shipments = pulls.pull_shipments(self._ctx)
            applied = applying.apply_landed(self._ctx, ("shipment_pages",))
            self._ctx.warehouse.flush()  # which parcels are due is asked of the published copy
            traces = parcels.pull_traces(self._ctx)
            applied += applying.apply_landed(self._ctx, ("trace_pages",))
        return SyncReport((shipments, traces), applied)

    def receive_messages(self) -> int:
        """One call: store new messages; how many wait for ``poll_messages``. For the sensor, which must be quick."""
        return messages.receive(self._ctx)

    def poll_messages(self) -> messages.MessageReport:
        """Consume waiting messages and read again what they name; published."""
        with self._step("messages"):
            return messages.poll_messages(self._ctx)

    # mending -------------------------------------------------------------------------------------------------------

    def refetch_days(self, days: Sequence[date]) -> SyncReport:
        """Orders created on these days again, whatever the ledger says; published."""
        with self._step("backfill"):
            pulled = pulls.refetch_days(self._ctx, days)
            applied = applying.apply_landed(self._ctx, ("trade_pages",))
        return SyncReport((pulled,), applied)

    def refetch_orders(self, order_ids: Sequence[str]) -> SyncReport:
        """These orders again, one call each; ids that the platform no longer lists are left out; published."""
        with self._step("backfill"):
            requests = [self._ctx.platform.order(order_id) for order_id in order_ids]
            pulled = self._ctx.land_single("refetch", requests, skip_unlisted=True)
            applied = applying.apply_landed(self._ctx, ("trade_pages",))
        return SyncReport((pulled,), applied)

    def reconcile(self, day: date, *, heal: bool = True) -> reconciling.ReconciliationReport:
        """Orders created on ``day`` against the platform, mended where they differ; published."""
        with self._step("reconcile"):
            return reconciling.reconcile_day(self._ctx, day, heal=heal)

    # questions -----------------------------------------------------------------------------------------------------

    def changed(self) -> ChangeReport:
        """One call: how many orders changed since the last tail mark?

        The window ends ahead of our clock, as far as the platform lets clocks differ: a host that is behind must not see
        nothing for ever.
        """
        ctx = self._ctx
        feed = ctx.feed(FeedName.ORDERS_BY_MODIFIED)
        now = (ctx.platform.now() or ctx.clock.now()) + CLOCK_TOLERANCE
        mark = ctx.ops.tail_mark(ctx.shop.shop, feed.name) or now - applying.LONGEST_TAIL
        start = max(mark + timedelta(seconds=1), now - applying.LONGEST_TAIL).replace(microsecond=0)
        window = Window(start, max(now.replace(microsecond=0), start + timedelta(seconds=1)))
        page = ctx.caller.call(ctx.platform.list_page(feed, window, 1, count=True))
        count = page.total if page.total is not None else page.row_count
        return ChangeReport(count > 0, count, mark)

    def check(self) -> datetime:
        """One cheap call with the shop's credentials; the platform's time."""
        return self._ctx.caller.call(self._ctx.platform.check())

    @contextmanager
    def _step(self, work: Work) -> Iterator[None]:
        """A lease, and readers see whatever was committed under it, also where a later part of the step failed."""
        with self._lease(work):
            try:
                yield
            finally:
                self._ctx.warehouse.flush()

    def _lease(self, work: Work) -> AbstractContextManager[None]:
        ctx = self._ctx
        return lease(ctx.folder.locks, work, ctx.shop.shop, ctx.holder, ctx.clock, wait_seconds=LEASE_WAIT_SECONDS)
