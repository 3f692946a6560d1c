"""Days on which the whole shop sold a multiple of the usual: 11.11, 618 and the like, found in the sales themselves.

Weekdays are compared with such days brought down to the usual: otherwise the Wednesdays after a Wednesday's 11.11 inherit it.
A SKU's level keeps them, winsorised: in a trial on a simulated shop the sales that a peak announces last for weeks, and levels
without it fell 25 % short. Peaks ahead belong to the events file, not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

PEAK = 2.5
"""A day above so many times the usual is a peak. A strong weekday reaches 1.5 to 2, a platform's day 3 to 10."""

USUAL_DAYS = 28
"""The usual is the median of so many days before: four of each weekday, and a peak among them does not move it."""

LEAST_DAYS = 14
"""Fewer days tell nothing about what is usual."""

LEAST_ORDERS = 20
"""Orders a day below which a multiple is chance."""


def usual_share(orders: NDArray[Any]) -> NDArray[Any]:
    """What of each day's sales is the usual, from order lines of shape (SKUs, days): 1 on ordinary days, usual/actual on peaks.

    Orders, not units: a bulk purchase is one order. Each day is judged by the days before it only.
    """
    import numpy as np

    totals = orders.sum(axis=0)
    share = np.ones(len(totals))
    for day in range(LEAST_DAYS, len(totals)):
        usual = float(np.median(totals[max(day - USUAL_DAYS, 0) : day]))
        if usual >= LEAST_ORDERS and totals[day] > PEAK * usual:
            share[day] = usual / totals[day]
    return share
