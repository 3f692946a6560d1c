"""The benchmark's metrics, exactly as the project's forecast research defines them (section 1).

Kept apart from ``forecasting/accuracy.py`` on purpose: the yardstick of a comparison must not move with the product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from orders_pipeline.bench.forecast.methods import Prediction
    from orders_pipeline.bench.forecast.panels import Panel

    Array = NDArray[np.float64]

DAY_LEVELS = (0.1, 0.5, 0.9, 0.95)
TOTAL_LEVELS = (0.5, 0.9, 0.95)


def measure(panel: Panel, origin: date, rows: NDArray[np.int64], prediction: Prediction) -> dict[str, float]:
    """All metrics of one origin over the SKUs ``rows``, in which order the prediction is. Those of quantiles are absent where
    the method gives none."""
    last = panel.column(origin)
    past = panel.units[rows, : last + 1]
    actual = panel.units[rows, last + 1 : last + 8]
    mean = np.maximum(prediction.mean, 0)
    first = panel.first_sale[rows]
    lived = np.arange(1, past.shape[1]) > first[:, None]
    step = np.abs(np.diff(past, axis=1)) * lived
    count = lived.sum(axis=1)
    mean_step, mean_square = step.sum(axis=1) / count, (step**2).sum(axis=1) / count
    revenue = panel.revenue(rows, last)
    weight = revenue / revenue.sum()
    error = mean - actual
    sold = actual.sum()
    weekly = np.abs(past[:, 7:] - past[:, :-7]) * (np.arange(7, past.shape[1]) - 7 >= first[:, None])
    weeks = np.maximum((np.arange(7, past.shape[1]) - 7 >= first[:, None]).sum(axis=1), 1)
    naive = weekly.sum(axis=1) / weeks
    moved = naive > 0
    found = {
        "wrmsse": float((weight * np.sqrt((error**2).mean(axis=1) / mean_square)).sum()),
        "wape": float(np.abs(error).sum() / sold),
        "wape7": float(np.abs(error.sum(axis=1)).sum() / sold),
        "mase": float((np.abs(error).mean(axis=1)[moved] / naive[moved]).mean()),
        "bias": float(error.sum() / sold),
    }
    if prediction.days is not None:
        days = np.maximum(prediction.days, 0)
        losses = [pinball(actual, days[..., n], level) for n, level in enumerate(DAY_LEVELS)]
        found["wspl"] = float(np.mean([(weight * loss.mean(axis=1) / mean_step).sum() for loss in losses]))
        found["wql"] = float(np.mean([2 * loss.sum() / sold for loss in losses]))
        found |= _coverage("day", actual, days, DAY_LEVELS)
        if prediction.ties is not None:
            found |= _pit_coverage(actual, days, prediction.ties)
    if prediction.totals is not None:
        totals = np.maximum(prediction.totals, 0)
        week = actual.sum(axis=1)
        found["t_wql"] = float(
            np.mean([2 * pinball(week, totals[:, n], level).sum() / sold for n, level in enumerate(TOTAL_LEVELS)])
        )
        found |= _coverage("total", week, totals, TOTAL_LEVELS)
    return found


def pinball(actual: Array, quantile: Array, level: float) -> Array:
    """Quantile loss of each case, units."""
    miss = actual - quantile
    loss: Array = np.maximum(level * miss, (level - 1) * miss)
    return loss


def _coverage(name: str, actual: Array, quantiles: Array, levels: Sequence[float]) -> dict[str, float]:
    return {
        f"{name}_q{round(level * 100)}": float((actual <= quantiles[..., n]).mean())
        for n, level in enumerate(levels)
        if level >= 0.9  # at .1 and .5 most days are zero and coverage says nothing
    }


def _pit_coverage(actual: Array, days: Array, ties: Array) -> dict[str, float]:
    """Share of days within q90 and q95 by randomised PIT: of days that sold exactly the quantile, the share ``ties`` counts.

    That share is (q − F(Q − 1)) / (F(Q) − F(Q − 1)) of the forecast's distribution F; its expectation replaces the draw.
    """
    found = {}
    for n, level in enumerate(DAY_LEVELS):
        if level >= 0.9:
            within = (actual < days[..., n]) + (actual == days[..., n]) * ties[..., n]
            found[f"pit_q{round(level * 100)}"] = float(within.mean())
    return found
