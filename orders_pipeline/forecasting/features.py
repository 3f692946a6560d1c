"""What the models learn from: scale-free numbers about a SKU at an anchor, and about one of the seven days after it.

Every level-like number is divided by the SKU's robust level, so that one model serves fast and slow SKUs. What each part is
worth: docs/forecasts.md and the project's forecast research, section 4. No model belongs here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting.profiles import OWN_WEEKS, WEEK, month_profile, own_weekdays, weekday_profile
from orders_pipeline.forecasting.signals import HALF_LIVES, Signals, days_since_sale, ratio, robust_level, window_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orders_pipeline.forecasting.signals import Floats, Ints

YEAR = 52 * WEEK  # the same weekday a year ago
LEAST_RATE = 0.005  # a day, one in half a year: keeps logarithms finite
SAME_WEEKS = 8  # whose same weekday a day is compared with
MISSING = -9.0  # below what features reach; not NaN, because scikit-learn refuses a column of nothing else


def base_features(signals: Signals, rows: Ints, anchor: int) -> tuple[Floats, Floats]:
    """Features of a SKU at an anchor that do not depend on the horizon: (rows, features), and the level (rows,).

    Every one costs the model of days; what only the model of weeks gains from is ``week_features``.
    """

    def mean(name: str, days: int) -> NDArray[np.float64]:
        return window_mean(signals, name, rows, anchor, days)

    def over(name: str, count: str, days: int) -> NDArray[np.float64]:
        return ratio(signals, name, count, rows, anchor, days)

    level = robust_level(signals, rows, anchor)
    columns: list[NDArray[np.generic]] = [np.log(level)]
    columns += [mean("raw", days) / level for days in (7, 28, 364)]
    columns.append(mean("demand", 112) / level)
    columns += _exponential(signals, rows, anchor, level, (1.5, 3.0, 7.0, 14.0, 112.0))
    columns.append(np.sqrt(np.maximum(mean("square", 112) - mean("demand", 112) ** 2, 0)) / level)
    # how often: days with a sale, orders; as they are, and as logarithms, which chances go with
    columns += [mean("sale", days) for days in (7, 28, 112)]
    columns += [mean("orders", days) / level for days in (7, 28, 112, 364)]
    columns += [np.log(mean("sale", days) + LEAST_RATE) for days in (56, 364)]
    columns += [np.log(mean("orders", days) + LEAST_RATE) for days in (28, 112)]
    # how much: of a day with a sale, of an order, and how much the former differ
    columns.append(np.minimum(mean("demand", 56) / np.maximum(mean("sale", 56), 1e-6), 1e4) / level)
    columns.append(over("demand", "orders", 112) / level)
    for days in (56, 182, 364):
        size = over("log_size", "sold", days)
        columns.append(size - np.log(level))
        columns.append(np.sqrt(np.maximum(over("log_size_square", "sold", days) - size**2, 0)))
    columns.append(signals.demand[rows, max(anchor - 55, 0) : anchor + 1].max(axis=1) / level)
    columns.append(days_since_sale(signals, rows, anchor) - signals.closed_since_sale(rows, anchor))
    columns.append(np.log1p(np.maximum(anchor - signals.history.first_sale[rows], 0)))
    price = signals.history.price[rows, anchor]
    columns.append(np.log(np.maximum(price, 0.01)))
    columns.append(price / over("price", "priced", 182))
    # the coming week of last year; missing where the series is younger
    start = anchor + 1 - YEAR
    last_year = (signals.upto("demand", start + WEEK) - signals.upto("demand", start))[rows] / WEEK / level
    columns.append(np.where(start >= signals.first[rows], last_year, np.nan))
    return _table(columns), level


@dataclass(frozen=True, slots=True)
class Ahead:
    """What groups say about the week after an anchor: weekdays of late and of a year, days of the month. Shapes: (groups, 7)
    twice, (groups, 32)."""

    weekday: Floats
    weekday_in_year: Floats
    month: NDArray[np.float64]

    def weekdays(self, signals: Signals, rows: Ints, anchor: int) -> NDArray[np.float64]:
        """Share of a usual day that each of the seven days has for each SKU, shape (rows, 7)."""
        group = signals.history.group[rows]
        return own_weekdays(signals, rows, anchor, self.weekday[group], self.weekday_in_year[group])

    def dates(self, signals: Signals, rows: Ints, anchor: int) -> NDArray[np.float64]:
        """What the dates of its group add to that, as a share of it, shape (rows, 7)."""
        return self.month[:, signals.month_day[anchor + 1 : anchor + 1 + WEEK]][signals.history.group[rows]]


def ahead_of(signals: Signals, anchor: int) -> Ahead:
    """What is said of the week after an anchor; worked out once."""
    if anchor not in signals.ahead:
        signals.ahead[anchor] = Ahead(
            weekday_profile(signals.by_group, anchor),
            weekday_profile(signals.by_group, anchor, OWN_WEEKS),
            month_profile(signals, anchor),
        )
    return signals.ahead[anchor]


def week_features(signals: Signals, rows: Ints, anchor: int, level: Floats, ahead: Ahead) -> Floats:
    """What the model of weeks learns from besides: levels of more windows, and the dates of the week after the anchor."""

    def mean(name: str, days: int) -> NDArray[np.float64]:
        return window_mean(signals, name, rows, anchor, days)

    dates = signals.month_day[anchor + 1 : anchor + 1 + WEEK]
    columns: list[NDArray[np.generic]] = [ahead.month[:, dates].mean(axis=1)[signals.history.group[rows]]]
    columns += [mean("raw", days) / level for days in (14, 56, 112)]
    columns += [mean("demand", days) / level for days in (7, 28, 56)]
    columns += _exponential(signals, rows, anchor, level, (28.0, 56.0))
    columns.append(np.sqrt(np.maximum(mean("square", 28) - mean("demand", 28) ** 2, 0)) / level)
    columns.append(signals.history.price[rows, anchor] / ratio(signals, "price", "priced", rows, anchor, 28))
    return _table(columns)


def day_features(
    signals: Signals,
    rows: Ints,
    anchor: int,
    horizon: Ints,
    level: NDArray[np.float64],
    weekdays: NDArray[np.float64],
    dates: NDArray[np.float64],
) -> Floats:
    """Features of the target day: (rows, features). ``horizon`` is 1…7 a row; ``weekdays`` and ``dates``: what ``Ahead`` says of
    that day, a number a row."""
    day = anchor + horizon
    same = np.full((len(rows), SAME_WEEKS), np.nan, np.float32)
    for week in range(1, SAME_WEEKS + 1):
        past = day - WEEK * week
        there = past >= signals.first[rows]
        # peaks brought down to the usual: the Wednesdays after a Wednesday's 11.11 must not inherit it
        same[there, week - 1] = signals.demand[rows[there], past[there]] * signals.usual[past[there]]
    present = np.isfinite(same)
    filled = np.where(present, same, 0)
    means: list[NDArray[np.generic]] = []
    for weeks in (1, 2, 4, SAME_WEEKS):
        seen = present[:, :weeks].sum(axis=1)
        means.append(np.where(seen > 0, filled[:, :weeks].sum(axis=1) / np.maximum(seen, 1) / level, np.nan))
    weekday = (signals.history.first_day.weekday() + day) % WEEK
    return _table([*means, weekday, horizon, weekdays, dates])


def _exponential(
    signals: Signals, rows: Ints, anchor: int, level: Floats, half_lives: tuple[float, ...]
) -> list[NDArray[np.generic]]:
    at = [HALF_LIVES.index(days) for days in half_lives]
    return list((signals.exponential[anchor][rows][:, at] / level[:, None]).T)


def _table(columns: list[NDArray[np.generic]]) -> Floats:
    return np.nan_to_num(np.column_stack([c.astype(np.float32) for c in columns]), nan=MISSING)
