"""The sample where counts agree: one day a night, ids and versions, so that each order is looked at once while it is listed.

A count does not see an old version, nor one row lost beside one too many; reading everything each night would cost a
back-fill. So a day of orders by created and a day of refunds by modified are read whole, another one each night.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from orders_pipeline.clock import shop_day
from orders_pipeline.platforms.base import Feed, Window
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.reconciling.comparing import read_segments
from orders_pipeline.sync.reconciling.counting import DAYS, listed_part
from orders_pipeline.sync.reconciling.daily import compare_whole
from orders_pipeline.sync.reconciling.recording import Outcome
from orders_pipeline.sync.reconciling.tables import Tables
from orders_pipeline.sync.windows import SECOND

MOST_ROWS = 2_000
"""20 pages, a third of what the counts cost; of a fuller day a part is read."""


def sample(ctx: Context, feed: Feed, night: date, oldest: datetime, settled: datetime, *, heal: bool) -> Outcome | None:
    """Compare the night's sample of a list whose rows are here from ``oldest`` on; None where there is no whole day yet."""
    day = sampled_day(night, shop_day(oldest) + timedelta(days=1))
    window = listed_part(ctx, feed, day, settled) if day else None
    if window is None:
        return None
    with ctx.warehouse.read() as con:
        rows = Tables(con, ctx.shop.shop, feed, settled).count(window)
    window = part_of(window, -(-rows // MOST_ROWS), night.toordinal())
    return compare_whole(ctx, feed, window, read_segments(ctx, feed, window), settled, heal=heal)


def sampled_day(night: date, oldest: date) -> date | None:
    """The day that the night after ``night`` looks at, of those from ``oldest`` to ``night``.

    The age looked at goes down by a day each night, over an odd number of ages: a day and the age at which it is met move
    against each other by two, so an even number would leave every second day out for ever.
    """
    days = min((night - oldest).days + 1, DAYS)
    if days < 1:
        return None
    ages = days if days % 2 else days - 1
    return night - timedelta(days=-night.toordinal() % ages)


def part_of(window: Window, parts: int, turn: int) -> Window:
    """One of ``parts`` equal pieces of a window, another one each turn."""
    if parts <= 1:
        return window
    length = ((window.end - window.start + SECOND) / parts) // SECOND * SECOND
    start = window.start + turn % parts * length
    return replace(window, start=start, end=window.end if turn % parts == parts - 1 else start + length - SECOND)
