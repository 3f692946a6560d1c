"""Reading lists of the platform into ``raw/``: full pages by creation, closed windows by modification, refunds, shipments.

No table is touched here; ``applying.py`` does that.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import date, datetime, timedelta
from datetime import time as clock_time

from orders_pipeline.clock import SHOP_TZ, shop_day
from orders_pipeline.platforms.base import Feed, FeedName, Window
from orders_pipeline.sync.context import Context, PullReport
from orders_pipeline.sync.reconciling.counting import listed_part
from orders_pipeline.sync.windows import (
    LEAST_ADVANCE,
    LONGEST,
    closed_end,
    day_window,
    days_newest_first,
    holes,
    increments,
    wall,
)

READERS = 4
"""Windows in flight at most: while one answer travels another is parsed and a third is written. Of a list's windows the first
is read alone; the time that it waited, against the time that it worked, says how many readers the rest is worth."""

CALLS_A_READER = 200
"""Calls a minute that one reader makes where an answer takes 0.3 s, as a full page does. A shop with the platform's usual
quota of 100 has one reader: a second would gain nothing, and a kill costs the one window that was being read."""

_LISTED_LATE = timedelta(hours=1)
"""How long after its time a change may be listed and still be found by the night's counts of the first day. Costs a shop
three to five windows, once."""

_RECENT = timedelta(days=1)
"""How far back a list is read of which nothing is known."""

_RECENT_REFUNDS = timedelta(hours=2)
"""Older ones are read in windows of a day: few change, and the platform documents no limit for them. With a day instead of
two hours a first load makes 50 calls more, of which nearly all answer with nothing."""

_HOT_WINDOW = timedelta(hours=6)
"""Of a full read of the newest orders: what a failed call costs again, where calls fail often."""


def pull_full(ctx: Context, since: date | None, until: date | None) -> PullReport:
    """Days of ``created`` that no window covers yet, newest first. Interrupted, it goes on where it stopped."""
    feed = ctx.feed(FeedName.ORDERS_BY_CREATED)
    now = ctx.caller.platform_now()
    end = closed_end(now)
    oldest = wall(feed, now)
    since = max(since or shop_day(now) - timedelta(days=ctx.shop.backfill_days - 1), shop_day(oldest))
    until = min(until or shop_day(end), shop_day(end))
    covered = ctx.coverage(feed.table).covered(feed.api)
    windows = []
    for day in days_newest_first(since, until):
        window = day_window(day, end)
        if window is not None:
            # the newest minutes are the increments' business: a full pull right after another reads nothing twice
            windows += [
                hole
                for hole in holes(covered, max(window.start, oldest), window.end)
                if hole.end < end or hole.end - hole.start >= LEAST_ADVANCE
            ]
    return _land_all(ctx, feed, windows, "full")


def refetch_days(ctx: Context, days: Sequence[date]) -> PullReport:
    """Days of ``created`` again, covered or not. Raises UserError for a day that the platform lists no more."""
    feed, now = ctx.feed(FeedName.ORDERS_BY_CREATED), ctx.caller.platform_now()
    windows = [window for day in sorted(set(days), reverse=True) if (window := listed_part(ctx, feed, day, now))]
    return _land_all(ctx, feed, windows, "refetch")


def pull_hot_range(ctx: Context, span: timedelta) -> PullReport:
    """Orders created in the last ``span``, covered or not, newest first."""
    feed = ctx.feed(FeedName.ORDERS_BY_CREATED)
    end = closed_end(ctx.caller.platform_now())
    steps = range(-(-span // _HOT_WINDOW))
    windows = [Window(end - (step + 1) * _HOT_WINDOW, end - step * _HOT_WINDOW) for step in steps]
    return _land_all(ctx, feed, windows, "full")


def pull_holes(ctx: Context) -> PullReport:
    """What of orders by ``modified`` no window covers although newer windows do."""
    feed = ctx.feed(FeedName.ORDERS_BY_MODIFIED)
    covered = ctx.coverage(feed.table).covered(feed.api)
    if not covered:
        return PullReport(feed.api)
    newest = max(window.end for window in covered)
    return _land_increments(ctx, feed, covered, covered[0].start, LONGEST, until=newest)


def pull_increments(ctx: Context, since: datetime | None = None) -> PullReport:
    """Closed windows of orders by ``modified``, from the first hole on, oldest first.

    They start at the earliest of ``since``, what was read before, and the full pull. Where there is none of these, a day ago:
    a shop that was never loaded needs a full pull, which costs a fraction of 90 days of increments.
    """
    feed = ctx.feed(FeedName.ORDERS_BY_MODIFIED)
    ledger = ctx.coverage(feed.table)
    full_read = ledger.first_read(ctx.feed(FeedName.ORDERS_BY_CREATED).api)
    covered = ledger.covered(feed.api)
    starts = [window.start for window in covered[:1]] + ([since] if since else [])
    if full_read:
        # from a whole hour on, as the nights count hours: a change that was stamped before the full pull and is listed after
        # it is in none of its pages, and would be in no hour that is compared
        starts.append((full_read - _LISTED_LATE).replace(minute=0, second=0))
    start = min(starts) if starts else ctx.caller.platform_now() - _RECENT
    return _land_increments(ctx, feed, covered, start, LONGEST)


def pull_refunds(ctx: Context, since: datetime | None = None) -> PullReport:
    """Closed windows of refunds by ``modified``; old ones a day long."""
    feed = ctx.feed(FeedName.REFUNDS_BY_MODIFIED)
    covered = ctx.coverage(feed.table).covered(feed.api)
    now = ctx.caller.platform_now()
    # from the earliest day that anybody has asked for: a longer back-fill later reaches further back than the first one
    start = min([since or _first_day(ctx, now), *(window.start for window in covered[:1])])
    old = _land_increments(ctx, feed, covered, start, feed.max_span, until=now - _RECENT_REFUNDS)
    covered = ctx.coverage(feed.table).covered(feed.api)
    return old + _land_increments(ctx, feed, covered, start, LONGEST)


def pull_shipments(ctx: Context) -> PullReport:
    """Shipments created since the full pull; parcels of older orders are told by their lines, at no call."""
    feed = ctx.feed(FeedName.SHIPMENTS_BY_CREATED)
    covered = ctx.coverage(feed.table).covered(feed.api)
    if covered:
        start = covered[0].start
    else:
        orders = ctx.feed(FeedName.ORDERS_BY_CREATED)
        start = ctx.coverage(orders.table).first_read(orders.api) or ctx.caller.platform_now() - _RECENT
    return _land_increments(ctx, feed, covered, start, feed.max_span)


def _land_increments(
    ctx: Context,
    feed: Feed,
    covered: list[Window],
    start: datetime | None,
    span: timedelta,
    until: datetime | None = None,
) -> PullReport:
    now = ctx.caller.platform_now()
    start = max((start or _first_day(ctx, now)).replace(microsecond=0), wall(feed, now))
    end = min(closed_end(now), until.replace(microsecond=0)) if until else closed_end(now)
    return _land_all(ctx, feed, list(increments(covered, start, end, span)) if end > start else [], "incremental")


def _first_day(ctx: Context, now: datetime) -> datetime:
    """The beginning of the oldest day that the shop's stanza wants."""
    return datetime.combine(shop_day(now) - timedelta(days=ctx.shop.backfill_days - 1), clock_time(), SHOP_TZ)


def _land_all(ctx: Context, feed: Feed, windows: Sequence[Window], channel: str) -> PullReport:
    """Read and land windows in the given order, a few at a time. The first error ends it; what landed stays landed."""
    report, done = PullReport(feed.api), 0
    label = f"{ctx.shop.shop}: {feed.name.replace('_', ' ')}"

    def add(landed: PullReport) -> None:
        nonlocal report, done
        report, done = report + landed, done + 1
        ctx.progress(f"{label}, {report.rows:,} rows in {report.calls:,} calls", done, len(windows))

    readers = min(READERS, -(-ctx.shop.calls_per_minute // CALLS_A_READER))
    alone = 1 if readers > 1 else 0
    begun, worked = time.perf_counter(), time.thread_time()
    for window in windows[:alone]:
        add(ctx.read_and_land(feed, window, channel))
    worked = time.thread_time() - worked
    waited = time.perf_counter() - begun - worked
    # more threads than it takes to fill the waits of one another fight for the interpreter: a tenth of a load's CPU
    readers = min(readers, 1 + int(waited / max(worked, 1e-6)))
    try:
        with ThreadPoolExecutor(readers, thread_name_prefix="read") as pool:
            futures = [pool.submit(ctx.read_and_land, feed, window, channel) for window in windows[alone:]]
            try:
                for future in as_completed(futures):
                    add(future.result())
            except BaseException:
                ctx.caller.pauses.end()  # the pool waits for its readers, and these may wait minutes for their turn
                for future in futures:
                    future.cancel()
                raise
    finally:
        ctx.caller.pauses.begin()
    return report
