"""The fitted model of a day: is there a sale, and how large, relative to the SKU's level; quantiles from the mixture.

One model for all SKUs and all seven horizons. The week's total is ``weekly.py``'s, putting both together ``fitted.py``'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from orders_pipeline.forecasting.boosting import DAY_BINS, in_blocks, settings
from orders_pipeline.forecasting.calibration import Bins, whole_units
from orders_pipeline.forecasting.outcome import DAY_QUANTILES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orders_pipeline.forecasting.sample import Cases

    Array = NDArray[np.float64]

TREES, SPREAD_TREES = 80, 40
FEATURE_SHARE = 0.3
"""Of the features that a split may choose from: trees differ more, and their sum less from draw to draw. On development origins
all features cost .0002 (M5) and .0009 (Online Retail II) of WSPL more."""
LEAST_WEEKS = 20
"""SKU-weeks in a leaf: days of one have most features in common. In small panels, which learn from all seven, leaves of 20 days
follow noise."""
SIZE_BINS, SPREAD_BINS = 20, 3
BIN_CASES = 1_000
"""Residuals by predicted size and, where sales are many enough for bins of so many, by predicted deviation within it: the grid's
ends rest on the two or three farthest of a thousand. Against 12 bins of size that is worth .0005 of WSPL on M5; bins of 500 to
700 throughout cost Online Retail II .0010. Only the parts of bins that span much (``Bins``) are smaller."""
LEAST_MEAN = 1e-6  # units a day
LEAST_DEVIATION = 0.1  # no size of a sale is known better than to about 10 %
GRID = np.linspace(0.0025, 0.9975, 200)  # of the residuals' distribution; .95 of a sale that is certain is well inside


@dataclass(frozen=True, slots=True)
class Days:
    """What the model says of days, arrays of shape (cases, horizons): chance of a sale, its usual size, the deviation of its
    logarithm, the bin of its residuals (1 and 0 where only means were asked for), and expected units without bulk orders."""

    chance: Array
    size: Array
    deviation: Array
    place: NDArray[np.int64]
    mean: Array

    def expecting(self, mean: Array) -> Days:
        """The same days with sales so large that ``mean``, above zero, is expected; their chance and residuals stay."""
        return replace(self, size=self.size * mean / np.maximum(self.mean, LEAST_MEAN), mean=mean)


@dataclass(frozen=True, slots=True)
class Hurdle:
    """Fitted models and residual tables. Opaque: made by ``fit``."""

    chance: Any | None  # None: every day had a sale
    size: Any
    spread: Any
    bins: Bins  # of size and deviation
    residuals: Array  # (bins, GRID)
    sizes: Bins
    # (sizes,) mean of actual over predicted size; by size alone, as chance would move it between finer bins
    factor: Array

    def days(self, cases: Cases, *, spread: bool = True) -> Days:
        """``spread=False`` saves the deviation, for when only means are asked for."""
        features = table(cases)
        shape = cases.days.shape[:2]
        chance = np.ones(shape)
        if self.chance is not None:
            chance = in_blocks(self.chance.predict_proba, features)[:, 1].reshape(shape)
        size = cases.level[:, None] * np.exp(in_blocks(self.size.predict, features).reshape(shape))
        deviation, place = np.ones(shape), np.zeros(shape, np.int64)
        if spread:
            deviation = _deviation(self.spread, features).reshape(shape)
            place = self.bins.place(size.ravel(), deviation.ravel()).reshape(shape)
        factor = self.factor[self.sizes.place(size.ravel())].reshape(shape)
        return Days(chance, size, deviation, place, chance * size * factor)

    def quantiles(self, days: Days) -> NDArray[np.int64]:
        """Whole units, shape (cases, horizons, DAY_QUANTILES), never crossing."""
        found = np.zeros((*days.size.shape, len(DAY_QUANTILES)), np.int64)
        for number, q in enumerate(DAY_QUANTILES):
            among_sales = (q - (1 - days.chance)) / np.maximum(days.chance, 1e-9)
            position = np.clip((among_sales - GRID[0]) / (GRID[1] - GRID[0]), 0, len(GRID) - 1)
            low = np.floor(position).astype(np.int64)
            high = np.minimum(low + 1, len(GRID) - 1)
            table = self.residuals
            z = table[days.place, low] * (low + 1 - position) + table[days.place, high] * (position - low)
            units = np.maximum(whole_units(days.size * np.exp(days.deviation * z)), 1)
            found[..., number] = np.where(among_sales > 0, units, 0)
        return found

    def upto(self, days: Days, units: NDArray[np.int64]) -> Array:
        """Chance of at most ``units`` (cases, horizons) on each day; the distribution that ``quantiles`` are of."""
        z = np.log((np.maximum(units, 0) + 0.5) / days.size) / days.deviation
        among_sales = np.zeros(z.shape)
        for number, residuals in enumerate(self.residuals):
            here = days.place == number
            # beyond the grid's ends lies next to nothing
            among_sales[here] = np.interp(z[here], residuals, GRID, left=0.0, right=1.0)
        at_most: Array = np.where(units > 0, 1 - days.chance + days.chance * among_sales, 1 - days.chance)
        return np.where(units < 0, 0.0, at_most)


def table(cases: Cases) -> NDArray[np.float32]:
    """What the model learns from, shape (cases × horizons, features)."""
    count = cases.days.shape[1]
    return np.hstack([np.repeat(cases.base, count, axis=0), cases.days.reshape(len(cases.base) * count, -1)])


def fit(cases: Cases, seed: int) -> Hurdle:
    """Train on what followed the cases' anchors, on the days they carry features of."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    day = cases.horizons - 1
    teaches = np.take_along_axis(cases.usual, day, axis=1).ravel()
    rows = table(cases)[teaches]
    level = np.repeat(cases.level, day.shape[1])[teaches]
    units = np.take_along_axis(cases.units, day, axis=1).ravel()[teaches]
    demand = np.take_along_axis(cases.demand, day, axis=1).ravel()[teaches]
    common = {
        **settings(seed, DAY_BINS),
        "max_features": FEATURE_SHARE,
        "min_samples_leaf": LEAST_WEEKS * day.shape[1],
    }
    sold = units > 0
    chance = None if sold.all() else HistGradientBoostingClassifier(max_iter=TREES, **common).fit(rows, sold)
    rows, level, units, demand = rows[sold], level[sold], units[sold], demand[sold]
    log_size = np.log(units / level)
    size = HistGradientBoostingRegressor(max_iter=TREES, **common).fit(rows, log_size)
    expected = in_blocks(size.predict, rows)
    spread = HistGradientBoostingRegressor(max_iter=SPREAD_TREES, **common).fit(rows, (log_size - expected) ** 2)
    predicted = level * np.exp(expected)
    deviation = _deviation(spread, rows)
    within = min(SPREAD_BINS, max(1, len(predicted) // (SIZE_BINS * BIN_CASES)))
    bins = Bins.fit(predicted, deviation, SIZE_BINS, within)
    residuals = bins.quantiles(bins.place(predicted, deviation), (log_size - expected) / deviation, GRID.tolist())
    # quantiles know bulk orders; the mean is of what is sold besides them
    sizes = Bins.fit(predicted, None, SIZE_BINS)
    places = sizes.place(predicted)
    factor = np.bincount(places, demand, sizes.count) / np.maximum(np.bincount(places, predicted, sizes.count), 1e-9)
    cases_in = np.bincount(places, minlength=sizes.count)
    return Hurdle(chance, size, spread, bins, residuals, sizes, np.where(cases_in > 0, factor, 1.0))


def _deviation(spread: Any, rows: NDArray[np.float32]) -> Array:
    deviation: Array = np.sqrt(np.maximum(in_blocks(spread.predict, rows), LEAST_DEVIATION**2))
    return deviation
