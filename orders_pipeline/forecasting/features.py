"""From demand history to numbers a model can learn from: robust level, scale-free features, weekday profiles.

Causal throughout: what is computed for an anchor (the last known day) uses days up to it only. No model belongs here.
The recipe and what each part is worth: the project's forecast research, section 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting.peaks import usual_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orders_pipeline.forecasting.history import SalesHistory

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]

WEEK = 7
HALF_LIVES = (1.5, 3.0, 7.0, 14.0, 28.0, 56.0, 112.0)  # days; from "this weekend" to "this quarter"
LEVEL_ALPHA = 0.07  # of the level's exponential mean: half-life of 9.5 days
LEVEL_FLOOR = 0.02  # units a day, one in seven weeks: keeps the division finite for sleepers
YOUNG_DAYS = 14  # a level divides by at least so many days: one sale on day one is no daily rate
CUT_LEVELS, CUT_SIZES = 8.0, 3.0  # a day above 8 usual days and above 3 usual sales is a bulk order, not demand
FIRST_SALE_UNITS = (
    20.0  # the very first sale is cut to this, or 3 usual sales of the shop: nothing else to compare with
)
LEVEL_MEMORY, SIZE_MEMORY = 0.97, 0.9  # of a day; of a sale
PROFILE_WEEKS = 8  # weekday profile: shorter is noise, longer misses a new season
MISSING = -9.0  # below every feature; not NaN, because scikit-learn refuses a column of nothing else
PROFILE_PRIOR = 50.0  # units at which a group's own profile weighs as much as the shop's


@dataclass(frozen=True, slots=True)
class Signals:
    """Running sums over days, from which features at any anchor are differences. Sums have a leading zero column."""

    history: SalesHistory
    demand: Floats  # winsorised units, days without stock filled with the level of their time
    usual: Floats  # the same with shop-wide peaks brought down: what weekdays are compared on
    peak: NDArray[np.bool_]  # days of the whole shop's peaks: nothing to learn ordinary days from
    exponential: dict[int, Floats]  # anchor → (SKUs, half-lives + the level's own), corrected for a young series
    sums: dict[str, NDArray[np.float64]]
    first: Ints  # first day of a series within the columns


def prepare(history: SalesHistory, anchors: list[int]) -> Signals:
    """Winsorise day by day and keep what features at the ``anchors`` (column numbers of last known days) need."""
    demand, exponential = _winsorise(history, anchors)
    raw = np.where(history.without_stock, demand, history.units)
    parts = {
        "raw": raw,
        "demand": demand,
        "square": demand.astype(np.float64) ** 2,
        "sale": raw > 0,
        "orders": history.orders,
        "price": np.nan_to_num(history.price),
        "priced": np.isfinite(history.price),
    }
    sums = {name: _running_sum(values) for name, values in parts.items()}
    share = usual_share(history.orders)
    usual = (demand * share).astype(np.float32)
    return Signals(
        history, demand, usual, share < 1, exponential, sums, np.maximum(history.first_sale, 0).astype(np.int64)
    )


def _running_sum(values: NDArray[np.generic]) -> NDArray[np.float64]:
    total = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=total[:, 1:])
    return total


def _winsorise(history: SalesHistory, anchors: list[int]) -> tuple[Floats, dict[int, Floats]]:
    count, days = history.units.shape
    alphas = np.array([1 - 0.5 ** (1 / h) for h in HALF_LIVES] + [LEVEL_ALPHA], np.float32)
    demand = np.zeros((count, days), np.float32)
    means = np.zeros((count, len(alphas)), np.float32)
    level = np.zeros(count, np.float32)
    size = np.zeros(count, np.float32)
    sales = np.zeros(count, np.int32)
    kept: dict[int, Floats] = {}
    wanted = set(anchors)
    for day in range(days):
        age = day - history.first_sale + 1
        units = history.units[:, day]
        sold = np.flatnonzero(units > 0)
        cut = units.copy()
        if sold.size:
            known = size[sales > 0]
            first_cut = max(FIRST_SALE_UNITS, CUT_SIZES * float(np.median(known)) if known.size else 0.0)
            limit = np.where(sales[sold] > 0, np.maximum(CUT_LEVELS * level[sold], CUT_SIZES * size[sold]), first_cut)
            cut[sold] = np.minimum(units[sold], limit)
            sales[sold] += 1
            weight = np.maximum(1 - SIZE_MEMORY, 1 / sales[sold])
            size[sold] += weight * (cut[sold] - size[sold])
        correction = 1 - (1 - alphas) ** np.maximum(age, YOUNG_DAYS)[:, None]
        empty = history.without_stock[:, day]
        if empty.any():
            cut[empty] = means[empty, -1] / correction[empty, -1]
        live = age > 0
        weight = np.where(live, np.maximum(1 - LEVEL_MEMORY, 1 / np.maximum(age, 1)), 0).astype(np.float32)
        level += weight * (cut - level)
        means += alphas * (cut[:, None] - means)
        demand[:, day] = cut
        if day in wanted:
            kept[day] = means / correction
    return demand, kept


def window_mean(signals: Signals, name: str, rows: Ints, anchor: int, days: int, least: int = 1) -> NDArray[np.float64]:
    """Mean of the ``days`` up to the anchor, over the days the series existed but at least ``least``."""
    total = signals.sums[name]
    start = max(anchor + 1 - days, 0)
    age = anchor - signals.history.first_sale[rows] + 1
    mean: NDArray[np.float64] = total[rows, anchor + 1] - total[rows, start]
    return mean / np.maximum(np.minimum(age, days), min(least, days))


def robust_level(signals: Signals, rows: Ints, anchor: int) -> Floats:
    """Units a day, never below ``LEVEL_FLOOR``; what every level-like feature and the size of a sale are divided by."""
    month = window_mean(signals, "demand", rows, anchor, 28, YOUNG_DAYS)
    season = window_mean(signals, "demand", rows, anchor, 112, YOUNG_DAYS)
    recent = signals.exponential[anchor][rows, -1]
    level: Floats = (0.5 * month + 0.3 * season + 0.2 * recent + LEVEL_FLOOR).astype(np.float32)
    return level


def days_since_sale(signals: Signals, rows: Ints, anchor: int) -> Ints:
    """Days from the last day with a sale to the anchor; 0 = sold on it."""
    total = signals.sums["sale"][rows, : anchor + 2]
    last = np.argmax(total >= total[:, -1:], axis=1).astype(np.int64)
    since: Ints = anchor + 1 - last
    return since


def weekday_profile(signals: Signals, anchor: int) -> Floats:
    """Share of a usual day that each of the next seven days has, shape (groups, 7); small groups lean on the shop's."""
    groups = int(signals.history.group.max()) + 1
    weeks = min(PROFILE_WEEKS, (anchor + 1) // WEEK)
    if weeks == 0:
        return np.ones((groups, WEEK), np.float32)
    window = (
        signals.usual[:, anchor + 1 - weeks * WEEK : anchor + 1].reshape(-1, weeks, WEEK).sum(axis=1, dtype=np.float64)
    )
    by_group = np.zeros((groups, WEEK))
    np.add.at(by_group, signals.history.group, window)
    shop = by_group.sum(axis=0)
    shop = (shop + PROFILE_PRIOR) / (shop.mean() + PROFILE_PRIOR)
    profile = (by_group + PROFILE_PRIOR * shop) / (by_group.mean(axis=1, keepdims=True) + PROFILE_PRIOR)
    return np.asarray(profile, np.float32)


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
    columns.append(days_since_sale(signals, rows, anchor))
    columns.append(np.log1p(np.maximum(anchor - signals.history.first_sale[rows], 0)))
    columns += [window_mean(signals, "orders", rows, anchor, d) / level for d in (7, 28)]
    price = signals.history.price[rows, anchor]
    columns.append(np.log(np.maximum(price, 0.01)))
    for d in (28, 180):
        start = max(anchor + 1 - d, 0)
        total = signals.sums["price"][rows, anchor + 1] - signals.sums["price"][rows, start]
        known = signals.sums["priced"][rows, anchor + 1] - signals.sums["priced"][rows, start]
        columns.append(price / np.where(known > 0, total / np.maximum(known, 1), np.nan))
    return _table(columns), level


def horizon_features(
    signals: Signals, rows: Ints, anchor: int, horizon: Ints, level: Floats, profile: Floats
) -> Floats:
    """Features of the target day: (rows, features). ``horizon`` is 1…7 a row; the last column is the profile's share."""
    day = anchor + horizon
    same = np.full((len(rows), PROFILE_WEEKS), np.nan, np.float32)
    for week in range(1, PROFILE_WEEKS + 1):
        past = day - WEEK * week
        there = past >= signals.first[rows]
        same[there, week - 1] = signals.usual[rows[there], past[there]]
    present = np.isfinite(same)
    filled = np.where(present, same, 0)
    means: list[NDArray[np.generic]] = []
    for weeks in (1, 2, 4, PROFILE_WEEKS):
        seen = present[:, :weeks].sum(axis=1)
        means.append(np.where(seen > 0, filled[:, :weeks].sum(axis=1) / np.maximum(seen, 1) / level, np.nan))
    # last year's week around the same weekday; missing where the series is younger
    middle = day - 52 * WEEK
    known = middle - 3 >= signals.first[rows]
    total = signals.sums["demand"]
    low, high = np.clip(middle - 3, 0, None), np.clip(middle + 4, 0, None)
    last_year = np.where(known, (total[rows, high] - total[rows, low]) / WEEK / level, np.nan)
    weekday = (signals.history.first_day.weekday() + day) % WEEK
    share = profile[signals.history.group[rows], horizon - 1]
    return _table([*means, last_year, weekday, horizon, share])


def _table(columns: list[NDArray[np.generic]]) -> Floats:
    return np.nan_to_num(np.column_stack([c.astype(np.float32) for c in columns]), nan=MISSING)
