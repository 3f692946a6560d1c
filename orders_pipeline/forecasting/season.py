"""The season of the whole shop: last year's rise of orders into the coming week, as far as such rises have come again.

Of orders, not units: bulk orders bury a season (on Online Retail II the correlation of a week's rise with last year's is .5 for
orders and .2 for units). Learned from the shop's own past, so that one without a season gets none. Events are ``events.py``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting.profiles import WEEK, YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

BASE_WEEKS = 4
"""A week is compared with the median of the four before it: one week with an event among them moves nothing."""

FARTHEST = 0.5
"""Logarithm of a rise beyond which a week is an event or a holiday, whose date may move, and no season."""

LEAST_WEEKS = 26
"""Weeks with a last year, before which a likeness is chance: half a year has a rise and a fall."""


def factor(orders: NDArray[np.float64], anchor: int) -> float:
    """What the season makes of the week after ``anchor``, times what the weeks before say; 1 where nothing is known of it.

    ``orders``: (days,) order lines of the whole shop, peaks brought down; only days up to the anchor are looked at. Last year's
    rise counts by its regression coefficient over the past weeks, pulled to zero by its reliability, 1 − 1/F. Weeks that share
    their four weeks before are no separate cases: a quarter of them is counted.
    """
    rise = _rise(orders, anchor - YEAR)
    if not abs(rise) <= FARTHEST:
        return 1.0
    weeks = range(anchor - WEEK, YEAR + BASE_WEEKS * WEEK - 2, -WEEK)
    pairs = np.array([(_rise(orders, week - YEAR), _rise(orders, week)) for week in weeks]).reshape(-1, 2)
    last_year, this_year = pairs[(np.abs(pairs) <= FARTHEST).all(axis=1)].T
    if len(last_year) < LEAST_WEEKS or not last_year.any():
        return 1.0
    told = (last_year * this_year).sum() / (last_year**2).sum()
    left = ((this_year - told * last_year) ** 2).mean()
    explained = told**2 * (last_year**2).mean() * len(last_year) / BASE_WEEKS
    if told <= 0 or explained <= left:
        return 1.0
    return float(np.exp(min(told, 1.0) * (1 - left / explained) * rise))


def _rise(orders: NDArray[np.float64], day: int) -> float:
    """Log of the seven days' orders after ``day`` over a usual week of the four up to it; NaN where there are none."""
    start = day + 1 - BASE_WEEKS * WEEK
    if start < 0:
        return float("nan")
    usual = float(np.median(orders[start : day + 1].reshape(BASE_WEEKS, WEEK).sum(axis=1)))
    week = float(orders[day + 1 : day + 1 + WEEK].sum())
    return float(np.log(week / usual)) if usual > 0 and week > 0 else float("nan")
