"""Cases to learn from: SKUs at past anchors, what was known about them then, and what the seven days after brought.

Weeks with a peak of the whole shop, and days and weeks without stock or of a closed shop, teach nothing about ordinary demand.
No model here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting import features as f
from orders_pipeline.forecasting.calibration import BIN_ROWS
from orders_pipeline.forecasting.profiles import WEEK
from orders_pipeline.forecasting.signals import LEVEL_FLOOR, YOUNG_DAYS, Signals, window_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Ints = NDArray[np.int64]

AWAKE_DAYS = 112  # a series without a sale for longer teaches nothing about one that sells
SIZE_DAYS = 56  # of sales, that say how much a SKU sells when cases are drawn
DRAWN_POWER = 0.5
"""Of units a day, as weight of being drawn. Evenly drawn (0), development origins lose .0007 of WRMSSE on M5, .002 of WRMSSE,
.003 of WSPL and .006 of the week's quantile loss on The Complete Journey; .35 and .7 are no better."""


@dataclass(frozen=True, slots=True)
class Cases:
    """SKU-weeks, in the order of their anchors. ``horizons`` are the days (1…7) whose features are in ``days``.

    Shapes: rows and anchors (n,): whose and when; base (n, features), week (n, features), days (n, horizons, features), level
    (n,); units and demand (n, 7): sold, and sold without bulk orders; ``usual`` (n, 7): the day teaches (no peak, shop open, in
    stock); ``whole`` (n,): the shop was open and the SKU in stock all week, so what was sold is what was asked for;
    ``weekdays`` (n, 7): share of a usual day that the SKU's weekdays have, ``dates`` (n, 7): what its group's dates add to it.
    """

    rows: Ints
    anchors: Ints
    base: NDArray[np.float32]
    week: NDArray[np.float32]
    days: NDArray[np.float32]
    horizons: Ints
    level: Array
    units: Array
    demand: Array
    usual: NDArray[np.bool_]
    whole: NDArray[np.bool_]
    weekdays: Array
    dates: Array

    @property
    def profile(self) -> Array:
        """What weekdays and dates say of each day together, shape (n, 7), 1 = an average day."""
        profile: Array = np.maximum(self.weekdays * (1 + self.dates), 0)
        return profile

    def only(self, chosen: Ints) -> Cases:
        """Some of the cases, by their numbers."""
        return Cases(*(getattr(self, name)[chosen] for name in Cases.__slots__))


def awake(signals: Signals, anchor: int) -> Ints:
    """SKUs with a sale in the ``AWAKE_DAYS`` up to the anchor."""
    last = signals.last_sale[anchor]
    return np.flatnonzero((last >= 0) & (anchor - last < AWAKE_DAYS))


def candidates(signals: Signals, anchor: int) -> Ints:
    """SKUs to learn from at the anchor: awake and old enough to have a level."""
    rows = awake(signals, anchor)
    return rows[anchor - signals.history.first_sale[rows] + 1 >= YOUNG_DAYS]


def draw(signals: Signals, anchors: list[int], pairs: int, days: int, seed: int) -> Cases:
    """About ``pairs`` SKU-weeks, evenly from all anchors, with the features of about ``days`` of their days together, as many of
    each and one at least, evenly too; of none where ``days`` is 0.

    Mostly of SKUs that sell much: evenly drawn, the few with most of the sales would be so few that models could not tell one
    of 3 units a day from one of 50.
    """
    rng = np.random.default_rng(seed)
    groups = [(anchor, candidates(signals, anchor)) for anchor in anchors]
    there = max(sum(len(rows) for _, rows in groups), 1)
    share = min(1.0, pairs / there)
    horizons = int(np.clip(days // min(pairs, there), min(days, 1), WEEK))
    parts = []
    for anchor, rows in groups:
        sizes = window_mean(signals, "demand", rows, anchor, SIZE_DAYS)
        chosen = rows[mostly_large(sizes, round(len(rows) * share), rng)]
        offset = rng.integers(0, WEEK, len(chosen))[:, None]
        # days a pair learns from lie as far apart as they can
        ahead = (offset + np.linspace(0, WEEK, horizons, endpoint=False, dtype=np.int64)) % WEEK + 1
        if chosen.size:
            parts.append(known(signals, chosen, anchor, ahead))
    return _joined(parts)


def mostly_large(sizes: Array, count: int, rng: np.random.Generator) -> Ints:
    """``count`` numbers of the cases, ascending, or all; drawn with a weight by their units a day, see ``DRAWN_POWER``."""
    if count >= len(sizes):
        return np.arange(len(sizes))
    # the smallest of exponential numbers with these rates are a weighted draw without replacement (Efraimidis and Spirakis, 2006)
    waits = rng.exponential(size=len(sizes)) / (sizes + LEVEL_FLOOR) ** DRAWN_POWER
    return np.sort(np.argpartition(waits, count)[:count])


def whole_weeks(signals: Signals, cases: Cases, chosen: Ints) -> Cases:
    """The ``chosen`` cases again, with the features of all seven days."""
    some = cases.only(chosen)
    starts = np.flatnonzero(np.diff(some.anchors, prepend=-1))
    groups = [some.only(group) for group in np.split(np.arange(len(chosen)), starts[1:])]
    days = [
        _days(signals, each.rows, int(each.anchors[0]), all_days(len(each.rows)), each.level, each.weekdays, each.dates)
        for each in groups
    ]
    return replace(some, days=np.concatenate(days), horizons=all_days(len(chosen)))


def taught(cases: Cases) -> Ints:
    """Numbers of the cases whose sales are what was asked for; all of them where these are too few to tell of errors."""
    whole = np.flatnonzero(cases.whole)
    return whole if len(whole) >= BIN_ROWS else np.arange(len(cases.whole))


def all_days(count: int) -> Ints:
    """The seven horizons for each of ``count`` SKUs."""
    return np.tile(np.arange(1, WEEK + 1), (count, 1))


def no_days(count: int) -> Ints:
    """No horizons for each of ``count`` SKUs: all that the model of weeks needs."""
    return np.zeros((count, 0), np.int64)


def known(signals: Signals, rows: Ints, anchor: int, horizons: Ints) -> Cases:
    """The cases of one anchor. Days that are not over yet have zero units and teach nothing."""
    base, level = f.base_features(signals, rows, anchor)
    ahead = f.ahead_of(signals, anchor)
    weekdays, dates = ahead.weekdays(signals, rows, anchor), ahead.dates(signals, rows, anchor)
    wide = level.astype(np.float64)
    days = _days(signals, rows, anchor, horizons, wide, weekdays, dates)
    shape = (len(rows), WEEK)
    units, demand, usual = np.zeros(shape), np.zeros(shape), np.zeros(shape, np.bool_)
    whole = np.zeros(len(rows), np.bool_)
    over = np.arange(anchor + 1, min(anchor + 1 + WEEK, signals.history.days))
    if over.size:
        there = slice(over[0], over[-1] + 1)
        units[:, : len(over)] = signals.history.units[rows, there]
        demand[:, : len(over)] = signals.demand[rows, there]
        stocked = ~signals.history.without_stock[rows, there]
        usual[:, : len(over)] = stocked & signals.ordinary(over)
        whole[:] = stocked.all(axis=1) & ~signals.history.closed[over].any()
    week = f.week_features(signals, rows, anchor, level, ahead)
    return Cases(
        rows,
        np.full(len(rows), anchor),
        base,
        week,
        days,
        horizons,
        wide,
        units,
        demand,
        usual,
        whole,
        weekdays,
        dates,
    )


def _days(
    signals: Signals, rows: Ints, anchor: int, horizons: Ints, level: Array, weekdays: Array, dates: Array
) -> NDArray[np.float32]:
    """Features of the days ``horizons`` (rows, count) after one anchor, shape (rows, count, features)."""
    count = horizons.shape[1]
    features = f.day_features(
        signals,
        np.repeat(rows, count),
        anchor,
        horizons.ravel(),
        np.repeat(level, count),
        *(np.take_along_axis(each, horizons - 1, axis=1).ravel() for each in (weekdays, dates)),
    )
    return features.reshape(*horizons.shape, features.shape[1])


def _joined(parts: list[Cases]) -> Cases:
    return Cases(*(np.concatenate([getattr(part, name) for part in parts]) for name in Cases.__slots__))
