"""What users would install instead: statsforecast's models of one series, LightGBM over all, and means of them.

Set up as the project's forecast research says (section 1). Needs the extra ``bench``; nothing else imports these libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from orders_pipeline.bench.forecast.methods import Method, Prediction
from orders_pipeline.bench.forecast.metrics import DAY_LEVELS, TOTAL_LEVELS
from orders_pipeline.bench.forecast.panels import WEEK, Panel
from orders_pipeline.settings import UserError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

WINDOWS = 4  # of the conformal intervals
NORMAL_90, NORMAL_95 = 1.2815515655446004, 1.6448536269514722  # standard normal quantiles

STATISTICAL: dict[str, Callable[[Any], Any]] = {
    "seasonal-naive": lambda m: m.SeasonalNaive(WEEK),
    "window-average": lambda m: m.WindowAverage(28),
    "seasonal-window-average": lambda m: m.SeasonalWindowAverage(season_length=WEEK, window_size=8),
    "croston-sba": lambda m: m.CrostonSBA(),
    "tsb": lambda m: m.TSB(0.1, 0.1),
    "adida": lambda m: m.ADIDA(),
    "imapa": lambda m: m.IMAPA(),
    "ses": lambda m: m.SimpleExponentialSmoothingOptimized(),
    "auto-ets": lambda m: m.AutoETS(season_length=WEEK),
}
"""Name → model, given the module ``statsforecast.models``."""

GAUSSIAN = ("seasonal-naive", "auto-ets")  # bring intervals of their own

LIGHTGBM: dict[str, dict[str, Any]] = {
    "lightgbm": {"objective": "tweedie", "tweedie_variance_power": 1.3, "num_leaves": 31},
    "lightgbm-tweedie-1.5": {"objective": "tweedie", "tweedie_variance_power": 1.5, "num_leaves": 31},
    "lightgbm-scaled": {"objective": "regression", "num_leaves": 31},
}
SCALED = "lightgbm-scaled"
"""Squared error lets large series decide alone, so each is brought to mean 0 and deviation 1 first; Tweedie's keeps its zeros."""
ENSEMBLES = {
    "ensemble": ("seasonal-window-average", "croston-sba", "adida"),
    "ensemble-lightgbm": ("seasonal-window-average", "croston-sba", "lightgbm"),
}
"""Name → whose plain mean it is."""


def peer(name: str) -> Method:
    """The method of that name. Raises UserError where its library is not installed."""
    if name in ENSEMBLES:
        return _mean_of([peer(member) for member in ENSEMBLES[name]])
    if name in LIGHTGBM:
        return lambda panel, origin, rows, seed: _lightgbm(panel, origin, rows, seed, name)
    return lambda panel, origin, rows, _seed: _statsforecast(panel, origin, rows, name)


def forecasts_all(name: str) -> bool:
    """Whether the peer learns from all series together, so that it cannot forecast a sample of them alone."""
    return name in LIGHTGBM or any(member in LIGHTGBM for member in ENSEMBLES.get(name, ()))


def library_of(name: str) -> str:
    """The package that the peer needs."""
    return "mlforecast" if name in LIGHTGBM else "statsforecast"


def names() -> list[str]:
    """Every peer, cheap ones first; AutoETS is by far the slowest and is run only by name."""
    return [*(name for name in STATISTICAL if name != "auto-ets"), *ENSEMBLES, *LIGHTGBM]


def _long(panel: Panel, origin: date, rows: NDArray[np.int64], *, price: bool) -> pd.DataFrame:
    """One row a SKU and day from its first sale to the origin."""
    import pandas as pd

    last = panel.column(origin)
    days = pd.date_range(panel.first_day, origin)
    lived = np.arange(last + 1) >= panel.first_sale[rows][:, None]
    series, day = np.nonzero(lived)
    frame = {"unique_id": series, "ds": days[day], "y": panel.units[rows][:, : last + 1][lived]}
    if price:
        frame["price"] = panel.price[rows][:, : last + 1][lived]
        frame["category"] = pd.factorize(panel.category[rows])[0][series]
    return pd.DataFrame(frame)


def _statsforecast(panel: Panel, origin: date, rows: NDArray[np.int64], name: str) -> Prediction:
    try:
        import statsforecast.models as models
        from statsforecast import StatsForecast
        from statsforecast.utils import ConformalIntervals
    except ImportError:
        raise UserError(f"Method {name} needs statsforecast: pip install 'orders-pipeline[bench]'.") from None
    model = STATISTICAL[name](models)
    if name not in GAUSSIAN:
        model.prediction_intervals = ConformalIntervals(h=WEEK, n_windows=WINDOWS)
    made = StatsForecast(models=[model], freq="D", n_jobs=1).forecast(
        df=_long(panel, origin, rows, price=False), h=WEEK, level=[80, 90]
    )
    made = made.sort_values(["unique_id", "ds"])
    column = next(c for c in made.columns if c not in ("unique_id", "ds") and "-lo-" not in c and "-hi-" not in c)
    mean = made[column].to_numpy(np.float64).reshape(-1, WEEK)
    bounds = [f"{column}-lo-80", column, f"{column}-hi-80", f"{column}-hi-90"]
    days = np.stack([made[bound].to_numpy(np.float64).reshape(-1, WEEK) for bound in bounds], axis=-1)
    # a series too short for the windows has no interval: its mean stands for it
    days = np.where(np.isfinite(days), days, mean[..., None])
    # a week from days that are taken as independent and normal: these libraries say nothing about sums
    deviation = np.sqrt((((days[..., 3] - mean) / NORMAL_95) ** 2).sum(axis=1))
    total = np.maximum(mean, 0).sum(axis=1)
    totals = np.stack([total, total + NORMAL_90 * deviation, total + NORMAL_95 * deviation], axis=-1)
    return Prediction(mean, days, totals)


def _lightgbm(panel: Panel, origin: date, rows: NDArray[np.int64], seed: int, name: str) -> Prediction:
    try:
        import lightgbm
        import pandas as pd
        from mlforecast import MLForecast
        from mlforecast.lag_transforms import ExponentiallyWeightedMean, RollingMean, RollingStd, SeasonalRollingMean
        from mlforecast.target_transforms import LocalStandardScaler
    except ImportError:
        raise UserError(
            "Method lightgbm needs lightgbm and mlforecast: pip install 'orders-pipeline[bench]'."
        ) from None
    model = lightgbm.LGBMRegressor(
        n_estimators=250, learning_rate=0.05, min_child_samples=100, n_jobs=1, verbose=-1, seed=seed, **LIGHTGBM[name]
    )
    forecaster = MLForecast(
        models={"lightgbm": model},
        freq="D",
        lags=list(range(1, 29)),
        lag_transforms={
            1: [
                *(RollingMean(window) for window in (7, 14, 28, 56)),
                *(RollingStd(window) for window in (7, 28)),
                *(ExponentiallyWeightedMean(alpha) for alpha in (0.05, 0.2)),
                SeasonalRollingMean(WEEK, 4),
                SeasonalRollingMean(WEEK, 8),
            ]
        },
        date_features=["dayofweek", "day", "month"],
        target_transforms=[LocalStandardScaler()] if name == SCALED else None,
        num_threads=1,
    )
    frame = _long(panel, origin, rows, price=True)
    forecaster.fit(frame, static_features=["category"], dropna=True, max_horizon=None)
    last = frame.groupby("unique_id")["price"].last()
    ahead = pd.DataFrame(
        {
            "unique_id": np.repeat(last.index.to_numpy(), WEEK),
            "ds": np.tile(pd.date_range(origin, periods=WEEK + 1)[1:], len(last)),
            "price": np.repeat(last.to_numpy(), WEEK),
        }
    )
    made = forecaster.predict(WEEK, X_df=ahead).sort_values(["unique_id", "ds"])
    return Prediction(made["lightgbm"].to_numpy(np.float64).reshape(-1, WEEK))


def _mean_of(members: Sequence[Method]) -> Method:
    def predict(panel: Panel, origin: date, rows: NDArray[np.int64], seed: int) -> Prediction:
        made = [member(panel, origin, rows, seed) for member in members]
        means = [np.maximum(one.mean, 0) for one in made]
        if any(one.days is None or one.totals is None for one in made):
            return Prediction(np.mean(means, axis=0))
        days = np.mean([one.days for one in made if one.days is not None], axis=0)
        totals = np.mean([one.totals for one in made if one.totals is not None], axis=0)
        assert days.shape[-1] == len(DAY_LEVELS)  # noqa: S101 - members agree on what they give
        assert totals.shape[-1] == len(TOTAL_LEVELS)  # noqa: S101
        return Prediction(np.mean(means, axis=0), days, totals)

    return predict
