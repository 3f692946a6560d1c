"""The fitted model of a week: how much a SKU sells in the seven days together.

A week's total is a steadier thing to learn from than a day, so a third of the rows does; days are ``hurdle.py``'s, how far from
it a week may lie is ``week_quantiles.py``'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from orders_pipeline.forecasting.boosting import WEEK_BINS, Binned, in_blocks, settings
from orders_pipeline.forecasting.calibration import BIN_ROWS
from orders_pipeline.forecasting.profiles import WEEK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from orders_pipeline.forecasting.sample import Cases

    Array = NDArray[np.float64]

TREES = 60
LEAF_SHARE, LEAST_LEAF, MOST_LEAF = 1 / 150, 20, 100
"""SKU-weeks in a leaf, of those a model learns from. With 20 throughout, development origins of M5 have .0007 (fast mode) and
.0002 more WRMSSE; of Online Retail II and The Complete Journey the same within noise."""
HALVES = 2  # each half of the cases has a model, which tells the other half's errors as they are on unseen weeks


@dataclass(frozen=True, slots=True)
class Weekly:
    """Fitted models. Opaque: made by ``fit``, used by ``total``."""

    models: tuple[Any, ...]
    binned: Binned

    def total(self, cases: Cases) -> Array:
        """Units without bulk orders in the seven days together, shape (cases,)."""
        features = self.binned.apply(table(cases))
        mean: Array = (
            np.mean([in_blocks(model.predict, features) for model in self.models], axis=0) * cases.level * WEEK
        )
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
    teaches = np.asarray(cases.usual.all(axis=1))
    if teaches.sum() < HALVES * BIN_ROWS:  # peaks or closed days in every week are what is usual here
        teaches = np.ones_like(teaches)
    half = np.random.default_rng(seed).permutation(len(ratio)) % HALVES
    models = []
    unseen = np.zeros(len(ratio))
    for number in range(HALVES):
        mine = (half == number) & teaches
        leaf = int(np.clip(LEAF_SHARE * mine.sum(), LEAST_LEAF, MOST_LEAF))
        # Poisson loss of units = that of ratios weighted by the level
        model = HistGradientBoostingRegressor(
            loss="poisson", max_iter=TREES, min_samples_leaf=leaf, **settings(seed, WEEK_BINS)
        ).fit(features[mine], ratio[mine], sample_weight=usual_level[mine])
        models.append(model)
        others = half != number
        unseen[others] += in_blocks(model.predict, features[others]) * usual_level[others] / (HALVES - 1)
    return Weekly(tuple(models), binned), unseen
