"""The fitted model of a week: how much a SKU sells in the seven days together, and how far from that it may lie.

A week's total is a steadier thing to learn from than a day, so a third of the rows does; days are ``hurdle.py``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from orders_pipeline.forecasting.boosting import LEARNING_RATE, LEAVES, WEEK_BINS, Binned
from orders_pipeline.forecasting.calibration import Bins
from orders_pipeline.forecasting.outcome import TOTAL_QUANTILES
from orders_pipeline.forecasting.profiles import WEEK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orders_pipeline.forecasting.sample import Cases

    Array = NDArray[np.float64]

TREES, SPREAD_TREES = 60, 40
HALVES = 2  # each half of the cases has a model, which tells the other half's errors as they are on unseen weeks
SIZE_BINS, SPREAD_BINS = 20, 6  # 120 bins of 400 cases: a 95 % quantile of each rests on 20
SPREAD_PAIRS = 20_000  # weeks that the model of the spread learns from, at least; bins of errors use all
DISPERSION = 0.5  # errors are measured in sqrt(total + half its square), near a week's usual spread on two panels
FARTHEST = 8.0  # an error counts as at most so many of these: one bulk order must not teach a spread
LEAST_SPREAD = 0.05
LEVEL_BINS = 12
"""Of expected weeks, each with the factor that makes its means err least: sales are skewed, so it lies below 1 by as much as a
shop's own weeks say. ``with_bulk`` is the unbiased mean."""
LOWEST, HIGHEST = 0.5, 1.0
"""Of that factor: the median week of a slow SKU is 0, which as its mean would say that it never sells."""
TOWARDS = 0.85
"""How far means go towards it. The least error is flat: the last part of the way has a seventh of the bias and on 24 development
origins won .0003 of WRMSSE on M5 and .0009 on Online Retail II, where the whole way won .0030 and .0098."""


@dataclass(frozen=True, slots=True)
class Weekly:
    """Fitted models. Opaque: made by ``fit``, used by ``total``."""

    models: tuple[Any, ...]
    binned: Binned

    def total(self, cases: Cases) -> Array:
        """Units without bulk orders in the seven days together, shape (cases,)."""
        features = self.binned.apply(table(cases))
        mean: Array = np.mean([model.predict(features) for model in self.models], axis=0) * cases.level * WEEK
        return mean


def table(cases: Cases) -> NDArray[np.float32]:
    """What the model learns from, shape (cases, features)."""
    return np.hstack([cases.base, cases.week])


def fit(cases: Cases, seed: int) -> tuple[Weekly, Array]:
    """The model, and what it says of the cases themselves without having seen them, shape (cases,) units."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    binned = Binned.fit(table(cases), WEEK_BINS)
    features = binned.apply(table(cases))
    usual_level = cases.level * WEEK
    ratio = cases.demand.sum(axis=1) / usual_level
    teaches = cases.usual.all(axis=1)
    half = np.random.default_rng(seed).permutation(len(ratio)) % HALVES
    models = []
    unseen = np.zeros(len(ratio))
    for number in range(HALVES):
        mine = (half == number) & teaches
        # Poisson loss of units = that of ratios weighted by the level
        model = HistGradientBoostingRegressor(
            loss="poisson",
            max_iter=TREES,
            max_leaf_nodes=LEAVES,
            learning_rate=LEARNING_RATE,
            max_bins=WEEK_BINS,
            early_stopping=False,
            random_state=seed,
        ).fit(features[mine], ratio[mine], sample_weight=usual_level[mine])
        models.append(model)
        others = half != number
        unseen[others] += model.predict(features[others]) * usual_level[others] / (HALVES - 1)
    return Weekly(tuple(models), binned), unseen


@dataclass(frozen=True, slots=True)
class WeekQuantiles:
    """Quantiles of a week's total, given its mean: a model of the spread, and standardised errors in bins of both."""

    spread: Any
    bins: Bins
    errors: Array  # (bins, TOTAL_QUANTILES)
    bulk: Array  # (bins,) sold, bulk orders included, over expected
    level_bins: Bins
    least_error: Array  # (level bins,) weighted median of sold over expected

    @classmethod
    def fit(cls, cases: Cases, mean: Array, seed: int) -> WeekQuantiles:
        """From forecasts ``mean`` (cases,) of weeks that are over, bulk orders and peaks included: they happen."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        features = np.column_stack([table(cases), np.log(mean)])
        actual = cases.units.sum(axis=1)
        scaled = np.minimum(np.abs(actual - mean) / _usual(mean), FARTHEST)
        some = slice(None, None, max(1, len(mean) // SPREAD_PAIRS))
        spread = HistGradientBoostingRegressor(
            max_iter=SPREAD_TREES,
            max_leaf_nodes=LEAVES,
            learning_rate=LEARNING_RATE,
            max_bins=WEEK_BINS,
            early_stopping=False,
            random_state=seed,
        ).fit(features[some], scaled[some])
        width = np.maximum(spread.predict(features), LEAST_SPREAD)
        bins = Bins.fit(mean, width, SIZE_BINS, SPREAD_BINS)
        places = bins.place(mean, width)
        errors = bins.quantiles(places, (actual - mean) / (width * _usual(mean)), TOTAL_QUANTILES)
        expected = np.bincount(places, mean, bins.count)
        sold = np.bincount(places, actual, bins.count)
        bulk = np.where(expected > 0, sold / np.maximum(expected, 1e-9), 1.0)
        return cls(spread, bins, errors, bulk, *least_error(mean, actual))

    def usual_share(self, mean: Array) -> Array:
        """What to multiply a mean by so that it errs little, shape (cases,): see ``LEVEL_BINS`` and ``TOWARDS``."""
        factor: Array = 1 - TOWARDS * (1 - self.least_error[self.level_bins.place(mean)])
        return factor

    def apply(self, cases: Cases, mean: Array) -> tuple[Array, Array]:
        """Quantiles that never cross, not yet whole units, shape (cases, TOTAL_QUANTILES), and the mean with bulk orders
        (cases,)."""
        features = np.column_stack([table(cases), np.log(mean)])
        width = np.maximum(self.spread.predict(features), LEAST_SPREAD)
        reach = (width * _usual(mean))[:, None]
        places = self.bins.place(mean, width)
        return mean[:, None] + reach * self.errors[places], mean * self.bulk[places]


def _usual(mean: Array) -> Array:
    usual: Array = np.sqrt(mean + DISPERSION * mean**2)
    return usual


def least_error(mean: Array, actual: Array) -> tuple[Bins, Array]:
    """Bins of expected weeks and the factor f of each with the least sum of |actual − f × mean|."""
    bins = Bins.fit(mean, None, LEVEL_BINS)
    places = bins.place(mean)
    factor = np.ones(bins.count)
    for number in np.unique(places):
        here = places == number
        factor[number] = _weighted_median(actual[here] / mean[here], mean[here])
    return bins, np.clip(factor, LOWEST, HIGHEST)


def _weighted_median(values: Array, weights: Array) -> float:
    order = np.argsort(values, kind="stable")
    upto = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(upto, 0.5 * upto[-1])])
