"""Quantiles of a week's total, given its mean: what forecasts of the same size and spread missed on weeks they had not seen.

Two ways that err differently: errors in bins (``WeekQuantiles``, which also knows the means with bulk orders), and a model of
each quantile (``LearnedQuantiles``). What errs least (``least_error``) lies between mean and median. The mean itself is
``weekly.py``'s and ``fitted.py``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from orders_pipeline.forecasting.boosting import WEEK_BINS, in_blocks, settings
from orders_pipeline.forecasting.calibration import Bins
from orders_pipeline.forecasting.outcome import TOTAL_QUANTILES
from orders_pipeline.forecasting.weekly import table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orders_pipeline.forecasting.sample import Cases

    Array = NDArray[np.float64]

TREES = 40
GRIDS = ((20, 6), (13, 9), (30, 4), (8, 12))
"""Bins of size and of spread within each, of some 170 weeks (100 at least where they are cut), of which eight lie beyond the
95 % quantile. Means over four cuts have no steps where one cut has its edges: in fast mode .0003 of the week's quantile loss on
M5, .0020 on Online Retail II."""
SPREAD_PAIRS = 20_000  # weeks that the model of the spread learns from, at least; bins of errors use all
LEARNED_PAIRS = 33_000  # weeks that models of quantiles learn from: 50,000 are no better
LEARNED_LEAF = 50  # weeks: of fewer, 95 % are next to all
DISPERSION = 0.5  # errors are measured in sqrt(total + half its square), near a week's usual spread on two panels
FARTHEST = 8.0  # an error counts as at most so many of these: one bulk order must not teach a spread
LEAST_SPREAD = 0.05
SKEWED = 0.1
"""A mean that lies so far above its median, as a share of itself, goes all the way to it; one that lies nearer, as much less of
its way. The least error is flat, so that near it much bias buys little: on M5, whose weeks are little skewed, .05 takes .0004 off
WRMSSE for a bias of -.044 instead of -.035; on Online Retail II, whose weeks are, .0003 for -.243 instead of -.240."""
LEAST_SHARE = 0.4
"""Of a mean is left: the median week of a slow SKU is 0, which as its mean would say that it never sells. .5 costs .0024 of
WRMSSE on The Complete Journey and .0002 on Online Retail II, and has .015 and .004 less bias."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far weeks lie from their means, in units of what is usual for their size: a model. Opaque: made by ``fit``."""

    model: Any

    @classmethod
    def fit(cls, features: Array, actual: Array, mean: Array, seed: int) -> Spread:
        """``features``: of weeks that are over (``features_of``); ``actual`` and ``mean`` (cases,): units sold, and expected."""
        scaled = np.minimum(np.abs(actual - mean) / _usual(mean), FARTHEST)
        some = _some(mean, SPREAD_PAIRS)
        return cls(_booster(seed).fit(features[some], scaled[some]))

    def width(self, features: Array) -> Array:
        """Shape (cases,)."""
        width: Array = np.maximum(in_blocks(self.model.predict, features), LEAST_SPREAD)
        return width


@dataclass(frozen=True, slots=True)
class WeekQuantiles:
    """Standardised errors in bins of the mean and the spread. Opaque: made by ``fit``."""

    grids: tuple[tuple[Bins, Array], ...]  # bins, and their errors (bins, TOTAL_QUANTILES)
    bulk: Array  # (bins of the first grid,) sold, bulk orders included, over expected

    @classmethod
    def fit(cls, cases: Cases, mean: Array, width: Array) -> WeekQuantiles:
        """From forecasts ``mean`` (cases,) of weeks that are over, bulk orders and peaks included: they happen. ``width``: how
        far from it ``Spread`` says that they lie."""
        actual = cases.units.sum(axis=1)
        errors = (actual - mean) / (width * _usual(mean))
        grids = []
        for sizes, widths in GRIDS:
            bins = Bins.fit(mean, width, sizes, widths)
            grids.append((bins, bins.quantiles(bins.place(mean, width), errors, TOTAL_QUANTILES)))
        first = grids[0][0]
        places = first.place(mean, width)
        expected = np.bincount(places, mean, first.count)
        sold = np.bincount(places, actual, first.count)
        bulk = np.where(expected > 0, sold / np.maximum(expected, 1e-9), 1.0)
        return cls(tuple(grids), bulk)

    def apply(self, mean: Array, width: Array) -> tuple[Array, Array]:
        """Quantiles that never cross, not yet whole units, shape (cases, TOTAL_QUANTILES), and the mean with bulk orders
        (cases,)."""
        errors = np.mean([told[bins.place(mean, width)] for bins, told in self.grids], axis=0)
        bulk = self.bulk[self.grids[0][0].place(mean, width)]
        return mean[:, None] + (width * _usual(mean))[:, None] * errors, mean * bulk


@dataclass(frozen=True, slots=True)
class LearnedQuantiles:
    """A model of each quantile of the standardised errors. Opaque: made by ``fit``."""

    spread: Spread
    models: tuple[Any, ...]  # one a level of TOTAL_QUANTILES

    @classmethod
    def fit(cls, cases: Cases, mean: Array, seed: int) -> LearnedQuantiles:
        """From forecasts ``mean`` (cases,) of weeks that are over, as ``WeekQuantiles.fit``; with a spread of its own."""
        features, actual = features_of(cases, mean), cases.units.sum(axis=1)
        spread = Spread.fit(features, actual, mean, seed)
        width = spread.width(features)
        errors = (actual - mean) / (width * _usual(mean))
        some = _some(mean, LEARNED_PAIRS)
        rows = np.column_stack([features, width])[some]
        models = [
            _booster(seed, loss="quantile", quantile=level, min_samples_leaf=LEARNED_LEAF).fit(rows, errors[some])
            for level in TOTAL_QUANTILES
        ]
        return cls(spread, tuple(models))

    def apply(self, cases: Cases, mean: Array) -> Array:
        """Quantiles that never cross, not yet whole units, shape (cases, TOTAL_QUANTILES)."""
        features = features_of(cases, mean)
        width = self.spread.width(features)
        rows = np.column_stack([features, width])
        errors = np.maximum.accumulate(
            np.column_stack([in_blocks(model.predict, rows) for model in self.models]), axis=1
        )
        quantiles: Array = mean[:, None] + (width * _usual(mean))[:, None] * errors
        return quantiles


def least_error(mean: Array, median: Array) -> Array:
    """What to multiply expected weeks ``mean`` (cases,) by so that they err little, shape (cases,): the way to their medians,
    long where sales are skewed. Never above 1, as quantiles know bulk orders and the mean does not."""
    below = 1 - np.clip(median / mean, LEAST_SHARE, 1)
    share: Array = 1 - below * np.minimum(below / SKEWED, 1)
    return share


def features_of(cases: Cases, mean: Array) -> Array:
    """What ``Spread`` learns from: what is known of the cases, and their expected weeks ``mean`` (cases,)."""
    return np.column_stack([table(cases), np.log(mean)])


def _usual(mean: Array) -> Array:
    usual: Array = np.sqrt(mean + DISPERSION * mean**2)
    return usual


def _some(mean: Array, pairs: int) -> slice:
    """One case in so many that at least ``pairs`` are left, or all."""
    return slice(None, None, max(1, len(mean) // pairs))


def _booster(seed: int, **options: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(max_iter=TREES, **settings(seed, WEEK_BINS), **options)
