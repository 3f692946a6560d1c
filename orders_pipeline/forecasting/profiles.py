"""What groups of SKUs have in common, the shape of a week and the shape of a month, and how far a SKU's own week differs.

Single SKUs are too sparse to show these, unless they sell much. Causal: for an anchor (the last known day) only days up to it
are used. One number is of the whole shop and of all days that are known: how far SKUs' weeks differ (``weekday_variance``).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orders_pipeline.forecasting.history import SalesHistory
    from orders_pipeline.forecasting.signals import Floats, Signals

WEEK = 7
PROFILE_WEEKS = 16
"""Of the group's weekdays. 8 are noisier: fast mode on development origins WRMSSE .0007 (M5), .0003 (Online Retail II), .0004
(The Complete Journey) higher; 52 are no better on the first and last, and .0005 worse on the second."""
OWN_WEEKS, LEAST_OWN_WEEKS = 52, 8
"""Of a SKU's own weekdays; a younger one has its group's. 26 weeks cost .0008 of WRMSSE on M5, 13 cost .0023 (fast mode)."""
VARIANCE_SKUS = (
    10_000  # that SKUs' differing is estimated from, at least, or all: a shop of 100,000 would need 400 MB for it
)
FIRST_VARIANCE, LEAST_VARIANCE = 0.02, 0.001  # of SKUs' weekdays around their group's, while it is being estimated
PROFILE_PRIOR = 50.0  # units at which a group's own profile weighs as much as the shop's
NEAR_WEEKS = 3  # a day is compared with the same weekday of three weeks on either side: its usual, whatever the trend
MONTHS_DAYS = 364  # a year of days: twelve cases of each day of the month
LEAST_MONTHS_DAYS = 84  # under three cases of each nothing can be told from chance
DEVIATION = 1.0  # a day counts as at most twice its usual: one promotion is no habit of its date


def group_totals(units: Floats, group: NDArray[np.int32]) -> NDArray[np.float64]:
    """Units of all SKUs of a group together, shape (groups, days)."""
    totals = np.zeros((int(group.max()) + 1, units.shape[1]))
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        totals[group[rows[0]]] = units[rows].sum(axis=0, dtype=np.float64)
    return totals


def weekday_profile(totals: NDArray[np.float64], anchor: int, most_weeks: int = PROFILE_WEEKS) -> Floats:
    """Share of a usual day that each of the next seven days has, shape (groups, 7), from sales without peaks of shape (groups,
    days), the last ``most_weeks`` of them; small groups lean on the shop's."""
    groups = len(totals)
    weeks = min(most_weeks, (anchor + 1) // WEEK)
    if weeks == 0:
        return np.ones((groups, WEEK), np.float32)
    by_group = totals[:, anchor + 1 - weeks * WEEK : anchor + 1].reshape(groups, weeks, WEEK).sum(axis=1)
    shop = by_group.sum(axis=0)
    shop = (shop + PROFILE_PRIOR) / (shop.mean() + PROFILE_PRIOR)
    profile = (by_group + PROFILE_PRIOR * shop) / (by_group.mean(axis=1, keepdims=True) + PROFILE_PRIOR)
    return np.asarray(profile, np.float32)


def own_shares(
    demand: Floats, present: NDArray[np.bool_], usual: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of a usual day that each of the next seven days had, shape (SKUs, 7), and the variance that chance gives each, shape
    (SKUs, 1): infinite where a SKU is too young or sold nothing.

    ``demand`` and ``present`` (SKUs, days), ``usual`` (days,): of ``own_days``. ``present``: the SKU was on sale and in stock,
    the shop open; what demand is filled with elsewhere knows no weekdays.
    """
    shape = (len(demand), demand.shape[1] // WEEK, WEEK)
    there = present.reshape(shape).astype(np.float32)
    sold = demand.reshape(shape) * there
    usual_share = usual.reshape(shape[1:]).astype(np.float32)
    days = np.maximum(there.sum(axis=1), 1)
    mean = np.einsum("nwd,wd->nd", sold, usual_share) / days
    square = np.einsum("nwd,nwd,wd->nd", sold, sold, usual_share**2) / days
    level = mean.mean(axis=1, keepdims=True)
    known = (there.sum(axis=1).min(axis=1, keepdims=True) >= LEAST_OWN_WEEKS) & (level > 0)
    level = np.where(known, level, 1)
    # one variance for all seven, and never below what whole units have by chance
    variance = np.maximum((square - mean**2).mean(axis=1, keepdims=True), level)
    chance = variance * (1 / days).mean(axis=1, keepdims=True) / level**2
    return mean / level, np.where(known, chance, np.inf)


def own_days(anchor: int) -> slice:
    """The columns that ``own_shares`` looks at: whole weeks up to the anchor."""
    return slice(anchor + 1 - min(OWN_WEEKS, (anchor + 1) // WEEK) * WEEK, anchor + 1)


def present_days(history: SalesHistory, rows: NDArray[np.int64], days: slice) -> NDArray[np.bool_]:
    """Whether a SKU had had its first sale and was in stock, and the shop open, shape (rows, days)."""
    begun = np.arange(days.start, days.stop) >= history.first_sale[rows, None]
    return begun & ~history.without_stock[rows, days] & ~history.closed[days]


def weekday_variance(shares: NDArray[np.float64], chance: NDArray[np.float64], of_group: Floats) -> float:
    """How far SKUs' weekdays lie from their groups' beyond chance, a variance: by moments, those that are well known counting
    most. ``of_group``: (SKUs, 7)."""
    known = np.isfinite(chance[:, 0])
    if not known.any():
        return 0.0
    beyond = (shares[known] - of_group[known]) ** 2 - chance[known]
    found, assumed = 0.0, FIRST_VARIANCE
    for _ in range(2):
        weight = 1 / (chance[known] + assumed) ** 2
        found = max(float((weight * beyond).sum() / (WEEK * weight.sum())), 0.0)
        assumed = max(found, LEAST_VARIANCE)
    return found


def own_weekdays(
    signals: Signals, rows: NDArray[np.int64], anchor: int, of_group: Floats, in_year: Floats
) -> NDArray[np.float64]:
    """Share of a usual day that each of the next seven days has for each SKU, shape (rows, 7), from its group's of
    ``PROFILE_WEEKS`` and of ``OWN_WEEKS`` (rows, 7): the former, and from there as far as its own lay from the latter, as far as
    that can be told from chance (James–Stein). A SKU that sells little keeps its group's; where the weeks of a whole group
    change, all of its SKUs follow."""
    days = own_days(anchor)
    present = present_days(signals.history, rows, days)
    shares, chance = own_shares(signals.demand[rows, days], present, signals.usual[days])
    reliability = signals.weekday_variance / (signals.weekday_variance + chance)
    return np.maximum(of_group + reliability * (shares - in_year), 0)


def date_deviations(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each day of a group lies from its usual, as a share of it, from sales without peaks of shape (groups, days);
    NaN near both ends."""
    reach = NEAR_WEEKS * WEEK
    deviations = np.full(totals.shape, np.nan)
    inner = totals.shape[1] - 2 * reach
    if inner > 0:
        shifts = [reach + WEEK * week for week in range(-NEAR_WEEKS, NEAR_WEEKS + 1) if week]
        usual = np.mean([totals[:, shift : shift + inner] for shift in shifts], axis=0)
        now = totals[:, reach : reach + inner]
        # a group that sold nothing for weeks has no usual
        known = usual > 0
        deviations[:, reach : reach + inner] = np.where(known, now / np.where(known, usual, 1) - 1, np.nan)
    np.clip(deviations, -DEVIATION, DEVIATION, out=deviations)
    return deviations


def month_profile(signals: Signals, anchor: int) -> NDArray[np.float64]:
    """Deviation from usual that each day of the month has (payday, benefits, month end), shape (groups, 32), column 0 unused.

    Means over a year, pulled to zero by their reliability: 1 − variance expected of chance / variance seen (James–Stein). A
    group whose dates mean nothing gets nothing.
    """
    until = anchor + 1 - NEAR_WEEKS * WEEK  # later days lack neighbours that are known
    start = max(until - MONTHS_DAYS, 0)
    profile = np.zeros((len(signals.deviations), 32))
    if until - start < LEAST_MONTHS_DAYS:
        return profile
    seen = signals.deviations[:, start:until]
    dates = signals.month_day[start:until]
    present = np.isfinite(seen)
    values = np.where(present, seen, 0.0)
    each = (dates == np.arange(1, 32)[:, None]).astype(np.float64)
    cases = np.maximum(present @ each.T, 1)
    means = (values @ each.T) / cases
    rest = np.where(present, values - means[:, dates - 1], 0)
    chance = (rest**2).sum(axis=1) / np.maximum(present.sum(axis=1) - 31, 1) * (1 / cases).mean(axis=1)
    centred = means - values.sum(axis=1, keepdims=True) / np.maximum(present.sum(axis=1, keepdims=True), 1)
    spread = (centred**2).mean(axis=1)
    reliability = np.where(spread > chance, 1 - chance / np.maximum(spread, 1e-12), 0)
    profile[:, 1:] = reliability[:, None] * centred
    return profile


def month_days(first: date, days: int) -> NDArray[np.int64]:
    """Day of the month of ``days`` days from ``first`` on."""
    return np.array([(first + timedelta(days=day)).day for day in range(days)], np.int64)
