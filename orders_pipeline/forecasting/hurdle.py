"""The fitted model: is there a sale on the day, and how large, relative to the SKU's level; quantiles from the mixture.

One model for all SKUs and all seven horizons. Choosing between this and the simple forecasters is ``model.py``'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from orders_pipeline.forecasting import features as f
from orders_pipeline.forecasting.calibration import Bins, RatioQuantiles, whole_units
from orders_pipeline.forecasting.outcome import DAY_QUANTILES, TOTAL_QUANTILES, Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

TRAINING_ROWS = (
    200_000  # 350,000 change nothing beyond noise, 100,000 cost .004 of WRMSSE (forecast research, section 4)
)
TOTAL_PAIRS = 20_000  # for 80 bins of the week's total: 250 cases a bin
TREES, VARIANCE_TREES, LEAVES, LEARNING_RATE = 80, 40, 15, 0.1
RESIDUAL_BINS, TOTAL_BINS, CHANCE_BINS = 12, 20, 4
AWAKE_DAYS = 112  # a series without a sale for longer teaches nothing about one that sells
GRID = np.linspace(0.0025, 0.9975, 200)  # of the residuals' distribution; .95 of a sale that is certain is well inside


@dataclass(frozen=True, slots=True)
class Hurdle:
    """Fitted models and residual tables. Opaque: made by ``fit``, used by ``predict``."""

    chance: Any
    size: Any
    spread: Any
    bins: Bins
    residuals: Array  # (bins, GRID)
    factor: Array  # (bins,) mean of actual over predicted size
    total: RatioQuantiles | None


def awake(signals: f.Signals, anchor: int) -> NDArray[np.int64]:
    """SKUs with a sale in the ``AWAKE_DAYS`` up to the anchor."""
    sales = signals.sums["sale"]
    return np.flatnonzero(sales[:, anchor + 1] > sales[:, max(anchor + 1 - AWAKE_DAYS, 0)])


def candidates(signals: f.Signals, anchor: int) -> NDArray[np.int64]:
    """SKUs to learn from at the anchor: awake and old enough to have a level."""
    rows = awake(signals, anchor)
    return rows[anchor - signals.history.first_sale[rows] + 1 >= f.YOUNG_DAYS]


def fit(signals: f.Signals, anchors: list[int], seed: int) -> Hurdle:
    """Train on what followed each anchor (seven days that are all within the history)."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    rng = np.random.default_rng(seed)
    rows, level, units = _training_rows(signals, anchors, rng)
    common = {"max_leaf_nodes": LEAVES, "learning_rate": LEARNING_RATE, "early_stopping": False, "random_state": seed}
    sold = units > 0
    chance = HistGradientBoostingClassifier(max_iter=TREES, **common).fit(rows, sold)
    log_size = np.log(units[sold] / level[sold])
    size = HistGradientBoostingRegressor(max_iter=TREES, **common).fit(rows[sold], log_size)
    expected = size.predict(rows[sold])
    squared = (log_size - expected) ** 2
    spread = HistGradientBoostingRegressor(max_iter=VARIANCE_TREES, **common).fit(rows[sold], squared)
    predicted = level[sold] * np.exp(expected)
    bins = Bins.fit(predicted, None, RESIDUAL_BINS)
    places = bins.place(predicted)
    residuals = bins.quantiles(places, (log_size - expected) / _deviation(spread, rows[sold]), GRID.tolist())
    cases = np.bincount(places, minlength=bins.count)
    factor = np.bincount(places, units[sold], bins.count) / np.maximum(np.bincount(places, predicted, bins.count), 1e-9)
    model = Hurdle(chance, size, spread, bins, residuals, np.where(cases > 0, factor, 1.0), None)
    return replace(model, total=_fit_total(model, signals, anchors, rng))


def predict(model: Hurdle, signals: f.Signals, rows: NDArray[np.int64], anchor: int) -> Outcome:
    """The seven days after the anchor, and their total."""
    chance, mean, level, expected, features = _moments(model, signals, rows, anchor)
    size = level[:, None] * np.exp(expected)
    deviation = _deviation(model.spread, features).reshape(size.shape)
    places = model.bins.place(size.ravel()).reshape(size.shape)
    quantiles = np.zeros((*size.shape, len(DAY_QUANTILES)), np.int64)
    for number, q in enumerate(DAY_QUANTILES):
        among_sales = (q - (1 - chance)) / np.maximum(chance, 1e-9)
        position = np.clip((among_sales - GRID[0]) / (GRID[1] - GRID[0]), 0, len(GRID) - 1)
        low = np.floor(position).astype(np.int64)
        high = np.minimum(low + 1, len(GRID) - 1)
        z = model.residuals[places, low] * (low + 1 - position) + model.residuals[places, high] * (position - low)
        units = np.maximum(whole_units(size * np.exp(deviation * z)), 1)
        quantiles[..., number] = np.where(among_sales > 0, units, 0)
    assert model.total is not None  # noqa: S101 - fit always sets it
    total = mean.sum(axis=1)
    return Outcome(mean, quantiles, model.total.apply(total, _chance_of_any(chance)))


def _deviation(spread: Any, rows: NDArray[np.float32]) -> Array:
    # a tenth: no size of a sale is known better than to about 10 %
    deviation: Array = np.sqrt(np.maximum(spread.predict(rows), 0.01))
    return deviation


def _chance_of_any(chance: Array) -> Array:
    none: Array = np.prod(1 - chance, axis=1)
    return 1 - none


def _moments(
    model: Hurdle, signals: f.Signals, rows: NDArray[np.int64], anchor: int
) -> tuple[Array, Array, Array, Array, NDArray[np.float32]]:
    """Chance of a sale (rows, 7), mean (rows, 7), level (rows,), expected log size (rows, 7), features (rows × 7, …)."""
    base, level = f.base_features(signals, rows, anchor)
    profile = f.weekday_profile(signals, anchor)
    horizon = np.tile(np.arange(1, f.WEEK + 1), len(rows))
    day = f.horizon_features(signals, np.repeat(rows, f.WEEK), anchor, horizon, np.repeat(level, f.WEEK), profile)
    features = np.hstack([np.repeat(base, f.WEEK, axis=0), day])
    shape = (len(rows), f.WEEK)
    chance = model.chance.predict_proba(features)[:, 1].reshape(shape)
    expected = model.size.predict(features).reshape(shape)
    size = level[:, None] * np.exp(expected)
    factor = model.factor[model.bins.place(size.ravel())].reshape(shape)
    return chance, chance * size * factor, level.astype(np.float64), expected, features


def _training_rows(
    signals: f.Signals, anchors: list[int], rng: np.random.Generator
) -> tuple[NDArray[np.float32], Array, Array]:
    """Features, level and units of a sample of (SKU, anchor, horizon)."""
    groups = [(anchor, candidates(signals, anchor)) for anchor in anchors]
    share = min(1.0, TRAINING_ROWS / max(sum(len(rows) for _, rows in groups) * f.WEEK, 1))
    features, levels, units = [], [], []
    for anchor, rows in groups:
        cells = len(rows) * f.WEEK
        chosen = np.sort(rng.choice(cells, round(cells * share), replace=False))
        pair, horizon = chosen // f.WEEK, chosen % f.WEEK + 1
        day = anchor + horizon
        telling = ~signals.history.without_stock[rows[pair], day] & ~signals.peak[day]
        pair, horizon = pair[telling], horizon[telling]
        if not pair.size:
            continue
        used, back = np.unique(pair, return_inverse=True)
        base, level = f.base_features(signals, rows[used], anchor)
        profile = f.weekday_profile(signals, anchor)
        ahead = f.horizon_features(signals, rows[pair], anchor, horizon, level[back], profile)
        features.append(np.hstack([base[back], ahead]))
        levels.append(level[back])
        units.append(signals.history.units[rows[pair], anchor + horizon])
    return np.vstack(features), np.concatenate(levels).astype(np.float64), np.concatenate(units).astype(np.float64)


def _fit_total(model: Hurdle, signals: f.Signals, anchors: list[int], rng: np.random.Generator) -> RatioQuantiles:
    # weeks with a peak stay in: what they say about how far a week can go is true
    groups = [(anchor, candidates(signals, anchor)) for anchor in anchors]
    share = min(1.0, TOTAL_PAIRS / max(sum(len(rows) for _, rows in groups), 1))
    forecast, chance, actual = [], [], []
    for anchor, everyone in groups:
        rows = np.sort(rng.choice(everyone, round(len(everyone) * share), replace=False))
        rows = rows[~signals.history.without_stock[rows, anchor + 1 : anchor + 1 + f.WEEK].any(axis=1)]
        if not rows.size:
            continue
        p, mean, *_ = _moments(model, signals, rows, anchor)
        forecast.append(mean.sum(axis=1))
        chance.append(_chance_of_any(p))
        actual.append(signals.history.units[rows, anchor + 1 : anchor + 1 + f.WEEK].sum(axis=1, dtype=np.float64))
    return RatioQuantiles.fit(
        np.concatenate(forecast),
        np.concatenate(chance),
        np.concatenate(actual),
        TOTAL_QUANTILES,
        TOTAL_BINS,
        CHANCE_BINS,
    )
