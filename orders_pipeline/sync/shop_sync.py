"""Everything that reads one shop, under its leases: the one door that assets, sensors and commands come through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
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
    RetryableError,
    UnknownAnswerError,
    Window,
)
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.shops import Shop, credentials
from orders_pipeline.sync import applying, degraded, incidents, items, messages, parcels, pulls, reconciling
from orders_pipeline.sync.caller import Caller
from orders_pipeline.sync.context import Context, Progress, PullReport, silent
from orders_pipeline.sync.disk import disk_errors_named
from orders_pipeline.sync.leases import ShopBusyError, Work, lease
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.pauses import Pauses
from orders_pipeline.sync.quota import Priority, Quota
from orders_pipeline.sync.tokens import TokenKeeper
from orders_pipeline.warehouse import ApplyReport, Warehouse

LEASE_WAIT_SECONDS = 5.0
"""Long enough for another run's short step to end, short enough that nobody wonders whether anything happens."""

CLOCK_TOLERANCE = timedelta(minutes=10)
"""The platform answers a host whose clock is wrong by up to this much."""

SENSOR_WAIT_SECONDS = 5.0
"""A sensor's tick is ended after 60 s and holds up the next one: what is not free by then is asked at the next tick."""

PRIORITIES: dict[Work, Priority] = {
    "sync": Priority.INCREMENTAL,
    "messages": Priority.MESSAGES,
    "parcels": Priority.DETAILS,
    "stock": Priority.DETAILS,
    "reconcile": Priority.RECONCILIATION,
    "backfill": Priority.BACKFILL,
}
"""Which work goes first when places of the quota are scarce."""

DAYS_A_BATCH = 10
"""Days that a back-fill lands before it applies them: new orders reach the tables within minutes even at 100 calls a minute."""


_List = tuple[Callable[[], PullReport], RawTable, Priority]


@dataclass(frozen=True, slots=True)
class SyncReport:
    """One whole step: what was pulled and what it changed."""

    pulled: tuple[PullReport, ...]
    applied: ApplyReport
    tail: applying.TailReport | None = None
    paused: str = ""  # why increments were not read, where the breaker is open

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
        self._tried_increments = False  # only then does a gap that is left say anything

    @classmethod
    @contextmanager
    @disk_errors_named
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
        tokens = TokenKeeper(shop, secrets, ops, folder, clock)
        pauses = Pauses(clock)
        platform = connect(shop, secrets, clock)
        quota = Quota(
            ops, secrets.app_key, shop.calls_per_minute, clock, per_api=shop.api_calls_per_minute, pauses=pauses
        )
        try:
            platform.use_session(tokens.session())
            warehouse = Warehouse(folder, clock)
            if not folder.published.exists():
                warehouse.prepare()
            caller = Caller(platform, ops, quota, tokens, clock, run_id, pauses)
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
        """Closed windows of orders by modification, from the first hole on; while the breaker is open the hot range, hourly."""
        with self._lease("sync"):
            self._tried_increments = True
            paused = degraded.look(self._ctx).is_open
            return degraded.pull_orders(self._ctx) if paused else pulls.pull_increments(self._ctx, since)

    def pull_refunds(self, since: datetime | None = None) -> PullReport:
        """Closed windows of refunds by modification; once an hour while the breaker is open."""
        with self._lease("sync"), self._ctx.caller.at(Priority.REFUNDS):
            paused = degraded.look(self._ctx).is_open
            return degraded.pull_refunds(self._ctx) if paused else pulls.pull_refunds(self._ctx, since)

    # tables from what has landed, no call ------------------------------------------------------------------------

    def apply_landed(self, *tables: RawTable) -> ApplyReport:
        """Landed windows that the ledger does not know yet, into the tables; publishes."""
        with self._step("sync"):
            return applying.apply_landed(self._ctx, tables)

    # whole steps ---------------------------------------------------------------------------------------------------

    def sync(self, since: datetime | None = None) -> SyncReport:
        """Orders, refunds and shipments up to now: closed windows, then the tail; published.

        A list that the platform refuses this app does not keep the others from the tables; its error is raised at the end.
        While the breaker is open the hot range and the holes are read instead, once an hour; ``paused`` of the report says so.
        """
        ctx = self._ctx
        pulled: list[PullReport] = []
        refused: list[PlatformError] = []
        applied = ApplyReport()
        tail = None
        with self._step("sync"):
            self._tried_increments = True
            breaker = degraded.look(ctx)
            passable: tuple[type[PlatformError], ...] = (PermissionDeniedError, RequestError, UnknownAnswerError)
            if breaker.is_open:
                passable += (RetryableError,)  # to be expected, and no list is to wait for another
            for pull, table, priority in self._lists(since, paused=breaker.is_open):
                try:
                    with ctx.caller.at(priority):
                        pulled.append(pull())
                except passable as error:
                    refused.append(error)
                finally:
                    applied += applying.apply_landed(ctx, (table,))
            if not breaker.is_open:
                tail = applying.read_tail(ctx)
        if refused:
            raise refused[0]
        paused = degraded.describe(ctx.shop.shop, breaker) if breaker.is_open else ""
        return SyncReport(tuple(pulled), applied, tail, paused)

    def _lists(self, since: datetime | None, *, paused: bool) -> tuple[_List, ...]:
        """What a sync reads: how, into which raw table, and how urgently."""
        ctx = self._ctx
        if paused:
            return (
                (lambda: degraded.pull_orders(ctx), "trade_pages", Priority.INCREMENTAL),
                (lambda: degraded.pull_refunds(ctx), "refund_pages", Priority.REFUNDS),
            )
        return (
            (lambda: pulls.pull_increments(ctx, since), "trade_pages", Priority.INCREMENTAL),
            (lambda: pulls.pull_refunds(ctx, since), "refund_pages", Priority.REFUNDS),
            (lambda: pulls.pull_shipments(ctx), "shipment_pages", Priority.DETAILS),
        )

    def read_tail(self) -> applying.TailReport:
        """What changed since the last tail mark, without waiting for a window to close; published. Nothing while the breaker
        is open."""
        with self._step("sync"):
            if degraded.look(self._ctx).is_open:
                return applying.TailReport(0, 0, self._ctx.clock.now())
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
        return messages.receive(self._ctx, max_wait=SENSOR_WAIT_SECONDS)

    def permit_messages(self) -> None:
        """At most one call: the platform keeps no messages for a shop that has not permitted them."""
        messages.permit(self._ctx)

    def poll_messages(self, others: Sequence[str] = (), *, consume: bool = True) -> messages.MessageReport:
        """Work off this shop's messages and read again what they name; published. ``others``: shops of the same app key;
        with ``consume`` False none are fetched: another shop's poll has done so."""
        with self._step("messages"):
            return messages.poll_messages(self._ctx, others, consume=consume)

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
        """Orders created on ``day``, every id and version, against the platform, mended where they differ; published."""
        with self._step("reconcile"):
            return reconciling.reconcile_day(self._ctx, day, heal=heal)

    def reconcile_window(self, api: str, window: Window, *, heal: bool = True) -> reconciling.ReconciliationReport:
        """As ``reconcile``, for a window of any list, by the platform's name of the list; published."""
        with self._step("reconcile"):
            return reconciling.reconcile_window(self._ctx, api, window, heal=heal)

    def reconcile_night(self, day: date | None = None, *, heal: bool = True) -> reconciling.ReconciliationReport:
        """Counts of ``day`` (default: yesterday) and of the 90 days up to it, mended where they differ; published."""
        ctx = self._ctx
        before = ctx.caller.calls
        day = day or shop_day(ctx.caller.platform_now()) - timedelta(days=1)
        with suppress(ShopBusyError), self._step("sync"):  # whoever holds the lease reads these windows at this moment
            pulls.pull_increments(ctx)
            pulls.pull_refunds(ctx)
            applying.apply_landed(ctx, ("trade_pages", "refund_pages"))
        with self._step("reconcile"):
            return reconciling.reconcile_night(ctx, day, heal=heal, spent=ctx.caller.calls - before)

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
        page = ctx.caller.call(ctx.platform.list_page(feed, window, 1, count=True), max_wait=SENSOR_WAIT_SECONDS)
        count = page.total if page.total is not None else page.row_count
        return ChangeReport(count > 0, count, mark)

    def check(self) -> datetime:
        """One cheap call with the shop's credentials; the platform's time."""
        return self._ctx.caller.call(self._ctx.platform.check())

    @contextmanager
    def _step(self, work: Work) -> Iterator[None]:
        """A lease, and readers see whatever was committed under it, also where a later part of the step failed."""
        with self._lease(work, publish=True):
            yield

    @contextmanager
    def _lease(self, work: Work, *, publish: bool = False) -> Iterator[None]:
        """One process at a time does this work, at its priority; incidents that it opens or ends are written at its end."""
        ctx = self._ctx
        wait = LEASE_WAIT_SECONDS
        with (
            lease(ctx.folder.locks, work, ctx.shop.shop, ctx.holder, ctx.clock, wait_seconds=wait),
            ctx.caller.at(PRIORITIES[work]),
        ):
            try:
                yield
            except BaseException:
                with suppress(UserError):  # what ended the work is what its caller must hear
                    incidents.settle(ctx, gaps=self._tried_increments)
                raise
            else:
                incidents.settle(ctx, gaps=self._tried_increments)
            finally:
                if publish:
                    ctx.warehouse.flush()
