"""Every id and version of a day of orders by created, which a person asks for, or of a window that was found to differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from orders_pipeline.clock import shop_day
from orders_pipeline.platforms.base import Feed, FeedName, Window
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.reconciling.comparing import Segment, read_segments
from orders_pipeline.sync.reconciling.counting import listed_part
from orders_pipeline.sync.reconciling.healing import mend
from orders_pipeline.sync.reconciling.recording import Outcome, ledger_before, record, summed
from orders_pipeline.sync.reconciling.report import Calls, ReconciliationReport
from orders_pipeline.sync.reconciling.unlisted import settle
from orders_pipeline.sync.windows import NORMAL_LAG, merge, wall


def reconcile_day(ctx: Context, day: date, *, heal: bool) -> ReconciliationReport:
    """Read the orders created on ``day`` and compare ids and versions with the tables; a row in ``ops.reconciliations``.

    Orders that changed too shortly before to be here are excused, and counted: after the gapless end of the ledger, but
    never longer ago than ``NORMAL_LAG``, or a sync that is dead would look ever better. With ``heal`` what differs is mended.
    Raises PlatformError, and UserError for a day that the platform lists no more.
    """
    feed = ctx.feed(FeedName.ORDERS_BY_CREATED)
    window = listed_part(ctx, feed, day, ctx.caller.platform_now())
    if window is None:
        return ReconciliationReport(ctx.shop.shop, day, windows=0)
    return _compared(ctx, feed, window, day, heal=heal)


def reconcile_window(ctx: Context, api: str, window: Window, *, heal: bool) -> ReconciliationReport:
    """As ``reconcile_day``, for what of a window of any list that is read by windows is still listed."""
    feed = next(feed for feed in ctx.platform.feeds.values() if feed.api == api)
    oldest, day = wall(feed, ctx.caller.platform_now()), shop_day(window.start)
    if window.end <= oldest:
        return ReconciliationReport(ctx.shop.shop, day, windows=0)
    return _compared(ctx, feed, replace(window, start=max(window.start, oldest)), day, heal=heal)


def _compared(ctx: Context, feed: Feed, window: Window, day: date, *, heal: bool) -> ReconciliationReport:
    now, calls = ctx.caller.platform_now(), ctx.caller.calls
    modified = feed if feed.axis == "modified" else ctx.feed(FeedName.ORDERS_BY_MODIFIED)
    covered = merge(ctx.ledger().covered(modified.api))
    settled = max(covered[0].end, now - NORMAL_LAG) if covered else now - NORMAL_LAG
    outcome = compare_whole(ctx, feed, window, read_segments(ctx, feed, window), settled, heal=heal)
    if heal:
        settle(ctx, [outcome])
    return summed(ctx.shop.shop, day, [outcome], Calls(refetching=ctx.caller.calls - calls))


def compare_whole(
    ctx: Context, feed: Feed, window: Window, segments: list[Segment], settled: datetime, *, heal: bool
) -> Outcome:
    """Compare the segments of a window, record what differs before anything is mended, mend, and record what became of it."""
    found = _gone_through(ctx, feed, window, segments, settled, heal=False)
    at = record(ctx, [found])
    if not found.findings or not heal:
        return found
    mended = _gone_through(ctx, feed, window, segments, settled, heal=True)
    record(ctx, [mended], at)
    return mended


def _gone_through(
    ctx: Context, feed: Feed, window: Window, segments: list[Segment], settled: datetime, *, heal: bool
) -> Outcome:
    ledger = ledger_before(ctx, feed)
    outcome = Outcome(feed, window, "ids", 0, 0)
    for segment in segments:
        outcome.take(ctx, mend(ctx, segment, settled, heal=heal), settled, ledger)
    return outcome
