"""How many orders come on which day and hour, and what they ask for: the calendar of a Chinese shop.

Closed-form in the day, so that no state has to be carried. What a buyer does with the order is in ``buyers.py``.
The hour profile is fitted (``profile.py``); week, season and events are assumptions, as February 2020 shows none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

from orders_pipeline.sandbox.world.catalogue import Unit
from orders_pipeline.sandbox.world.wire import DAY, HOUR, day_of

WEEK = (0.98, 0.98, 0.98, 0.97, 0.96, 1.04, 1.09)
"""Monday to Sunday: weekends sell a little more."""

PEAKS = {
    (6, 1): 2.5, (6, 16): 1.6, (6, 17): 1.8, (6, 18): 4.0, (6, 19): 0.7, (6, 20): 0.7,
    (11, 1): 2.5, (11, 9): 0.8, (11, 10): 0.7, (11, 11): 5.0, (11, 12): 0.7, (11, 13): 0.7, (11, 14): 0.8,
    (12, 11): 0.8, (12, 12): 2.2, (12, 13): 0.8, (1, 1): 1.1, (10, 1): 0.9, (10, 2): 0.9,
}  # fmt: skip
"""Multiples of an ordinary day by (month, day); buyers wait before a peak and are spent after it."""

PRESALES = (((5, 24), (5, 31), (6, 1)), ((10, 21), (10, 31), (11, 1)), ((11, 4), (11, 10), (11, 11)))
"""(first day, last day, day on which the final payments open)."""
PRESALE_SHARE = 0.25  # of orders in those days
ORDINARY_PRESALE_SHARE = 0.01  # new articles are sold on deposit all year
ORDINARY_PRESALE_DAYS = 4

NEW_YEARS = {2024: (2, 10), 2025: (1, 29), 2026: (2, 17), 2027: (2, 6), 2028: (1, 26), 2029: (2, 13), 2030: (2, 3),
             2031: (1, 23), 2032: (2, 11), 2033: (1, 31), 2034: (2, 19), 2035: (2, 8)}  # fmt: skip
"""First day of the lunar year; a year outside the table has no dip."""
MIDNIGHT_SHARE = 0.25  # of a peak day's orders come in its first hour, when the prices open

DAY_NOISE = 0.08  # log standard deviation of a day's level
PROMO_EVERY, PROMO_DAYS, PROMO_LIFT, PROMO_PERCENT = (
    28,
    3,
    1.8,
    15,
)  # each product: three days in four weeks at 15 % off


@cache
def holiday(day: int) -> bool:
    """Whether warehouse and couriers rest: two days before lunar New Year to four after it."""
    return _from_new_year(day_of(day), -2, 4)


@cache
def level(day: int) -> float:
    """Expected orders as a multiple of an ordinary day."""
    when = day_of(day)
    factor = WEEK[when.weekday()] * PEAKS.get((when.month, when.day), 1.0)
    return factor * (0.35 if _from_new_year(when, -3, 5) else 1.0)


@cache
def outlook(day: int, days: int) -> float:
    """The mean level of the coming days relative to an ordinary day: what a prepared merchant buys for."""
    return sum(level(day + ahead) for ahead in range(days)) / days


def presale(day: int) -> tuple[float, int]:
    """(share of orders that are on deposit, day number on which their final payment opens)."""
    when = day_of(day)
    for first, last, opens in PRESALES:
        if first <= (when.month, when.day) <= last:
            return PRESALE_SHARE, day + (date(when.year, *opens) - when).days
    return ORDINARY_PRESALE_SHARE, day + ORDINARY_PRESALE_DAYS


def on_promo(unit: Unit, day: int) -> bool:
    """Whether the product is at its limited discount on that day."""
    return (day + unit.promo_phase) % PROMO_EVERY < PROMO_DAYS


def arrivals(rng: Any, day: int, orders_per_day: int, hour_shares: Sequence[float]) -> list[int]:
    """Creation times (shop seconds, sorted) of one day's orders; ``rng`` is a numpy Generator, shares are of 24 hours."""
    import numpy as np

    size = int(rng.poisson(orders_per_day * level(day) * rng.lognormal(-(DAY_NOISE**2) / 2, DAY_NOISE)))
    hours = np.array(hour_shares) / sum(hour_shares)
    if level(day) > 2.0:
        hours = hours * (1 - MIDNIGHT_SHARE)
        hours[0] += MIDNIGHT_SHARE
    drawn = np.searchsorted(np.cumsum(hours)[:-1], rng.random(size), side="right") * HOUR + rng.integers(0, HOUR, size)
    return list((np.sort(drawn) + day * DAY).tolist())


def weights(units: Sequence[Unit], day: int) -> Any:
    """Cumulative shares of the units in the day's demand (numpy array ending at 1)."""
    import numpy as np

    year_day = day_of(day).timetuple().tm_yday
    popularity = np.array([unit.popularity for unit in units])
    season = np.array([unit.amplitude * np.cos(2 * np.pi * (year_day - unit.peak_day) / 365.25) for unit in units])
    # fashion: each unit waxes and wanes by a quarter on its own cycle of 5 to 13 weeks
    fashion = np.array([0.25 * np.sin(2 * np.pi * (day + 17 * u.index) / (35 + u.index * 13 % 56)) for u in units])
    promo = np.array([PROMO_LIFT if on_promo(unit, day) else 1.0 for unit in units])
    share = np.cumsum(popularity * np.exp(season + fashion) * promo)
    return share / share[-1]


def _from_new_year(when: date, first: int, last: int) -> bool:
    if when.year not in NEW_YEARS:
        return False
    new_year = date(when.year, *NEW_YEARS[when.year])
    return new_year + timedelta(days=first) <= when <= new_year + timedelta(days=last)
