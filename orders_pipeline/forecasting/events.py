"""Sales events ahead and behind: how many ordinary days one of their days is worth, learned from last year where there was one.

The merchant's list is ``master/events.yaml`` (read by ``replenishment``); the big days that every shop has are here. Finding
peaks that nobody announced is ``peaks.py``'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Protocol

import numpy as np

from orders_pipeline.forecasting.calibration import whole_units
from orders_pipeline.forecasting.outcome import Outcome
from orders_pipeline.forecasting.profiles import WEEK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orders_pipeline.forecasting.history import SalesHistory

USUAL_DAYS = 28
"""An event's days are compared with the four weeks before its first: each weekday four times, its own wave not yet in them."""
LEAST_UNITS = 100
"""Units a usual week below which a shop's own factor is chance: it then counts as 1."""
BEYOND = 1.5
"""A day tells of an event where it lies beyond the extremes of these four weeks by so much: an ordinary day of last year that
was applied as a factor cost .0085 of WSPL on Online Retail II, a shop without these events."""
LOWEST, HIGHEST = 0.05, 50.0
"""A closed week still sells a little, and the largest day of a year is below fifty ordinary ones: the range of the file, too."""
ALIKE = (30, 400)
"""The same event a year ago began so many days before: the lunar calendar moves by up to a month."""


class SalesEvent(Protocol):
    """What is needed of an event. ``factor``: times an ordinary day; None = to be learned."""

    @property
    def name(self) -> str: ...
    @property
    def start(self) -> date: ...
    @property
    def end(self) -> date: ...
    @property
    def factor(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """An event of the calendar, its factor to be learned."""

    name: str
    start: date
    end: date
    factor: float | None = None


NEW_YEAR = {
    2020: (1, 25), 2021: (2, 12), 2022: (2, 1), 2023: (1, 22), 2024: (2, 10), 2025: (1, 29), 2026: (2, 17), 2027: (2, 6),
    2028: (1, 26), 2029: (2, 13), 2030: (2, 3), 2031: (1, 23), 2032: (2, 11), 2033: (1, 31), 2034: (2, 19), 2035: (2, 8),
}  # fmt: skip
"""First day of the lunar year."""


def calendar(year: int) -> list[KnownEvent]:
    """The platforms' big days of a year: 618, 11.11 with its presale, 12.12, 年货节 and Spring Festival."""
    events = [
        KnownEvent("618", date(year, 6, 16), date(year, 6, 18)),
        KnownEvent("双11预售", date(year, 10, 20), date(year, 10, 31)),
        KnownEvent("双11", date(year, 11, 10), date(year, 11, 11)),
        KnownEvent("双12", date(year, 12, 12), date(year, 12, 12)),
    ]
    if year in NEW_YEAR:
        first = date(year, *NEW_YEAR[year])
        # 年货节 ends when couriers stop, about a week before; the holiday lasts from New Year's Eve to the sixth day
        events.append(KnownEvent("年货节", first - timedelta(days=24), first - timedelta(days=9)))
        events.append(KnownEvent("春节", first - timedelta(days=1), first + timedelta(days=6)))
    return events


@dataclass(frozen=True, slots=True)
class EventDays:
    """``past``: (days,) share of each past day that is usual, 1 = an ordinary day. ``ahead``: (7,) factor of each coming day.
    ``notes``: what is reckoned with, in Chinese."""

    past: NDArray[np.float64]
    ahead: NDArray[np.float64]
    notes: tuple[str, ...]


def event_days(history: SalesHistory, stated: Sequence[SalesEvent]) -> EventDays:
    """What events make of the history's days and of the seven after it. A stated event replaces the calendar's of its name."""
    totals = history.units.sum(axis=0, dtype=np.float64)
    known: list[SalesEvent] = list(stated)
    names = {event.name for event in stated}
    for year in range(history.first_day.year, history.until.year + 2):
        known += [event for event in calendar(year) if event.name not in names]
    past, ahead = np.ones(history.days), np.ones(WEEK)
    notes = []
    for event in known:
        first, last = (event.start - history.first_day).days, (event.end - history.first_day).days
        if last >= history.days and first < history.days + WEEK:
            factors = _of(event, known, history, totals)
            here = np.arange(max(first, history.days), min(last + 1, history.days + WEEK))
            ahead[here - history.days] *= factors[here - first]
            if len(here) and (factors[here - first] != 1).any():
                notes.append(f"{event.name}（{event.start}起）：按平日的{factors[here - first].mean():.1f}倍")
        if event.factor is not None and first < history.days and last >= 0:
            past[max(first, 0) : min(last + 1, history.days)] = min(1.0, 1 / event.factor)
    return EventDays(past, ahead, tuple(notes))


def _of(
    event: SalesEvent, known: Sequence[SalesEvent], history: SalesHistory, totals: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Factor of each day of an event."""
    length = (event.end - event.start).days + 1
    if event.factor is not None:
        return np.full(length, event.factor)
    before = [
        other for other in known
        if other.name == event.name and ALIKE[0] <= (event.start - other.start).days <= ALIKE[1] and other.end < history.until
    ]  # fmt: skip
    if not before:
        return np.ones(length)
    last_year = max(before, key=lambda other: other.start)
    first = (last_year.start - history.first_day).days
    if first < USUAL_DAYS:
        return np.ones(length)
    before_it = totals[first - USUAL_DAYS : first].reshape(-1, WEEK)
    usual = np.median(before_it, axis=0)
    if usual.sum() < LEAST_UNITS:
        return np.ones(length)
    # the same day of the event; one that lasts longer this year goes on as it ended
    days = first + np.minimum(np.arange(length), (last_year.end - last_year.start).days)
    weekday = (days - first) % WEEK
    open_days = usual[weekday] > 0
    factors = np.where(open_days, totals[days] / np.where(open_days, usual[weekday], 1), 1.0)
    seen = (before_it / np.maximum(usual, 1))[:, usual > 0]
    told = (factors > BEYOND * seen.max()) | (factors * BEYOND < seen.min())
    return np.clip(np.where(told, factors, 1.0), LOWEST, HIGHEST)


def apply(outcome: Outcome, ahead: NDArray[np.float64]) -> Outcome:
    """The forecast with the coming days' factors: means and quantiles of days, the total by what its mean gains."""
    if (ahead == 1).all():
        return outcome
    mean = outcome.mean * ahead
    before = outcome.mean.sum(axis=1)
    gain = np.where(before > 0, mean.sum(axis=1) / np.where(before > 0, before, 1), 1.0)
    return Outcome(
        mean,
        whole_units(np.asarray(outcome.days * ahead[:, None], np.float64)),
        whole_units(np.asarray(outcome.totals * gain[:, None], np.float64)),
        outcome.with_bulk * gain,
        outcome.shares,
    )
