"""Forecasts without a fitted model, for little data: a robust level times the SKU's weekdays.

Quantiles come from what the same rule missed at past anchors, and, where a shop is too small even for that, from a negative
binomial with a usual spread. Choosing between them is ``model.py``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting.calibration import BIN_ROWS, RatioQuantiles, whole_units
from orders_pipeline.forecasting.features import ahead_of
from orders_pipeline.forecasting.outcome import DAY_QUANTILES, SHARED_QUANTILES, TOTAL_QUANTILES, Outcome
from orders_pipeline.forecasting.profiles import WEEK
from orders_pipeline.forecasting.sample import awake
from orders_pipeline.forecasting.signals import YOUNG_DAYS, Signals, window_mean
from orders_pipeline.forecasting.week_quantiles import least_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANCHORS = 26  # half a year of weeks: enough cases a bin, recent enough to look like now
CASES = 40_000  # SKU-weeks to learn errors from: 2,000 a bin; all of a large shop's cost more than its fitted model
DAY_BINS, TOTAL_BINS = 20, 20
GROWN_DAYS, GROWN_SKUS = 56, 5  # a category tells what is usual once five of its SKUs have two months behind them
BORROWED_DAYS = 7  # that the category's usual counts for: after a week a new SKU is worth as much as its category
LEAST_SHARE = 0.001  # of a usual day, on weekdays on which a SKU never sells: what was sold is divided by it
DAY_DISPERSION, TOTAL_DISPERSION = 1.0, 0.4
"""Variance = mean + dispersion × mean², when a shop has no past of its own to learn it from: the median SKU of two public
panels (M5, Online Retail II), where a week's total spreads less than a day."""


def usual_levels(signals: Signals, anchor: int) -> NDArray[np.float64]:
    """What a grown SKU of each group sells a day, the median, shape (groups,); NaN where too few have grown."""
    history = signals.history
    grown = awake(signals, anchor)
    grown = grown[anchor - history.first_sale[grown] + 1 >= GROWN_DAYS]
    level = window_mean(signals, "demand", grown, anchor, 56)
    found = np.full(int(history.group.max()) + 1, np.nan)
    for group in np.flatnonzero(np.bincount(history.group[grown], minlength=len(found)) >= GROWN_SKUS):
        found[group] = np.median(level[history.group[grown] == group])
    return found


def _mean(signals: Signals, rows: NDArray[np.int64], anchor: int) -> NDArray[np.float64]:
    """Units of the seven days after the anchor, shape (rows, 7). New SKUs lean on their category, if it has one."""
    steady = window_mean(signals, "demand", rows, anchor, 56, YOUNG_DAYS)
    level = 0.5 * steady + 0.5 * signals.exponential[anchor][rows, -1]
    age = np.maximum(anchor - signals.history.first_sale[rows] + 1, 1)
    young = age < YOUNG_DAYS
    if young.any():
        category = usual_levels(signals, anchor)[signals.history.group[rows]]
        own = window_mean(signals, "demand", rows, anchor, YOUNG_DAYS)
        leaning = (own * age + category * BORROWED_DAYS) / (age + BORROWED_DAYS)
        level = np.where(young & np.isfinite(category), leaning, level)
    weekdays = ahead_of(signals, anchor).weekdays(signals, rows, anchor)
    mean: NDArray[np.float64] = level[:, None] * np.maximum(weekdays, LEAST_SHARE)
    return mean


def forecast(signals: Signals, anchors: list[int], rows: NDArray[np.int64], anchor: int) -> Outcome:
    """Seven days after ``anchor``, with the shop's own past errors or, where these are too few, with a usual spread."""
    return learned(signals, anchors, rows, anchor) or forecast_small(signals, rows, anchor)


def learned(signals: Signals, anchors: list[int], rows: NDArray[np.int64], anchor: int) -> Outcome | None:
    """Seven days after ``anchor``; quantiles from the newest ``ANCHORS`` of the past ``anchors`` (newest first), None where these
    have too little to learn from."""
    seen, happened = _past(signals, anchors, closed=False)
    if len(seen) < BIN_ROWS:  # a young shop: weeks with closed days tell more than none
        seen, happened = _past(signals, anchors, closed=True)
    if len(seen) < BIN_ROWS or not happened.any():  # the past is there, but of SKUs that sleep by now
        return None
    mean = np.maximum(_mean(signals, rows, anchor), 1e-6)
    by_day = RatioQuantiles.fit(seen.ravel(), happened.ravel(), DAY_QUANTILES, DAY_BINS)
    by_week = RatioQuantiles.fit(seen.sum(axis=1), happened.sum(axis=1), TOTAL_QUANTILES, TOTAL_BINS)
    flat = mean.ravel()
    days = by_day.apply(flat)
    shares = by_day.shares(seen.ravel(), happened.ravel(), SHARED_QUANTILES)[by_day.bins.place(flat)]
    total = mean.sum(axis=1)
    median = total * by_week.table[by_week.bins.place(total), TOTAL_QUANTILES.index(0.5)]
    return Outcome(
        mean * least_error(total, median)[:, None],
        days.reshape(*mean.shape, len(DAY_QUANTILES)),
        by_week.apply(total),
        # winsorising keeps bulk orders out of the level; the shop's own ratio puts their usual share back
        total * happened.sum() / seen.sum(),
        shares.reshape(*mean.shape, len(SHARED_QUANTILES)),
    )


def _past(signals: Signals, anchors: list[int], *, closed: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the rule would have said at the newest anchors, and what was sold, each (cases, 7). ``closed``: also of weeks with
    days of the closed shop."""
    forecasts, actuals = [np.zeros((0, WEEK))], [np.zeros((0, WEEK))]
    step = 1 + len(signals.history.skus) * ANCHORS // CASES
    for number, past in enumerate(anchors[:ANCHORS]):
        ahead = slice(past + 1, past + 1 + WEEK)
        if signals.history.closed[ahead].any() and not closed:
            continue
        known = np.flatnonzero(past - signals.history.first_sale + 1 >= YOUNG_DAYS)
        known = known[number % step :: step]
        known = known[~signals.history.without_stock[known, ahead].any(axis=1)]
        mean = _mean(signals, known, past)
        # a rule that expects less than one sale in 100 days has no ratio worth learning
        live = mean.mean(axis=1) > 0.01
        forecasts.append(mean[live])
        actuals.append(signals.history.units[known[live], ahead].astype(np.float64))
    return np.vstack(forecasts), np.vstack(actuals)


def forecast_small(signals: Signals, rows: NDArray[np.int64], anchor: int) -> Outcome:
    """Seven days after ``anchor`` for a shop with next to no past."""
    mean = np.maximum(_mean(signals, rows, anchor), 1e-6)
    days = np.stack([_negative_binomial(q, mean, DAY_DISPERSION) for q in DAY_QUANTILES], axis=-1)
    total = mean.sum(axis=1)
    totals = np.stack([_negative_binomial(q, total, TOTAL_DISPERSION) for q in TOTAL_QUANTILES], axis=-1)
    return Outcome(mean, days, totals, total, np.ones((*mean.shape, len(SHARED_QUANTILES))))


def _negative_binomial(q: float, mean: NDArray[np.float64], dispersion: float) -> NDArray[np.int64]:
    from scipy.stats import nbinom

    return whole_units(nbinom.ppf(q, 1 / dispersion, 1 / (1 + dispersion * mean)))
