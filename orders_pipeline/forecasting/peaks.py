"""Days on which the whole shop sold a multiple of the usual, 11.11, 618 and the like, or nothing, found in the sales themselves.

Weekdays are compared with such days brought down to the usual: otherwise the Wednesdays after a Wednesday's 11.11 inherit it.
A SKU's level keeps them, winsorised: in a trial on a simulated shop the sales that a peak announces last for weeks, and levels
without it fell 25 % short. A day without sales in a shop that always has some is no demand of zero: the shop was closed, or
its orders are missing. Peaks and holidays ahead belong to the events file, not here.
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
"""Orders a day below which a multiple, or a day without any, is chance."""

CLOSED = 0.02
"""A day below this share of the usual is one of a closed shop. So low because goods whose season ends trickle on, where a closed
shop sells nothing."""

CLOSED_WEEKS = 4
"""The usual of a weekday is the median of so many weeks before: a shop may close on Saturdays. After three weeks without sales
this is none, and the shop counts as one that sells no more."""

HABIT_DAYS, HABIT = 84, 2
"""So many closings that began within so many days before make one more a habit of the shop (the 5th of each month, days between
live streams), which the models have to learn; long holidays lie farther apart."""


def usual_share(orders: NDArray[Any], closed: NDArray[Any]) -> NDArray[Any]:
    """What of each day's sales is the usual, from order lines of shape (SKUs, days): 1 on ordinary days, usual/actual on peaks.
    ``closed``: what ``closed_days`` says of them; such days tell nothing of the usual.

    Orders, not units: a bulk purchase is one order. Each day is judged by the days before it only.
    """
    import numpy as np

    totals = orders.sum(axis=0)
    share = np.ones(len(totals))
    for day in range(LEAST_DAYS, len(totals)):
        before = slice(max(day - USUAL_DAYS, 0), day)
        open_days = totals[before][~closed[before]]
        usual = float(np.median(open_days if len(open_days) >= LEAST_DAYS else totals[before]))
        if usual >= LEAST_ORDERS and totals[day] > PEAK * usual:
            share[day] = usual / totals[day]
    return share


def closed_days(orders: NDArray[Any]) -> NDArray[Any]:
    """Whether the shop was closed, a truth value a day, from order lines of shape (SKUs, days).

    Each day is judged by the days before it only; the first four weeks count as open.
    """
    import numpy as np

    totals = orders.sum(axis=0)
    reach = CLOSED_WEEKS * 7
    closed = np.zeros(len(totals), np.bool_)
    if len(totals) <= reach:
        return closed
    before = [totals[reach - 7 * back : len(totals) - 7 * back] for back in range(1, CLOSED_WEEKS + 1)]
    usual = np.median(before, axis=0)
    low = np.concatenate([closed[:reach], (usual >= LEAST_ORDERS) & (totals[reach:] < CLOSED * usual)])
    still = low | (totals == 0)  # a Saturday without orders amid the holidays does not end them
    begun: list[int] = []
    for day in np.flatnonzero(low).tolist():
        if not (begun and still[begun[-1] : day].all()):
            begun.append(day)
        closed[day] = sum(begun[-1] - first <= HABIT_DAYS for first in begun[:-1]) < HABIT
    return closed
