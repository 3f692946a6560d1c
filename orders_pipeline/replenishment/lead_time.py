"""How long a purchase order takes: mean and deviation from past receipts, and five equally likely lead times.

Reads no files (``master.py`` does) and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, stdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orders_pipeline.replenishment.demand import Ints

DEFAULT_LEAD_DAYS = 7.0
"""Where nobody has said: two or three days to pack plus three or four on the road is the usual domestic re-order,
and the policy's measured default case uses it."""
DEFAULT_VARIATION = 0.4
"""Deviation over mean of an unknown supplier's lead time: the value under which the policy was measured with random leads."""
STATED_VARIATION = 0.2
"""Least deviation over mean where a number is known: nobody delivers to the day."""
PRIOR_ORDERS = 3
"""The stated lead time counts as much as three receipts."""
PROBABILITIES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Middles of five slices of 20 %: each resulting lead time has probability 0.2."""


@dataclass(frozen=True, slots=True)
class LeadTime:
    """Mean and standard deviation in days, and whether they are an assumption (``assumed``) for want of any data."""

    mean: float
    deviation: float
    assumed: bool = False


DEFAULT_LEAD_TIME = LeadTime(DEFAULT_LEAD_DAYS, DEFAULT_VARIATION * DEFAULT_LEAD_DAYS, assumed=True)


def estimate_lead_time(observed: Sequence[float], stated: float | None) -> LeadTime:
    """Lead time from the days that past orders took and the days that the supplier states; either may be missing."""
    if not observed and stated is None:
        return DEFAULT_LEAD_TIME
    prior = DEFAULT_LEAD_DAYS if stated is None else stated
    count = len(observed)
    mean = (count * (fmean(observed) if observed else 0.0) + PRIOR_ORDERS * prior) / (count + PRIOR_ORDERS)
    spread = stdev(observed) if count > 1 else 0.0
    return LeadTime(mean=mean, deviation=max(spread, STATED_VARIATION * mean))


def lead_days(means: Sequence[float], deviations: Sequence[float]) -> Ints:
    """Five equally likely lead times a SKU, whole days ≥ 1, ascending: (n, 5).

    Gamma quantiles at ``PROBABILITIES``, rounded half up; no deviation gives the rounded mean five times.
    """
    import numpy as np
    from scipy.special import gammaincinv

    mean = np.asarray(means, dtype=float)[:, None]
    deviation = np.asarray(deviations, dtype=float)[:, None]
    random = deviation > 0.01  # a quarter of an hour; the gamma's shape overflows at 0
    scale = np.where(random, deviation, 1.0) ** 2 / mean
    shape = mean / scale
    quantiles = np.where(random, gammaincinv(shape, np.asarray(PROBABILITIES)) * scale, mean)
    days: Ints = np.maximum(np.floor(quantiles + 0.5), 1).astype(np.int64)
    return days


def skip_closures(days: int, ordered_on: date, closures: Sequence[tuple[date, date]]) -> int:
    """Calendar days until ``days`` open days have passed after ``ordered_on``. ``closures`` are (first, last) inclusive."""
    left, passed = days, 0
    while left > 0:
        passed += 1
        day = ordered_on + timedelta(days=passed)
        if not any(first <= day <= last for first, last in closures):
            left -= 1
    return passed
