"""Everything that reads one shop, under its leases: the one door that assets, sensors and commands come through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta

from orders_pipeline.clock import Clock, SystemClock, shop_day
from orders_pipeline.platforms import connect
from orders_pipeline.platforms.base import RawTable, Window
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.shops import Shop, credentials
from orders_pipeline.sync import applying, changes, degraded, incidents, items, messages, pulls, reconciling, steps
from orders_pipeline.sync.caller import Caller
from orders_pipeline.sync.changes import SENSOR_WAIT_SECONDS, ChangeReport
from orders_pipeline.sync.context import Context, Progress, PullReport, silent
from orders_pipeline.sync.disk import disk_errors_named
from orders_pipeline.sync.leases import ShopBusyError, Work, lease
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.pauses import Pauses
from orders_pipeline.sync.quota import Priority, Quota
from orders_pipeline.sync.steps import SyncReport
from orders_pipeline.sync.tokens import TokenKeeper
from orders_pipeline.warehouse import ApplyReport, Warehouse

LEASE_WAIT_SECONDS = 5.0
"""Long enough for another run's short step to end, short enough that nobody wonders whether anything happens."""

PRIORITIES: dict[Work, Priority] = {
    "sync": Priority.INCREMENTAL,
    "messages": Priority.MESSAGES,
    "parcels": Priority.DETAILS,
    "stock": Priority.DETAILS,
    "reconcile": Priority.RECONCILIATION,
    "backfill": Priority.BACKFILL,
}
"""Which work goes first when places of the quota are scarce."""


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
        quota = Quota.of_shop(shop, secrets, ops, clock, pauses)
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
        with self._step("sync"):
            self._tried_increments = True
            return steps.sync(self._ctx, since)

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
        with self._step("backfill"):
            done = steps.backfill(self._ctx, days or self._ctx.shop.backfill_days)
        try:
            stock = self.snapshot_stock()
        except ShopBusyError:  # another run takes the same snapshot at this moment
            return done
        return SyncReport((*done.pulled, *stock.pulled), done.applied + stock.applied)

    def snapshot_stock(self) -> SyncReport:
        """Every item with its SKUs and quantities, now; published."""
        with self._step("stock"):
            pulled = items.pull_items(self._ctx)
            applied = applying.apply_landed(self._ctx, ("item_pages",))
        return SyncReport((pulled,), applied)

    def follow_parcels(self) -> SyncReport:
        """New shipments, and the traces of parcels that are due a look; published."""
        with self._step("parcels"):
            return steps.follow_parcels(self._ctx)

    def receive_messages(self) -> int:
        """One call: store new messages; how many wait for ``poll_messages``. For the sensor, which must be quick."""
        return messages.receive(self._ctx, max_wait=SENSOR_WAIT_SECONDS)

    def permit_messages(self) -> None:
        """At most one call: the platform keeps no messages for a shop that has not permitted them."""
        messages.permit(self._ctx)

    def poll_messages(
        self,
        others: Sequence[str] = (),
        *,
        consume: bool = True,
        lists_first: bool = False,
        confirm_within: timedelta = timedelta(),
        retry_after: timedelta = timedelta(),
        publish: bool = True,
    ) -> messages.MessageReport:
        """Work off this shop's messages and read again what they name; published, unless somebody else sees to that.

        ``others``: shops of the same app key; with ``consume`` False none are fetched: another shop's poll has done so. The
        rest: ``messages.poll_messages``.
        """
        with self._lease("messages", publish=publish):
            return messages.poll_messages(
                self._ctx,
                others,
                consume=consume,
                lists_first=lists_first,
                confirm_within=confirm_within,
                retry_after=retry_after,
            )

    def expecting_messages(self, others: Sequence[str]) -> frozenset[str]:
        """Which shops of the app key have messages to be worked off."""
        return messages.expecting(self._ctx, others)

    def tell_time(self, other: ShopSync) -> None:
        """The platform's clock, as far as it is known here, for another shop of the same platform: a call less."""
        now = self._ctx.platform.now()
        if now is not None:
            other._ctx.platform.hear_time(now)

    def hold_copies(self, until: datetime) -> None:
        """What is written before ``until`` waits for ``publish``: for who works at several shops in a row."""
        self._ctx.warehouse.hold_copies(until)

    def publish(self) -> None:
        """Readers see whatever has been committed; waits until a copy is due."""
        self._ctx.warehouse.flush()

    def end_messages(self, within: timedelta) -> None:
        """After a pass over all shops of the app key: confirm what has been worked off and waited so long for it."""
        messages.end_pass(self._ctx, within)

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
        """One call: how many orders changed since the last tail mark? For the sensor."""
        return changes.changed(self._ctx)

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
