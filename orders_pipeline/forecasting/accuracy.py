"""How good past forecasts were: metrics, and scoring what is stored against what then happened.

Formulas as in the project's forecast research, section 1. Nothing here makes a forecast.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from orders_pipeline.forecasting.history import SalesHistory, load_history
from orders_pipeline.forecasting.outcome import DAY_QUANTILES, SHARED_QUANTILES, TOTAL_QUANTILES
from orders_pipeline.forecasting.profiles import WEEK

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

SCORED_DAYS = 35  # forecasts of the last five weeks are scored anew: refunds before shipping still change what was sold
WEIGHT_DAYS = 28  # a SKU weighs by its revenue of the last four weeks
TOTAL = 0
"""Horizon of the 7-day total in ``planning.forecast_accuracy``."""

_COLUMNS = "made_on, model, horizon, wape, wrmsse, bias, pinball, coverage_q90, coverage_q95"


@dataclass(frozen=True, slots=True)
class Score:
    """Metrics over SKUs; None where the denominator is zero (nothing sold, nothing to weigh)."""

    wape: float | None
    wrmsse: float | None
    bias: float | None
    pinball: float | None
    coverage_q90: float | None
    coverage_q95: float | None


@dataclass(frozen=True, slots=True)
class AccuracyReport:
    """``newest`` holds the score of the week (horizon 0) of the newest forecast whose seven days are over."""

    forecasts_scored: int
    rows_written: int
    newest_made_on: date | None
    newest: Score | None


def score(
    actual: Array,
    mean: Array,
    quantiles: Array,
    levels: Sequence[float],
    weight: Array,
    root_errors: Array,
    shares: Array | None = None,
) -> Score:
    """Score forecasts of one quantity a SKU.

    ``actual``, ``mean``, ``weight``: (SKUs,); ``quantiles``: (SKUs, levels); ``shares``: (SKUs, SHARED_QUANTILES), how much of
    a sale of exactly the quantile counts as covered, all of it by default; ``root_errors``: (SKUs,) each SKU's scaled root
    mean squared error, NaN where its history never moved. wape = Σ|e|/Σy, bias = Σ(f−y)/Σy, wrmsse = Σ w·root_error / Σw,
    pinball = mean over levels of 2·Σ pinball loss / Σy, coverage = share of y below the quantile, and of
    those at it what ``shares`` says.
    """
    sold = float(actual.sum())
    miss = actual[:, None] - quantiles
    loss = np.maximum(np.asarray(levels) * miss, (np.asarray(levels) - 1) * miss).sum(axis=0)
    tied = np.ones((len(actual), len(SHARED_QUANTILES))) if shares is None else shares
    covered = [
        float(((miss[:, levels.index(level)] < 0) + (miss[:, levels.index(level)] == 0) * tied[:, number]).mean())
        if len(actual)
        else None
        for number, level in enumerate(SHARED_QUANTILES)
    ]
    counted = np.where(np.isfinite(root_errors), weight, 0.0)
    weighed = float(counted.sum())
    return Score(
        wape=float(np.abs(mean - actual).sum() / sold) if sold > 0 else None,
        wrmsse=float((counted * np.nan_to_num(root_errors)).sum() / weighed) if weighed > 0 else None,
        bias=float((mean.sum() - sold) / sold) if sold > 0 else None,
        pinball=float((2 * loss / sold).mean()) if sold > 0 else None,
        coverage_q90=covered[0],
        coverage_q95=covered[1],
    )


def scale_and_weight(history: SalesHistory, origin: int) -> tuple[Array, Array]:
    """Of each SKU, with columns before ``origin`` known: root mean squared one-day difference since the first sale (NaN where
    there is none), and revenue of the last ``WEIGHT_DAYS`` at the last known price."""
    units = history.units[:, :origin].astype(np.float64)
    first = np.maximum(history.first_sale, 0)
    moved = np.arange(1, max(origin, 1)) > first[:, None]
    steps = moved.sum(axis=1)
    squares = (
        ((units[:, 1:] - units[:, :-1]) ** 2 * moved[:, : units.shape[1] - 1]).sum(axis=1) if origin > 1 else steps
    )
    scale = np.sqrt(np.where(steps > 0, squares / np.maximum(steps, 1), np.nan))
    price = np.nan_to_num(history.price[:, origin - 1].astype(np.float64))
    return np.where(scale > 0, scale, np.nan), units[:, max(origin - WEIGHT_DAYS, 0) :].sum(axis=1) * price


def measure_accuracy(con: duckdb.DuckDBPyConnection, as_of: date) -> AccuracyReport:
    """Score the stored forecasts of the ``SCORED_DAYS`` before ``as_of`` into ``planning.forecast_accuracy``.

    Inside the caller's transaction; known are the days before ``as_of``. Horizon 1…7 is that day's forecast, scored once the
    day is over. Horizon 0 is the 7-day total, once all seven are over; its ``wrmsse`` is the usual one over the seven days.
    Running it again replaces the same rows.
    """
    history = load_history(con, as_of)
    newest: tuple[date, Score] | None = None
    scored = written = 0
    mornings = con.execute(
        "SELECT DISTINCT made_on FROM planning.sales_forecasts WHERE made_on >= ? AND made_on < ? ORDER BY made_on",
        [as_of - timedelta(days=SCORED_DAYS), as_of],
    ).fetchall()
    for (made_on,) in mornings:
        rows = _score_morning(con, history, made_on, as_of)
        con.execute("DELETE FROM planning.forecast_accuracy WHERE made_on = ?", [made_on])
        for model, horizon, result in rows:
            values = [made_on, model, horizon, *astuple(result)]
            con.execute(
                f"INSERT INTO planning.forecast_accuracy ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values
            )
            if horizon == TOTAL:
                newest = (made_on, result)
        scored += bool(rows)
        written += len(rows)
    return AccuracyReport(scored, written, *(newest or (None, None)))


def score_frames(history: SalesHistory, made_on: date, as_of: date, daily: Any, totals: Any) -> list[tuple[int, Score]]:
    """Horizons and scores of one morning's forecast, of days before ``as_of``: columns by name (frame or dict) as in the
    tables, ordered by SKU (and day). Empty where none of its SKUs sold since the history begins.

    Days of the closed shop, and the total of their week, have no score: nobody could be right or wrong about them."""
    origin = (made_on - history.first_day).days
    number = {sku: row for row, sku in enumerate(history.skus)}
    days = min((as_of - made_on).days, WEEK)
    rows = np.array([number.get(sku, -1) for sku in np.asarray(daily["merchant_sku"])[::WEEK]], np.int64)
    # sold within the two years when the forecast was made, not any more: nothing to measure it by
    known = rows >= 0
    rows = rows[known]
    if not rows.size or origin < 1:
        return []

    def of_days(*names: str) -> Array:
        return np.stack([np.asarray(daily[name], np.float64).reshape(-1, WEEK)[known] for name in names], axis=-1)

    mean = of_days("mean")[..., 0]
    quantiles, shares = of_days("q10", "q50", "q90", "q95"), of_days("q90_share", "q95_share")
    actual = history.units[rows, origin : origin + days].astype(np.float64)
    scale, weight = (values[rows] for values in scale_and_weight(history, origin))
    results = []
    closed = history.closed[origin : origin + days]
    for day in np.flatnonzero(~closed).tolist():
        errors = np.abs(mean[:, day] - actual[:, day]) / scale
        of_day = actual[:, day], mean[:, day], quantiles[:, day], DAY_QUANTILES, weight, errors, shares[:, day]
        results.append((day + 1, score(*of_day)))
    if days == WEEK and not closed.any():
        errors = np.sqrt(((mean - actual) ** 2).mean(axis=1)) / scale
        of_week = np.stack([np.asarray(totals[name], np.float64)[known] for name in ("q50", "q90", "q95")], axis=-1)
        expected = np.asarray(totals["mean"], np.float64)[known]
        results.append((TOTAL, score(actual.sum(axis=1), expected, of_week, TOTAL_QUANTILES, weight, errors)))
    return results


def _score_morning(
    con: duckdb.DuckDBPyConnection, history: SalesHistory, made_on: date, as_of: date
) -> list[tuple[str, int, Score]]:
    results: list[tuple[str, int, Score]] = []
    models = con.execute(
        "SELECT DISTINCT model FROM planning.sales_forecasts WHERE made_on = ? ORDER BY model", [made_on]
    )
    for (model,) in models.fetchall():
        daily, totals = (
            con.execute(
                f"SELECT {columns} FROM planning.{table} WHERE made_on = ? AND model = ? ORDER BY {order}",
                [made_on, model],
            ).fetchnumpy()
            for table, columns, order in (
                (
                    "sales_forecasts",
                    # forecasts of earlier versions have no shares: every tie counts
                    "merchant_sku, mean, q10, q50, q90, q95, coalesce(q90_share, 1) AS q90_share, "
                    "coalesce(q95_share, 1) AS q95_share",
                    "merchant_sku, horizon_day",
                ),
                ("sales_forecast_totals", "mean, q50, q90, q95", "merchant_sku"),
            )
        )
        results += [(model, *one) for one in score_frames(history, made_on, as_of, daily, totals)]
    return results
