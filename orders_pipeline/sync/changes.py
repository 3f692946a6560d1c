"""The cheap question of a sensor: has anything changed since the tail was last read?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from orders_pipeline.platforms.base import FeedName, Window
from orders_pipeline.sync.applying import LONGEST_TAIL
from orders_pipeline.sync.context import Context

CLOCK_TOLERANCE = timedelta(minutes=10)
"""The platform answers a host whose clock is wrong by up to this much."""

SENSOR_WAIT_SECONDS = 5.0
"""A sensor's tick is ended after 60 s and holds up the next one: what is not free by then is asked at the next tick."""


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """The answer to a sensor's cheap question."""

    changed: bool
    count: int
    mark: datetime


def changed(ctx: Context) -> ChangeReport:
    """One call: how many orders changed since the last tail mark?

    The window ends ahead of our clock, as far as the platform lets clocks differ: a host that is behind must not see
    nothing for ever.
    """
    feed = ctx.feed(FeedName.ORDERS_BY_MODIFIED)
    now = (ctx.platform.now() or ctx.clock.now()) + CLOCK_TOLERANCE
    mark = ctx.ops.tail_mark(ctx.shop.shop, feed.name) or now - LONGEST_TAIL
    start = max(mark + timedelta(seconds=1), now - LONGEST_TAIL).replace(microsecond=0)
    window = Window(start, max(now.replace(microsecond=0), start + timedelta(seconds=1)))
    page = ctx.caller.call(ctx.platform.list_page(feed, window, 1, count=True), max_wait=SENSOR_WAIT_SECONDS)
    count = page.total if page.total is not None else page.row_count
    return ChangeReport(count > 0, count, mark)
