"""Comparing a day with the platform: which orders are missing here, stale here, or gone there; and mending it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import FeedName, Window
from orders_pipeline.sync.applying import apply_files
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.paging import WindowRead
from orders_pipeline.sync.windows import closed_end, day_window

_LOCAL = """
SELECT order_id, modified_at FROM core.orders
WHERE shop = ? AND created_at BETWEEN ? AND ? AND vanished_at IS NULL
"""

_RECORD = """
INSERT INTO ops.reconciliations (shop, api, axis, window_start, window_end, checked_at, platform_count, local_count,
  missing, extra, stale, refetched, healed, detail)
VALUES (?, ?, 'created', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_NAMED = 20
"""Order ids written out of each kind; the counts tell the rest."""


@dataclass(frozen=True, slots=True)
class ReconciliationReport:
    """One shop-day against the platform. The tuples hold order ids; empty tuples mean that both sides agree."""

    shop: str
    day: date
    platform_count: int
    local_count: int
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    stale: tuple[str, ...]
    refetched: int = 0
    healed: int = 0

    @property
    def differs(self) -> bool:
        """Whether anything is still different."""
        return bool(self.missing or self.extra or self.stale)


def reconcile_day(ctx: Context, day: date, *, heal: bool) -> ReconciliationReport:
    """Read the ids and versions of the orders created on ``day`` and compare them with the tables.

    Orders that changed after the last closed window are no difference: the next window brings them. With ``heal`` the pages
    just read are landed and applied where anything differs, orders gone from the platform are marked vanished, and the
    comparison is made again. Either way a row goes to ``ops.reconciliations``. Raises PlatformError.
    """
    feed = ctx.feed(FeedName.ORDERS_BY_CREATED)
    fetched_at = ctx.caller.platform_now()
    window = day_window(day, closed_end(fetched_at))
    if window is None:
        return ReconciliationReport(ctx.shop.shop, day, 0, 0, (), (), ())
    read = ctx.read(feed, window)
    settled = max((w.end for w in ctx.ledger().covered(ctx.feed(FeedName.ORDERS_BY_MODIFIED).api)), default=fetched_at)
    report = _compare(ctx, day, window, read, settled)
    if report.differs and heal:
        span = (window.start, window.end)
        landed = ctx.landing.land(feed.table, ctx.origin("refetch"), span, read.pages, fetched_at, read.calls)
        apply_files(ctx, [landed])
        _mark_vanished(ctx, report.extra, fetched_at)
        ctx.warehouse.flush()
        before, report = report, _compare(ctx, day, window, read, settled)
        wrong_before = len(before.missing) + len(before.extra) + len(before.stale)
        wrong_now = len(report.missing) + len(report.extra) + len(report.stale)
        _record(ctx, before, feed.api, window, fetched_at, len(read.ids), wrong_before - wrong_now)
        return ReconciliationReport(
            report.shop, day, report.platform_count, report.local_count, report.missing, report.extra, report.stale,
            len(read.ids), wrong_before - wrong_now,
        )  # fmt: skip
    _record(ctx, report, feed.api, window, fetched_at, 0, 0)
    return report


def _compare(ctx: Context, day: date, window: Window, read: WindowRead, settled: datetime) -> ReconciliationReport:
    theirs: dict[str, datetime] = {}
    for page in read.pages:
        for order_id, modified in page.keys:
            version = datetime.fromisoformat(modified).replace(tzinfo=SHOP_TZ).astimezone(UTC)
            theirs[order_id] = max(version, theirs.get(order_id, version))
    with ctx.warehouse.read() as con:
        rows = con.execute(_LOCAL, [ctx.shop.shop, window.start, window.end]).fetchall()
    ours = {order_id: modified.astimezone(UTC) for order_id, modified in rows}
    due = {order_id for order_id, version in theirs.items() if version <= settled}
    return ReconciliationReport(
        shop=ctx.shop.shop,
        day=day,
        platform_count=len(theirs),
        local_count=len(ours),
        missing=tuple(sorted(due - ours.keys())),
        extra=tuple(sorted(ours.keys() - theirs.keys())),
        stale=tuple(sorted(i for i in due & ours.keys() if ours[i] < theirs[i])),
    )


def _mark_vanished(ctx: Context, order_ids: tuple[str, ...], at: datetime) -> None:
    if order_ids:
        with ctx.warehouse.write(ctx.holder) as con:
            con.execute(
                "UPDATE core.orders SET vanished_at = ? WHERE shop = ? AND order_id IN (SELECT unnest(?))",
                [at, ctx.shop.shop, list(order_ids)],
            )


def _record(
    ctx: Context, report: ReconciliationReport, api: str, window: Window, at: datetime, refetched: int, healed: int
) -> None:
    kinds = {"missing": report.missing, "extra": report.extra, "stale": report.stale}
    detail = "; ".join(f"{kind}: {', '.join(ids[:_NAMED])}" for kind, ids in kinds.items() if ids) or None
    counts = [report.platform_count, report.local_count, *(len(ids) for ids in kinds.values()), refetched, healed]
    with ctx.warehouse.write(ctx.holder) as con:
        con.execute(_RECORD, [report.shop, api, window.start, window.end, at, *counts, detail])
