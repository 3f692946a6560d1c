"""Demand cleaned of bulk orders, and running sums of it from which levels at any past day are one subtraction away.

Causal: what is computed for an anchor (the last known day) uses days up to it only, but for ``weekday_variance``. Profiles of
groups are ``profiles.py``'s, what a model learns from ``features.py``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from orders_pipeline.forecasting.peaks import usual_share
from orders_pipeline.forecasting.profiles import (
    OWN_WEEKS,
    VARIANCE_SKUS,
    WEEK,
    date_deviations,
    group_totals,
    month_days,
    own_days,
    own_shares,
    present_days,
    weekday_profile,
    weekday_variance,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from orders_pipeline.forecasting.features import Ahead
    from orders_pipeline.forecasting.history import SalesHistory

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]

HALF_LIVES = (1.5, 3.0, 7.0, 14.0, 28.0, 56.0, 112.0)  # days; from "this weekend" to "this quarter"
LEVEL_ALPHA = 0.07  # of the level's exponential mean: half-life of 9.5 days
LEVEL_FLOOR = 0.02  # units a day, one in seven weeks: keeps the division finite for sleepers
YOUNG_DAYS = 14  # a level divides by at least so many days: one sale on day one is no daily rate
CUT_LEVELS, CUT_SIZES = 8.0, 3.0  # a day above 8 usual days and above 3 usual sales is a bulk order, not demand
FIRST_SALE_UNITS = (
    20.0  # the very first sale is cut to this, or 3 usual sales of the shop: nothing else to compare with
)
LEVEL_MEMORY, SIZE_MEMORY = 0.97, 0.9  # of a day; of a sale
BLOCK = 64  # days that are turned at a time, so that 100,000 SKUs need 26 MB for it


@dataclass(frozen=True, slots=True)
class Signals:
    """What features at the anchors need, made once. Anchors lie whole weeks apart, so sums are kept by week."""

    history: SalesHistory
    demand: Floats  # winsorised units, days without stock or of a closed shop filled with the level of their time
    usual: NDArray[np.float64]  # (days,) share of each day's sales that is usual: 1, less on peaks of the whole shop
    exponential: dict[int, Floats]  # anchor → (SKUs, half-lives + the level's own), corrected for a young series
    last_sale: dict[int, Ints]  # anchor → (SKUs,) column of the last day with a sale, -1 before the first
    sums: dict[str, NDArray[np.float64]]  # name → (weeks + 1, SKUs) running sums up to ``ends``
    first_end: int  # days before the first full week, or a week; ``ends`` are 0, this, and every seven days on
    first: Ints  # first day of a series within the columns
    by_group: NDArray[np.float64]  # (groups, days) demand of a group, peaks brought down to the usual
    deviations: NDArray[np.float64]  # (groups, days): see ``profiles.date_deviations``
    weekday_variance: float  # of SKUs' own weekdays around their groups', up to the last column (``own_weekdays``)
    month_day: Ints  # day of the month of each column and of the week after the last
    ahead: dict[int, Ahead]  # anchor → what ``features.ahead_of`` found

    def upto(self, name: str, end: int) -> NDArray[np.float64]:
        """Running sum of the days before column ``end``, which is a week's end (0 or less: nothing), of every SKU."""
        found: NDArray[np.float64] = self.sums[name][0 if end <= 0 else (end - self.first_end) // WEEK + 1]
        return found

    def closed_since_sale(self, rows: Ints, anchor: int) -> Ints:
        """Days of the closed shop between the last day with a sale and the anchor."""
        count = np.concatenate([[0], np.cumsum(self.history.closed)])
        since: Ints = count[anchor + 1] - count[self.last_sale[anchor][rows] + 1]
        return since

    def ordinary(self, days: Ints) -> NDArray[np.bool_]:
        """Whether the days are neither peaks of the whole shop nor days on which it was closed: to learn ordinary days from."""
        ordinary: NDArray[np.bool_] = (self.usual[days] == 1) & ~self.history.closed[days]
        return ordinary


def prepare(history: SalesHistory, anchors: list[int], usual: NDArray[np.float64] | None = None) -> Signals:
    """Winsorise day by day and keep what features at the ``anchors`` (column numbers of last known days) need.

    The last column is one of the anchors, and all lie whole weeks before it. ``usual``: (days,) what of each day's sales is
    usual as far as events tell; peaks that nobody announced are found here.
    """
    missing = history.without_stock | history.closed
    demand, exponential, last_sale = _winsorise(history, missing, anchors)
    raw = np.where(missing, demand, history.units)
    sizes = np.log(np.maximum(history.units, 1))
    parts: dict[str, Callable[[], NDArray[Any]]] = {
        "raw": lambda: raw,
        "demand": lambda: demand,
        "square": lambda: demand * demand,
        "sale": lambda: _sales(raw, missing),
        "orders": lambda: _orders(history.orders, history.closed),
        "sold": lambda: history.units > 0,
        "log_size": lambda: sizes,
        "log_size_square": lambda: sizes * sizes,
        "price": lambda: np.nan_to_num(history.price),
        "priced": lambda: np.isfinite(history.price),
    }
    found = usual_share(history.orders, history.closed)
    usual = found if usual is None else np.minimum(found, usual)
    first_end = history.days % WEEK or WEEK
    totals = group_totals(demand, history.group) * usual
    last, days = history.days - 1, own_days(history.days - 1)
    some = np.arange(0, len(demand), max(1, len(demand) // VARIANCE_SKUS))
    shares, chance = own_shares(demand[some, days], present_days(history, some, days), usual[days])
    in_year = weekday_profile(totals, last, OWN_WEEKS)[history.group[some]]
    return Signals(
        history,
        demand,
        usual,
        exponential,
        last_sale,
        {name: _weekly_sums(values(), first_end) for name, values in parts.items()},
        first_end,
        np.maximum(history.first_sale, 0).astype(np.int64),
        totals,
        date_deviations(totals),
        weekday_variance(shares, chance, in_year),
        month_days(history.first_day, history.days + WEEK),
        {},
    )


def _sales(raw: Floats, missing: NDArray[np.bool_]) -> Floats:
    """Whether each day had a sale; for a filled day the chance of one that Poisson gives its level."""
    sales: Floats = (raw > 0).astype(np.float32)
    sales[missing] = 1 - np.exp(-raw[missing])
    return sales


def _orders(orders: Floats, closed: NDArray[np.bool_]) -> Floats:
    """Orders of each day; of a day of the closed shop what four weeks before it have on average."""
    if not closed.any():
        return orders
    filled = orders.copy()
    for day in np.flatnonzero(closed):
        filled[:, day] = filled[:, day - 4 * WEEK : day].mean(axis=1)
    return filled


def _weekly_sums(values: NDArray[Any], first_end: int) -> NDArray[np.float64]:
    """Zeros, then the running sums at ``first_end`` and every week after it, shape (weeks + 1, SKUs): one week's lie
    side by side, as they are read, which takes two fifths off a draw for weeks alone (M5: .47 -> .28 CPU s)."""
    starts = [0, *range(first_end, values.shape[1], WEEK)]
    sums = np.zeros((len(starts) + 1, values.shape[0]))
    np.cumsum(np.add.reduceat(values, starts, axis=1, dtype=np.float64).T, axis=0, out=sums[1:])
    return sums


def _winsorise(
    history: SalesHistory, missing: NDArray[np.bool_], anchors: list[int]
) -> tuple[Floats, dict[int, Floats], dict[int, Ints]]:
    count, days = history.units.shape
    alphas = np.array([1 - 0.5 ** (1 / h) for h in HALF_LIVES] + [LEVEL_ALPHA], np.float32)
    demand = np.zeros((count, days), np.float32)
    means = np.zeros((count, len(alphas)), np.float32)
    level = np.zeros(count, np.float32)
    size = np.zeros(count, np.float32)
    sales = np.zeros(count, np.int32)
    last = np.full(count, -1, np.int64)
    kept: dict[int, Floats] = {}
    last_sale: dict[int, Ints] = {}
    wanted = set(anchors)
    for day in range(days):
        if day % BLOCK == 0:
            # a day's numbers of all SKUs side by side in memory: half the time
            sold_units = history.units[:, day : day + BLOCK].T.copy()
            unknown = missing[:, day : day + BLOCK].T.copy()
            cut_units = np.zeros_like(sold_units)
        age = day - history.first_sale + 1
        units = sold_units[day % BLOCK]
        sold = np.flatnonzero(units > 0)
        cut = units.copy()
        if sold.size:
            limit = np.maximum(CUT_LEVELS * level[sold], CUT_SIZES * size[sold])
            first = sales[sold] == 0
            if first.any():
                known = size[sales > 0]
                limit[first] = max(FIRST_SALE_UNITS, CUT_SIZES * float(np.median(known)) if known.size else 0.0)
            cut[sold] = np.minimum(units[sold], limit)
            sales[sold] += 1
            last[sold] = day
            weight = np.maximum(1 - SIZE_MEMORY, 1 / sales[sold])
            size[sold] += weight * (cut[sold] - size[sold])
        empty = unknown[day % BLOCK]
        if empty.any():
            cut[empty] = means[empty, -1] / _correction(alphas[-1:], age[empty])[:, 0]
        live = age > 0
        weight = np.where(live, np.maximum(1 - LEVEL_MEMORY, 1 / np.maximum(age, 1)), 0).astype(np.float32)
        level += weight * (cut - level)
        means += alphas * (cut[:, None] - means)
        cut_units[day % BLOCK] = cut
        if day % BLOCK == BLOCK - 1 or day == days - 1:
            demand[:, day - day % BLOCK : day + 1] = cut_units[: day % BLOCK + 1].T
        if day in wanted:
            kept[day] = (means / _correction(alphas, age)).astype(np.float32)
            last_sale[day] = last.copy()
    return demand, kept, last_sale


def _correction(alphas: NDArray[np.float32], age: NDArray[np.int32]) -> NDArray[np.float32]:
    """What an exponential mean of a young series lacks, shape (SKUs, alphas): it began at zero."""
    # powers of the few hundred ages there are, not of each SKU's: .14 -> .04 CPU s of a forecast of M5
    of_age = 1 - (1 - alphas) ** np.arange(age.max(initial=YOUNG_DAYS) + 1, dtype=np.int32)[:, None]
    found: NDArray[np.float32] = of_age[np.maximum(age, YOUNG_DAYS)]
    return found


def window_mean(signals: Signals, name: str, rows: Ints, anchor: int, days: int, least: int = 1) -> NDArray[np.float64]:
    """Mean of the ``days`` (whole weeks) up to the anchor, over the days the series existed but at least ``least``."""
    total = signals.upto(name, anchor + 1) - signals.upto(name, anchor + 1 - days)
    age = anchor - signals.history.first_sale[rows] + 1
    mean: NDArray[np.float64] = total[rows]
    return mean / np.maximum(np.minimum(age, days), min(least, days))


def ratio(signals: Signals, name: str, over: str, rows: Ints, anchor: int, days: int) -> NDArray[np.float64]:
    """Sum of ``name`` over the sum of ``over`` in the ``days`` (whole weeks) up to the anchor; NaN where the latter is 0."""
    first, second = (
        (signals.upto(each, anchor + 1) - signals.upto(each, anchor + 1 - days))[rows] for each in (name, over)
    )
    found: NDArray[np.float64] = np.where(second > 0, first / np.where(second > 0, second, 1), np.nan)
    return found


def robust_level(signals: Signals, rows: Ints, anchor: int) -> Floats:
    """Units a day, never below ``LEVEL_FLOOR``; what every level-like feature and the size of a sale are divided by."""
    month = window_mean(signals, "demand", rows, anchor, 28, YOUNG_DAYS)
    season = window_mean(signals, "demand", rows, anchor, 112, YOUNG_DAYS)
    recent = signals.exponential[anchor][rows, -1]
    level: Floats = (0.5 * month + 0.3 * season + 0.2 * recent + LEVEL_FLOOR).astype(np.float32)
    return level


def days_since_sale(signals: Signals, rows: Ints, anchor: int) -> Ints:
    """Days from the last day with a sale to the anchor; 0 = sold on it."""
    since: Ints = anchor - signals.last_sale[anchor][rows]
    return since
