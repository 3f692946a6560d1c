"""Arithmetic of windows: which intervals are covered, where the holes are, what to read next. Pure; no clock, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta

from orders_pipeline.clock import SHOP_TZ, shop_day
from orders_pipeline.platforms.base import Feed, Window

SECOND = timedelta(seconds=1)

SETTLE = timedelta(minutes=3)
"""A closed window ends so far behind the platform's clock: rows that commit late have had time to appear. The twin API of
another platform prescribes the same three minutes."""

OVERLAP = timedelta(minutes=5)
"""Each closed window re-reads so much of the one before it, for rows that appear later still."""

LONGEST = timedelta(minutes=30)
"""The platform advises at most 30 minutes a query by modified; longer ones are slow and get refused."""

NORMAL_LAG = timedelta(minutes=20)
"""What is newer may be missing without anything being wrong; normal is under 13: a window closes 3 minutes behind, opens for
5 minutes of news, and the schedule ticks every 5."""

LEAST_ADVANCE = timedelta(minutes=5)
"""No closed window is opened for less news than it re-reads; until then the tail serves."""


WALL_MARGIN = timedelta(hours=1)
"""The wall moves on while a pull runs or a night counts, and rows beside it come and go by themselves."""


def wall(feed: Feed, now: datetime) -> datetime:
    """The oldest whole second worth asking a list for."""
    return (feed.wall(now) + WALL_MARGIN).replace(microsecond=0)


def closed_end(platform_now: datetime) -> datetime:
    """The newest instant that a closed window may end at."""
    return platform_now.replace(microsecond=0) - SETTLE


def day_window(day: date, not_after: datetime) -> Window | None:
    """The whole shop day, or the part of it up to ``not_after``; None where nothing of it has passed."""
    start = datetime.combine(day, time(), SHOP_TZ)
    end = min(datetime.combine(day + timedelta(days=1), time(), SHOP_TZ) - SECOND, not_after.astimezone(SHOP_TZ))
    return Window(start, end) if end > start else None


def days_newest_first(since: date, until: date) -> Iterator[date]:
    """Days from ``until`` back to ``since``, both included."""
    day = until
    while day >= since:
        yield day
        day -= timedelta(days=1)


def merge(windows: Iterable[Window]) -> list[Window]:
    """The union of closed windows as disjoint windows, oldest first. Windows that touch within one second join: bounds are
    inclusive, so [.., 10:00:00] and [10:00:01, ..] leave no second out."""
    merged: list[Window] = []
    for window in sorted(windows):
        if merged and window.start <= merged[-1].end + SECOND:
            if window.end > merged[-1].end:
                merged[-1] = Window(merged[-1].start, window.end)
        else:
            merged.append(window)
    return merged


def holes(covered: Iterable[Window], start: datetime, end: datetime) -> list[Window]:
    """What of [start, end] no window covers, oldest first. Pieces under two seconds cannot be asked for and are widened
    by the caller's overlap, so they are reported as two seconds."""
    found: list[Window] = []
    cursor = start
    for window in merge(covered):
        if window.end < cursor:
            continue
        if window.start > end:
            break
        if window.start > cursor:
            found.append(Window(cursor, max(window.start - SECOND, cursor + SECOND)))
        cursor = max(cursor, window.end + SECOND)
    if cursor < end:
        found.append(Window(cursor, end))
    return found


def reachable(stretches: Sequence[Window], oldest: datetime) -> list[Window]:
    """Of merged windows those after the last hole that lies whole behind ``oldest``: such a hole nobody can fill any more."""
    lost = [number for number, stretch in enumerate(stretches) if number and stretch.start <= oldest]
    return list(stretches[max(lost, default=0) :])


def increments(
    covered: Iterable[Window], start: datetime, end: datetime, span: timedelta = LONGEST
) -> Iterator[Window]:
    """Closed windows that fill every hole of [start, end], oldest hole first, each at most ``span`` long and reaching
    ``OVERLAP`` back into what came before. A last piece shorter than ``LEAST_ADVANCE`` is left to the tail."""
    for hole in holes(covered, start, end):
        newest = hole.end >= end
        if newest and hole.end - hole.start < LEAST_ADVANCE:
            continue
        cursor = hole.start
        while cursor < hole.end:
            stop = min(cursor + span - OVERLAP, hole.end)
            yield Window(max(cursor - OVERLAP, start - OVERLAP), max(stop, cursor + SECOND))
            cursor = stop


def split(window: Window) -> tuple[Window, Window]:
    """Two halves that share no second and leave none out. Raises ValueError where a window has under four seconds."""
    middle = window.start + (window.end - window.start) / 2
    middle = middle.replace(microsecond=0)
    if middle <= window.start or middle + SECOND >= window.end:
        raise ValueError("window too short to split")
    return Window(window.start, middle), Window(middle + SECOND, window.end)


def days_of(window: Window) -> list[date]:
    """Every shop day that the window touches."""
    first, last = shop_day(window.start), shop_day(window.end)
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
