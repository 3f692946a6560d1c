"""What the models learn from: scale-free numbers about a SKU at an anchor, and about one of the seven days after it.

Every level-like number is divided by the SKU's robust level, so that one model serves fast and slow SKUs. What each part is
worth: docs/forecasts.md and the project's forecast research, section 4. No model belongs here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting.profiles import (
    PROFILE_WEEKS,
    WEEK,
    YEAR,
    month_profile,
    season_slope,
    weekday_profile,
)
from orders_pipeline.forecasting.signals import Signals, days_since_sale, robust_level, window_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orders_pipeline.forecasting.signals import Floats, Ints

MISSING = -9.0  # below every feature; not NaN, because scikit-learn refuses a column of nothing else


def base_features(signals: Signals, rows: Ints, anchor: int) -> tuple[Floats, Floats]:
    """Features of a SKU at an anchor that do not depend on the horizon: (rows, features), and the level (rows,)."""
    level = robust_level(signals, rows, anchor)
    columns: list[NDArray[np.generic]] = [np.log(level)]
    columns += [window_mean(signals, "raw", rows, anchor, d) / level for d in (7, 14, 28, 56, 112, 364)]
    columns += [window_mean(signals, "demand", rows, anchor, d) / level for d in (7, 28, 56, 112)]
    columns += list((signals.exponential[anchor][rows, :-1] / level[:, None]).T)
    for d in (28, 112):
        mean = window_mean(signals, "demand", rows, anchor, d)
        square = window_mean(signals, "square", rows, anchor, d)
        columns.append(np.sqrt(np.maximum(square - mean**2, 0)) / level)
    shares = {d: window_mean(signals, "sale", rows, anchor, d) for d in (7, 28, 112)}
    columns += list(shares.values())
    size = window_mean(signals, "demand", rows, anchor, 56) / np.maximum(
        window_mean(signals, "sale", rows, anchor, 56), 1e-6
    )
    columns.append(np.minimum(size, 1e4) / level)
    columns.append(signals.demand[rows, max(anchor - 55, 0) : anchor + 1].max(axis=1) / level)
    columns.append(days_since_sale(signals, rows, anchor) - signals.closed_since_sale(rows, anchor))
    columns.append(np.log1p(np.maximum(anchor - signals.history.first_sale[rows], 0)))
    columns += [window_mean(signals, "orders", rows, anchor, d) / level for d in (7, 28)]
    price = signals.history.price[rows, anchor]
    columns.append(np.log(np.maximum(price, 0.01)))
    for d in (28, 182):
        total = (signals.upto("price", anchor + 1) - signals.upto("price", anchor + 1 - d))[rows]
        known = (signals.upto("priced", anchor + 1) - signals.upto("priced", anchor + 1 - d))[rows]
        columns.append(price / np.where(known > 0, total / np.maximum(known, 1), np.nan))
    # the coming week of last year; missing where the series is younger
    start = anchor + 1 - YEAR
    last_year = (signals.upto("demand", start + WEEK) - signals.upto("demand", start))[rows] / WEEK / level
    columns.append(np.where(start >= signals.first[rows], last_year, np.nan))
    return _table(columns), level


@dataclass(frozen=True, slots=True)
class Ahead:
    """What groups say about the week after an anchor. Shapes: (groups, 7), (groups, 32); slope a number, NaN = unknown."""

    weekday: Floats
    month: NDArray[np.float64]
    slope: float

    def profile(self, signals: Signals, anchor: int) -> NDArray[np.float64]:
        """Weekday and date together, shape (groups, 7), 1 = an average day."""
        dates = signals.month_day[anchor + 1 : anchor + 1 + WEEK]
        return self.weekday * (1 + self.month[:, dates])


def ahead_of(signals: Signals, anchor: int, *, season: bool) -> Ahead:
    """What is said of the week after an anchor; worked out once. ``season``: with last year's slope."""
    if anchor not in signals.ahead:
        slope = season_slope(signals, anchor) if season else float("nan")
        signals.ahead[anchor] = Ahead(weekday_profile(signals, anchor), month_profile(signals, anchor), slope)
    return signals.ahead[anchor]


def week_features(signals: Signals, rows: Ints, anchor: int, ahead: Ahead) -> Floats:
    """Features of the whole week after the anchor that the SKU's own do not hold: (rows, 2)."""
    dates = signals.month_day[anchor + 1 : anchor + 1 + WEEK]
    month = ahead.month[:, dates].mean(axis=1)[signals.history.group[rows]]
    return _table([month, np.full(len(rows), ahead.slope)])


def day_features(signals: Signals, rows: Ints, anchor: int, horizon: Ints, level: Floats, ahead: Ahead) -> Floats:
    """Features of the target day: (rows, features). ``horizon`` is 1…7 a row."""
    day = anchor + horizon
    same = np.full((len(rows), PROFILE_WEEKS), np.nan, np.float32)
    for week in range(1, PROFILE_WEEKS + 1):
        past = day - WEEK * week
        there = past >= signals.first[rows]
        # peaks brought down to the usual: the Wednesdays after a Wednesday's 11.11 must not inherit it
        same[there, week - 1] = signals.demand[rows[there], past[there]] * signals.usual[past[there]]
    present = np.isfinite(same)
    filled = np.where(present, same, 0)
    means: list[NDArray[np.generic]] = []
    for weeks in (1, 2, 4, PROFILE_WEEKS):
        seen = present[:, :weeks].sum(axis=1)
        means.append(np.where(seen > 0, filled[:, :weeks].sum(axis=1) / np.maximum(seen, 1) / level, np.nan))
    weekday = (signals.history.first_day.weekday() + day) % WEEK
    group = signals.history.group[rows]
    month = ahead.month[group, signals.month_day[day]]
    return _table([*means, weekday, horizon, ahead.weekday[group, horizon - 1], month])


def _table(columns: list[NDArray[np.generic]]) -> Floats:
    return np.nan_to_num(np.column_stack([c.astype(np.float32) for c in columns]), nan=MISSING)
