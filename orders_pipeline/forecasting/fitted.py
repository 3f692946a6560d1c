"""The fitted forecast: the model of days and the model of weeks, each right where the other is weak, put together.

The day model knows weekdays and the chance of no sale; the week model knows the level. Neither is here, nor the choice when a
shop's history allows them: that is ``model.py``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting import hurdle, sample, weekly
from orders_pipeline.forecasting.calibration import RatioQuantiles, whole_units
from orders_pipeline.forecasting.outcome import DAY_QUANTILES, SHARED_QUANTILES, TOTAL_QUANTILES, Outcome
from orders_pipeline.forecasting.profiles import WEEK
from orders_pipeline.forecasting.week_quantiles import (
    LearnedQuantiles,
    Spread,
    WeekQuantiles,
    features_of,
    least_error,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orders_pipeline.forecasting.signals import Signals

    Array = NDArray[np.float64]

PAIRS, DAYS = 100_000, 200_000
"""SKU-weeks to learn from, and days of these, two of each or, in a small shop, up to all seven. 100,000 days cost .004 of WRMSSE,
350,000 change nothing beyond noise (forecast research, section 4)."""
DRAWS, DRAWN_SKUS = 3, 5_000
"""Whole forecasts, each from its own draw of cases, that are averaged where at most so many SKUs are forecast: .003 of the week's
quantile loss on Online Retail II for three times the cost; large shops gain less and wait longer (docs/forecasts.md)."""
CALIBRATION_PAIRS = 20_000
"""Whole weeks, for errors of the total: some 120 bins of 170, 100 at least where they are cut. Drawn by size once more: best
sellers in a long tail are else too few for a bin. Of 6 that sell 20 a day among 6,000 that sell .05 the week's q95 was 173 to 204
in three simulated shops, and is 164 to 172 (160 is true); the week's quantile loss of development origins is .0002 (M5), .0015
(Online Retail II) and .0023 (The Complete Journey) less."""
LEARNED_SHARE = 0.5
"""Of the quantiles that are learned, of the week model alone, in those of the total: two ways that err differently err less
together (against bins of both: .0012 of the week's quantile loss on M5, .003 on Online Retail II)."""
WEEK_SHARE = 0.5  # of the week model in the total; 0 and 1 lose up to .01 of the week's quantile loss
SHAPE_SHARE = 0.3
"""Of the SKU's weekdays and its group's dates in how a week lies in its days, the rest is the day model's: with the group's
weekdays alone, development origins had .0002 (M5) and .0005 (Online Retail II) less WRMSSE, 0 and .0003 less WSPL. .5 is .0002
of WRMSSE better on M5. Weeks whose days differ more (.6 of each): M5 -.0005, Online Retail II +.0003, The Complete Journey
+.0006."""
WEEKLY_PAIRS = 30_000  # for the model of weeks alone: 60,000 are .0005 of WRMSSE better and cost half a second
DAY_BINS, DAY_SPREAD_BINS = 40, 4
"""Of the fast mode's days, by size and by the spread of their week; by size alone, WSPL of development origins is .002 to .003
higher on M5, Online Retail II and The Complete Journey."""
LEAST_WEEK = 1e-6  # units; keeps logarithms finite
LEAST_DAY = LEAST_WEEK / WEEK


@dataclass(frozen=True, slots=True)
class _Draw:
    """What one draw of cases says: expected units ``mean`` (rows, 7), ``by_day`` (rows, 7, DAY_QUANTILES), ``totals`` (rows,
    TOTAL_QUANTILES), not yet whole units, ``with_bulk`` (rows,); the model of days and the days ``by_day`` are quantiles of."""

    model: hurdle.Hurdle
    days: hurdle.Days
    mean: Array
    by_day: NDArray[np.int64]
    totals: Array
    with_bulk: Array


def forecast(signals: Signals, anchors: list[int], rows: NDArray[np.int64], anchor: int, seed: int) -> Outcome:
    """Seven days after ``anchor`` of the SKUs ``rows``, learned from past ``anchors``."""
    now = sample.known(signals, rows, anchor, sample.all_days(len(rows)))
    seeds = np.random.SeedSequence(seed).generate_state(DRAWS if len(rows) <= DRAWN_SKUS else 1).tolist()
    draws = [_forecast(signals, anchors, now, draw) for draw in seeds]
    by_day = whole_units(np.mean([draw.by_day for draw in draws], axis=0))
    mean, totals, with_bulk = (
        np.mean([getattr(draw, name) for draw in draws], axis=0) for name in ("mean", "totals", "with_bulk")
    )
    return Outcome(_least_error(mean, totals), by_day, whole_units(totals), with_bulk, _shares(draws, by_day))


def _forecast(signals: Signals, anchors: list[int], now: sample.Cases, seed: int) -> _Draw:
    cases = sample.draw(signals, anchors, PAIRS, DAYS, seed)
    week_model, unseen = weekly.fit(cases, seed)
    day_model = hurdle.fit(cases, seed)

    # errors of the total are learned on weeks that the week model has not seen
    taught = sample.taught(cases)
    some = taught[sample.mostly_large(cases.level[taught], CALIBRATION_PAIRS, np.random.default_rng(seed))]
    past = sample.whole_weeks(signals, cases, some)
    expected = _total(day_model.days(past, spread=False).mean, unseen[some])
    features = features_of(past, expected)
    spread = Spread.fit(features, past.units.sum(axis=1), expected, seed)
    quantiles = WeekQuantiles.fit(past, expected, spread.width(features))
    learned = LearnedQuantiles.fit(cases.only(taught), np.maximum(unseen[taught], LEAST_WEEK), seed)

    days = day_model.days(now)
    week = week_model.total(now)
    total = _total(days.mean, week)
    mean = _by_shape(_shape(days.mean, now.profile), total)
    # sales are as large as the total says; how often a day sells is the day model's
    days = days.expecting(mean)
    by_day = day_model.quantiles(days)
    totals, with_bulk = quantiles.apply(total, spread.width(features_of(now, total)))
    totals += LEARNED_SHARE * (learned.apply(now, np.maximum(week, LEAST_WEEK)) - totals)
    return _Draw(day_model, days, mean, by_day, totals, with_bulk)


def _shares(draws: list[_Draw], quantiles: NDArray[np.int64]) -> Array:
    """Of days that sell exactly the quantile, the share that belongs below it; see ``Outcome.shares``. The distribution is the
    mean of the draws' own, the quantile the mean of theirs, so the share is nearly, not exactly, that of one distribution."""
    shares = []
    for level in SHARED_QUANTILES:
        quantile = quantiles[..., DAY_QUANTILES.index(level)]
        below, upto = (
            np.mean([draw.model.upto(draw.days, units) for draw in draws], axis=0) for units in (quantile - 1, quantile)
        )
        shares.append(np.clip((level - below) / np.maximum(upto - below, 1e-9), 0, 1))
    return np.stack(shares, axis=-1)


def forecast_weekly(signals: Signals, anchors: list[int], rows: NDArray[np.int64], anchor: int, seed: int) -> Outcome:
    """As ``forecast``, without the model of days: weeks are cut into days by the SKU's weekdays and its group's dates."""
    cases = sample.draw(signals, anchors, WEEKLY_PAIRS, 0, seed)
    week_model, unseen = weekly.fit(cases, seed)
    taught = sample.taught(cases)
    cases, unseen = cases.only(taught), unseen[taught]
    past = np.maximum(_by_shape(cases.profile, unseen), LEAST_DAY)
    now = sample.known(signals, rows, anchor, sample.no_days(len(rows)))
    mean = np.maximum(_by_shape(now.profile, week_model.total(now)), LEAST_DAY)
    past_total, total = past.sum(axis=1), mean.sum(axis=1)
    features = features_of(cases, past_total)
    spread = Spread.fit(features, cases.units.sum(axis=1), past_total, seed)
    past_width, width = spread.width(features), spread.width(features_of(now, total))
    quantiles = WeekQuantiles.fit(cases, past_total, past_width)
    totals, with_bulk = quantiles.apply(total, width)
    seen, sold = past.ravel(), cases.units.ravel()
    # a day's size alone says little: half a unit is one in two days here, ten in twenty there
    past_width, width = np.repeat(past_width, WEEK), np.repeat(width, WEEK)
    by_day = RatioQuantiles.fit(seen, sold, DAY_QUANTILES, DAY_BINS, past_width, DAY_SPREAD_BINS)
    place = by_day.bins.place(mean.ravel(), width)
    shares = by_day.shares(seen, sold, SHARED_QUANTILES, past_width)[place]
    by_day_now = by_day.apply(mean.ravel(), width).reshape(*mean.shape, -1)
    shares = shares.reshape(*mean.shape, -1)
    return Outcome(_least_error(mean, totals), by_day_now, whole_units(totals), with_bulk, shares)


def _by_shape(shape: Array, total: Array) -> Array:
    """Weeks ``total`` (cases,) cut into days that are to each other as ``shape`` (cases, 7) says."""
    days: Array = total[:, None] * shape / shape.sum(axis=1, keepdims=True)
    return days


def _shape(days: Array, profile: Array) -> Array:
    """A weighted geometric mean of both: days on which the SKU itself next to never sells stay so."""
    shape: Array = np.maximum(days, LEAST_DAY) ** (1 - SHAPE_SHARE) * np.maximum(profile, LEAST_DAY) ** SHAPE_SHARE
    return shape


def _least_error(mean: Array, totals: Array) -> Array:
    """Expected days, made smaller together until their weeks err little."""
    total = np.maximum(mean.sum(axis=1), LEAST_WEEK)
    return mean * least_error(total, totals[:, TOTAL_QUANTILES.index(0.5)])[:, None]


def _total(days: Array, week: Array) -> Array:
    """Expected units of each week: both models together."""
    total: Array = np.maximum((1 - WEEK_SHARE) * days.sum(axis=1) + WEEK_SHARE * week, LEAST_WEEK)
    return total
