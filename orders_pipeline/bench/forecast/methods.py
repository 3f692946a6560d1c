"""What is compared: the product's own forecast, and rules of one line that anybody could compute.

A method gets the panel and an origin, and returns its prediction of the SKUs asked for. Peers from other libraries: ``peers.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.bench.forecast.metrics import DAY_LEVELS, TOTAL_LEVELS
from orders_pipeline.bench.forecast.panels import WEEK, Panel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

EMPIRICAL_DAYS = 56
WINDOW_DAYS = 28


@dataclass(frozen=True, slots=True)
class Prediction:
    """Seven days of each SKU: ``mean`` (n, 7); ``days`` (n, 7, DAY_LEVELS), ``totals`` (n, TOTAL_LEVELS) and ``ties``
    (n, 7, DAY_LEVELS; see ``metrics``) where the method gives them."""

    mean: Array
    days: Array | None = None
    totals: Array | None = None
    ties: Array | None = None


Method = Callable[[Panel, date, "NDArray[np.int64]", int], Prediction]
"""(panel, origin, rows, seed) → prediction of these rows."""


def ours(panel: Panel, origin: date, rows: NDArray[np.int64], seed: int) -> Prediction:
    """The product: tables in, forecast frames out, every SKU of the panel forecast."""
    return _product(panel, origin, rows, seed, "auto")


def ours_fast(panel: Panel, origin: date, rows: NDArray[np.int64], seed: int) -> Prediction:
    """The product in its fast mode: the model of weeks alone."""
    return _product(panel, origin, rows, seed, "fast")


def _product(panel: Panel, origin: date, rows: NDArray[np.int64], seed: int, mode: str) -> Prediction:
    from orders_pipeline.forecasting import make_forecast

    made = make_forecast(panel.con, origin + timedelta(days=1), seed=seed, mode=mode)
    order = made.totals.reset_index(drop=True).reset_index().set_index("merchant_sku")["index"]
    at = order.loc[list(panel.skus[rows])].to_numpy()
    daily = made.daily
    levels = [f"q{round(level * 100)}" for level in DAY_LEVELS]
    shares = [f"{name}_share" for name in levels if f"{name}_share" in daily]
    ties = np.ones((len(made.totals), WEEK, len(levels)))
    for name in shares:
        ties[..., levels.index(name.removesuffix("_share"))] = daily[name].to_numpy().reshape(-1, WEEK)
    return Prediction(
        daily["mean"].to_numpy().reshape(-1, WEEK)[at],
        daily[levels].to_numpy(np.float64).reshape(-1, WEEK, len(levels))[at],
        made.totals[[f"q{round(level * 100)}" for level in TOTAL_LEVELS]].to_numpy(np.float64)[at],
        ties[at] if shares else None,
    )


def window_average(panel: Panel, origin: date, rows: NDArray[np.int64], _seed: int) -> Prediction:
    """Mean of the last 28 days, for each day."""
    last = panel.column(origin)
    mean = panel.units[rows, last + 1 - WINDOW_DAYS : last + 1].mean(axis=1)
    return Prediction(np.repeat(mean[:, None], WEEK, axis=1))


def empirical(panel: Panel, origin: date, rows: NDArray[np.int64], _seed: int) -> Prediction:
    """Mean and quantiles of the last 56 days; of the total, quantiles of the 50 weeks within them that end on any day."""
    last = panel.column(origin)
    past = panel.units[rows, last + 1 - EMPIRICAL_DAYS : last + 1]
    weeks = np.lib.stride_tricks.sliding_window_view(past, WEEK, axis=1).sum(axis=2)
    days = np.quantile(past, DAY_LEVELS, axis=1, method="higher").T
    return Prediction(
        np.repeat(past.mean(axis=1)[:, None], WEEK, axis=1),
        np.repeat(days[:, None, :], WEEK, axis=1),
        np.quantile(weeks, TOTAL_LEVELS, axis=1, method="higher").T,
    )


PRODUCT = ("ours", "fast")
"""The product's own: they forecast every SKU of the tables, and draw."""

OWN: dict[str, Method] = {
    "ours": ours,
    "fast": ours_fast,
    "window-average-28": window_average,
    "empirical-56": empirical,
}
