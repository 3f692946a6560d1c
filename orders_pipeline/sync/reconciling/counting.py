"""Which windows a night counts: the day's hours by modified, orders and refunds, and 13 weeks of orders by created.

Counting is the cheapest question there is (one row of one field, one call), so it is asked of everything. What a count cannot
see (as many rows lost as there are too many, an old version) is seen in an hour that fits one page, which is read in place of
the count, at the same one call; of longer lists it is left to the sample of ``sampling``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import Feed, FeedName, Window
from orders_pipeline.settings import UserError
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.reconciling.comparing import Segment, compare
from orders_pipeline.sync.reconciling.tables import Tables
from orders_pipeline.sync.windows import SECOND, closed_end, day_window, wall

WEEK = timedelta(days=7)

WEEKS = 13

DAYS = 90
"""What the platform still lists is three calendar months, 89 days at least; 13 weeks hold them."""

_READ_FROM = """
SELECT api, min(window_start) FILTER (channel = 'full'), min(window_start)
FROM ops.sync_windows WHERE shop = ? AND window_end > window_start GROUP BY api
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """One counted window. ``platform`` and ``here`` are rows, as of one moment; ``unlike``: rows whose versions differ, where
    they were read."""

    feed: Feed
    window: Window
    platform: int = 0
    here: int = 0
    unlike: int = 0

    @property
    def differs(self) -> bool:
        return self.platform != self.here or self.unlike > 0


def slots(ctx: Context, day: date, now: datetime) -> list[Slot]:
    """The windows to count in the night after ``day``: 24 + 24 + 13 for a shop that has been read for three months.

    Left out is what was never asked for: hours before the first closed window, days before the back-fill's first.
    """
    found = []
    for name in (FeedName.ORDERS_BY_MODIFIED, FeedName.REFUNDS_BY_MODIFIED):
        feed = ctx.feed(name)
        since = read_since(ctx, feed, now)
        found += [Slot(feed, hour) for hour in hours_of(day) if since is not None and hour.start >= since]
    feed = ctx.feed(FeedName.ORDERS_BY_CREATED)
    since = read_since(ctx, feed, now)
    return found + [Slot(feed, week) for week in (weeks_before(day, since) if since else ())]


def read_since(ctx: Context, feed: Feed, now: datetime) -> datetime | None:
    """From when on a list's rows should be here; None where nothing was ever read.

    By modified: the first closed window. By created: the back-fill's first day, wherever it stopped; a day that was read
    again by itself says nothing of those after it.
    """
    with ctx.warehouse.read() as con:
        reads = {api: starts for api, *starts in con.execute(_READ_FROM, [ctx.shop.shop]).fetchall()}
    full, first = reads.get(feed.api, (None, None))
    if feed.axis == "created":
        _, increments = reads.get(ctx.feed(FeedName.ORDERS_BY_MODIFIED).api, (None, None))
        first = full or increments
    return max(wall(feed, now), first.astimezone(UTC)) if first else None


def listed_part(ctx: Context, feed: Feed, day: date, now: datetime) -> Window | None:
    """What of the day has passed and is still listed; None where nothing of it has passed. Raises UserError where all of it
    lies behind the platform's wall: an empty list proves nothing there."""
    window = day_window(day, closed_end(now))
    oldest = wall(feed, now)
    if window is None or window.start >= oldest:
        return window
    if window.end <= oldest:
        raise UserError(
            f"Shop {ctx.shop.shop}: the platform lists no orders of {day} any more (over {feed.months_back} months old); "
            "what is here of them stays as it is."
        )
    return replace(window, start=oldest)


def hours_of(day: date) -> list[Window]:
    """The 24 hours of a shop day; together they leave no second out."""
    start = datetime.combine(day, time(), SHOP_TZ)
    return [_window(start + timedelta(hours=hour), timedelta(hours=1)) for hour in range(24)]


def weeks_before(day: date, oldest: datetime) -> list[Window]:
    """13 weeks up to the end of ``day``, newest first; nothing before the 90th day or ``oldest``."""
    midnight = datetime.combine(day + timedelta(days=1), time(), SHOP_TZ)
    oldest = max(oldest.astimezone(SHOP_TZ), midnight - timedelta(days=DAYS))
    weeks = [_window(midnight - (back + 1) * WEEK, WEEK) for back in range(WEEKS)]
    return [
        week if week.start >= oldest else replace(week, start=oldest) for week in weeks if week.end > oldest + SECOND
    ]


def count_here(ctx: Context, counted: list[Slot], now: datetime) -> list[Slot]:
    """The same slots with the rows that are here, as published."""
    with ctx.warehouse.read() as con:
        tables = {slot.feed.name: Tables(con, ctx.shop.shop, slot.feed, now) for slot in counted}
        return [replace(slot, here=tables[slot.feed.name].count(slot.window)) for slot in counted]


def count_there(ctx: Context, slot: Slot, settled: datetime) -> Slot:
    """The slot with the platform's count, one call; by modified with its versions, where as many rows as are here fit a page."""
    if slot.feed.axis == "created" or slot.here > slot.feed.page_size:
        return replace(slot, platform=ctx.caller.call(ctx.platform.count(slot.feed, slot.window)))
    fetched_at = ctx.caller.platform_now()
    read = ctx.read_tail(slot.feed, slot.window)
    unlike = compare(ctx, Segment(slot.feed, slot.window, read, fetched_at), settled).found
    return replace(slot, platform=max(read.largest_count, len(read.ids)), unlike=unlike)


def _window(start: datetime, length: timedelta) -> Window:
    return Window(start, start + length - SECOND)
