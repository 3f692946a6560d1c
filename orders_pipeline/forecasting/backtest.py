"""What forecasts of past weeks would have been worth: rolling origins, two models side by side, and which of them to use.

Scores are ``accuracy.py``'s, pictures ``charts.py``'s. Writes nothing but the decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting.accuracy import TOTAL, Score, score_frames
from orders_pipeline.forecasting.history import SalesHistory, load_history
from orders_pipeline.forecasting.model import MODES, Forecast, make_forecast
from orders_pipeline.forecasting.profiles import WEEK

if TYPE_CHECKING:
    import duckdb

    from orders_pipeline.forecasting.events import SalesEvent

ORIGINS = 4
"""Weeks that are forecast anew. A week alone can flatter a model; eight would cost a minute of a large shop's morning."""
WORST = 10
BIAS_ALLOWED = 0.02
"""A challenger's |bias| may exceed the champion's by so much at most: seeds alone move it by less than .01."""
DRIFT = 1.25
"""Times its usual pinball loss at which forecasts have come off their rails. From week to week it moved by up to 12 % on the
two panels of the benchmark."""
USUAL_WEEKS = (5, 3)
"""The newest week is compared with the median of so many before it, at least so many."""
QUIET_DAYS, YOUNG_DAYS = 28, 56
PRICE_MOVED, LEVEL_MOVED, BULK = 0.15, 2.0, 0.5


@dataclass(frozen=True, slots=True)
class Trial:
    """One model's forecast of one past week."""

    made_on: date
    mode: str
    model: str
    scores: dict[int, Score]  # horizon → score; TOTAL = the week


@dataclass(frozen=True, slots=True)
class Miss:
    """A SKU that the newest week was missed by most, units. ``why`` in Chinese."""

    merchant_sku: str
    expected: float
    sold: float
    why: str


@dataclass(frozen=True, slots=True)
class Backtest:
    """``trials`` by origin and mode. Means over origins that have a score; ``worst`` of the newest of these weeks, in yuan."""

    trials: tuple[Trial, ...]
    worst: tuple[Miss, ...]

    def mean(self, mode: str, metric: str) -> float | None:
        """Mean over origins of a metric of the week's total."""
        values = [
            getattr(trial.scores[TOTAL], metric)
            for trial in self.trials
            if trial.mode == mode and TOTAL in trial.scores
        ]
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known else None


def run_backtest(con: duckdb.DuckDBPyConnection, as_of: date, stated: Sequence[SalesEvent] = ()) -> Backtest:
    """Forecast the ``ORIGINS`` weeks before ``as_of`` from what was known at their beginnings, with each mode, and score them.

    A week with days of the closed shop is left out: what was not on sale tells no model from another."""
    history = load_history(con, as_of)
    trials = []
    worst: tuple[Miss, ...] = ()
    for back in range(ORIGINS, 0, -1):
        made_on = as_of - timedelta(days=WEEK * back)
        origin = (made_on - history.first_day).days
        if origin < WEEK or history.closed[origin : origin + WEEK].any():
            continue
        for mode in MODES:
            made = make_forecast(con, made_on, mode=mode, stated=stated)
            scores = dict(score_frames(history, made_on, as_of, made.daily, made.totals))
            if scores:
                trials.append(Trial(made_on, mode, made.model, scores))
            if mode == MODES[0]:
                worst = _worst(history, made)
    return Backtest(tuple(trials), worst)


def champion(con: duckdb.DuckDBPyConnection) -> str:
    """The mode that forecasts are made with: the last decision's, else the best that the history allows."""
    row = con.execute("SELECT mode FROM planning.forecast_champions ORDER BY decided_on DESC LIMIT 1").fetchone()
    return str(row[0]) if row else MODES[0]


def decide(con: duckdb.DuckDBPyConnection, backtest: Backtest, as_of: date) -> tuple[str, str]:
    """Champion after a backtest, and why, stored in the caller's transaction.

    A challenger replaces the champion only if its pinball loss is lower and its bias not worse; who has the lower error of the
    mean does not count: a forecaster with the better WAPE needed 10 % more stock in a simulation (forecast research, section 4).
    """
    now = champion(con)
    other = next(mode for mode in MODES if mode != now)
    loss, bias = ({mode: backtest.mean(mode, name) for mode in MODES} for name in ("pinball", "bias"))
    chosen, why = now, "not enough weeks to compare"
    if loss[now] is not None and loss[other] is not None and bias[now] is not None and bias[other] is not None:
        figures = f"pinball {loss[now]:.4f} and bias {bias[now]:+.3f} against {loss[other]:.4f} and {bias[other]:+.3f} of {other}"
        better = loss[other] < loss[now] and abs(bias[other]) <= abs(bias[now]) + BIAS_ALLOWED  # type: ignore[operator,arg-type]
        chosen, why = (other, f"replaces {now}: {figures}") if better else (now, f"stays: {figures}")
    con.execute("DELETE FROM planning.forecast_champions WHERE decided_on = ?", [as_of])
    con.execute("INSERT INTO planning.forecast_champions VALUES (?, ?, ?)", [as_of, chosen, why])
    return chosen, why


def note_drift(con: duckdb.DuckDBPyConnection, at: datetime) -> str | None:
    """Open an incident where the newest scored week lost far more than weeks before it usually do, close it where not.

    In the caller's transaction; returns what the incident says.
    """
    most, least = USUAL_WEEKS
    weeks = [
        float(row[0])
        for row in con.execute(
            "SELECT min(pinball) FROM planning.forecast_accuracy WHERE horizon = ? AND pinball IS NOT NULL "
            "GROUP BY made_on ORDER BY made_on DESC LIMIT ?",
            [TOTAL, (most + 1) * WEEK],
        ).fetchall()[::WEEK]
    ]
    said = None
    if len(weeks) > least and weeks[0] > DRIFT * float(np.median(weeks[1:])):
        said = (
            f"Forecasts of the last week lost {weeks[0]:.3f} (pinball over units sold), usually "
            f"{float(np.median(weeks[1:])):.3f}: look at the ten worst SKUs of asset forecast_backtest."
        )
        con.execute(
            "INSERT INTO ops.incidents (id, kind, shop, subject, opened_at, detail) "
            "SELECT 'forecast_drift:' || epoch_ms($at::TIMESTAMPTZ), 'forecast_drift', '', 'sales_forecasts', $at, $said "
            "WHERE NOT EXISTS (FROM ops.incidents WHERE kind = 'forecast_drift' AND closed_at IS NULL)",
            {"at": at, "said": said},
        )
    else:
        con.execute("UPDATE ops.incidents SET closed_at = ? WHERE kind = 'forecast_drift' AND closed_at IS NULL", [at])
    return said


def _worst(history: SalesHistory, made: Forecast) -> tuple[Miss, ...]:
    """SKUs whose week was missed by most, in yuan at the last known price."""
    origin = (made.made_on - history.first_day).days
    number = {sku: row for row, sku in enumerate(history.skus)}
    found = []
    for sku, mean in zip(made.totals["merchant_sku"], made.totals["mean"], strict=True):
        row = number.get(sku)
        if row is not None:
            sold = float(history.units[row, origin : origin + WEEK].sum())
            price = float(np.nan_to_num(history.price[row, origin - 1])) or 1.0
            found.append((abs(mean - sold) * price, row, sku, float(mean), sold))
    found.sort(key=lambda miss: (-miss[0], miss[2]))
    return tuple(Miss(sku, mean, sold, _why(history, row, origin)) for _, row, sku, mean, sold in found[:WORST])


def _why(history: SalesHistory, row: int, origin: int) -> str:
    """What sets the week apart from what was known before it; the first that holds."""
    week = history.units[row, origin : origin + WEEK]
    past = history.units[row, max(origin - QUIET_DAYS, 0) : origin]
    age = origin - int(history.first_sale[row])
    before, after = history.price[row, origin - 1], history.price[row, min(origin + WEEK, history.days) - 1]
    usual = float(past.mean()) * WEEK
    if history.without_stock[row, origin : origin + WEEK].any():
        return "周内缺货"
    if week.max() > BULK * week.sum() and week.max() > max(3 * past.max(initial=0.0), 5):
        return f"单日大单{week.max():.0f}件"
    if age < YOUNG_DAYS:
        return f"新品，预测时首销才{max(age, 0)}天"
    if not past.any():
        return f"此前{QUIET_DAYS}天无销量"
    if np.isfinite(before) and np.isfinite(after) and abs(after / before - 1) > PRICE_MOVED:
        return f"价格由{before:.2f}变为{after:.2f}"
    if week.sum() > LEVEL_MOVED * usual or week.sum() * LEVEL_MOVED < usual:
        return f"销量变化：前四周平均每周{usual:.0f}件"
    return "日常波动"
