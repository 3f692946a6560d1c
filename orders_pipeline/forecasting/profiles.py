"""What groups of SKUs have in common: the shape of a week and the shape of a month.

Single SKUs are too sparse to show these. Causal: for an anchor (the last known day) only days up to it are used.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orders_pipeline.forecasting.signals import Floats, Signals

WEEK = 7
PROFILE_WEEKS = 8  # weekday profile: shorter is noise, longer misses a new season
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


def weekday_profile(signals: Signals, anchor: int) -> Floats:
    """Share of a usual day that each of the next seven days has, shape (groups, 7); small groups lean on the shop's."""
    groups = len(signals.by_group)
    weeks = min(PROFILE_WEEKS, (anchor + 1) // WEEK)
    if weeks == 0:
        return np.ones((groups, WEEK), np.float32)
    by_group = signals.by_group[:, anchor + 1 - weeks * WEEK : anchor + 1].reshape(groups, weeks, WEEK).sum(axis=1)
    shop = by_group.sum(axis=0)
    shop = (shop + PROFILE_PRIOR) / (shop.mean() + PROFILE_PRIOR)
    profile = (by_group + PROFILE_PRIOR * shop) / (by_group.mean(axis=1, keepdims=True) + PROFILE_PRIOR)
    return np.asarray(profile, np.float32)


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
