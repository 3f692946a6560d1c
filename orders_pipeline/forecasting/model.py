"""The 7-day forecast of every SKU: which forecaster a shop's history allows, what is said about a SKU, and storing it.

Public: ``make_forecast`` (pure) and ``store_forecast`` (inside a write transaction). The forecasters themselves are in
``fitted.py`` and ``rule.py``; measuring them afterwards is ``accuracy.py``'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting import events, fitted, rule
from orders_pipeline.forecasting.calibration import BIN_ROWS
from orders_pipeline.forecasting.history import SalesHistory, load_history
from orders_pipeline.forecasting.outcome import DAY_QUANTILES, SHARED_QUANTILES, TOTAL_QUANTILES, Outcome
from orders_pipeline.forecasting.profiles import WEEK
from orders_pipeline.forecasting.sample import AWAKE_DAYS, awake, candidates
from orders_pipeline.forecasting.signals import YOUNG_DAYS, Signals, days_since_sale, prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import pandas as pd
    from numpy.typing import NDArray

MAX_ANCHORS = 100  # weekly, two years back: 18 weeks alone cost .0055 of WRMSSE (forecast research, section 4)
HURDLE_PAIRS = 500  # SKU-weeks to learn from: 80 trees on less follow noise
HURDLE_SALES = 250  # days with a sale: the model of their size needs cases of its own
RULE_SHARE, RULE_PAIRS = 0.5, 10_000
"""Of the rule in forecasts of fitted models, the less the more SKU-weeks these learn from, and none from so many on: both err
differently, and the rule's errors are of weeks that it has not seen. Shops of 15 SKUs (some 600 SKU-weeks; five of M5, five of
Online Retail II, development origins): quantile loss of the week .289 and .477 without, .302 and .479 of the rule alone, .279 and
.453 of their mean; WSPL .267 and .292, .266 and .294, .263 and .292."""
QUIET_DAYS = 28  # four weeks without a sale: worth telling

FITTED = ("hurdle", "weekly")
"""Models of days and weeks, and of weeks alone. Beside these column ``model`` has ``rule``, with the shop's own past errors, and
``small``, a rule with a usual spread."""
MODES = ("auto", "fast")


@dataclass(frozen=True, slots=True)
class Forecast:
    """One morning's forecasts. ``daily`` and ``totals`` have the columns of ``planning.sales_forecasts`` and
    ``planning.sales_forecast_totals``, sorted by SKU (and day). ``labels`` says in Chinese what is particular about a SKU,
    ``events`` which sales events, and days of a closed shop, are reckoned with.
    """

    made_on: date
    model: str
    daily: pd.DataFrame
    totals: pd.DataFrame
    labels: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    events: tuple[str, ...] = ()


def make_forecast(
    con_read: duckdb.DuckDBPyConnection,
    made_on: date,
    *,
    seed: int = 0,
    mode: str = "auto",
    stated: Sequence[events.SalesEvent] = (),
) -> Forecast:
    """Forecast ``made_on`` and the six days after it from sales before ``made_on``; writes nothing.

    ``mode``: ``auto`` takes the best model that the history allows, ``fast`` leaves the model of days out and draws once, which
    saves four fifths of the time or more. ``stated``: the merchant's own events, before and after ``made_on``.

    Same data and seed give equal bytes, whatever the number of cores. A SKU without a sale for ``AWAKE_DAYS`` days is
    forecast as zero; one without a sale in ``HISTORY_DAYS`` or ever is not forecast.
    """
    history = load_history(con_read, made_on)
    if not history.skus:
        return _frames(history, "small", _empty(0), {})
    last = history.days - 1
    anchors = list(range(last - WEEK, YOUNG_DAYS - 2, -WEEK))[:MAX_ANCHORS]
    around = events.event_days(history, stated)
    signals = prepare(history, [*anchors, last], around.past)
    selling = awake(signals, last)
    model, rule_share = _choose(signals, anchors, mode)
    outcome = _empty(len(history.skus))
    if model == "small":
        _fill(outcome, selling, rule.forecast_small(signals, selling, last))
    else:
        grown = history.age[selling] >= YOUNG_DAYS
        learned = selling[grown] if model in FITTED else selling[:0]
        if learned.size:
            told = _fitted(signals, anchors, learned, seed, model)
            by_rule = rule.learned(signals, anchors, learned, last) if rule_share > 0 else None
            told = told if by_rule is None else told.towards(by_rule, rule_share)
            _fill(outcome, learned, told)
        simple = selling[~grown] if model in FITTED else selling
        if simple.size:
            _fill(outcome, simple, rule.forecast(signals, anchors, simple, last))
    outcome = events.apply(outcome, around.ahead)
    notes = (*around.notes, *_closed(signals))
    return _frames(history, model, outcome, _labels(signals, model, last), notes)


def store_forecast(con: duckdb.DuckDBPyConnection, forecast: Forecast) -> None:
    """Put the forecast into ``planning``, in place of any made on the same day, inside the caller's transaction."""
    for table, frame in (("sales_forecasts", forecast.daily), ("sales_forecast_totals", forecast.totals)):
        con.execute(f"DELETE FROM planning.{table} WHERE made_on = ?", [forecast.made_on])
        columns = ", ".join(frame.columns)
        con.register("forecast_frame", frame)
        try:
            con.execute(f"INSERT INTO planning.{table} ({columns}) SELECT {columns} FROM forecast_frame")
        finally:
            con.unregister("forecast_frame")


def _choose(signals: Signals, anchors: list[int], mode: str) -> tuple[str, float]:
    """The model, and the share of the rule in what it says."""
    rows = [(anchor, candidates(signals, anchor)) for anchor in anchors]
    pairs = sum(len(skus) for _, skus in rows)
    sold = sum(int((signals.history.units[skus, a + 1 : a + 1 + WEEK] > 0).sum()) for a, skus in rows)
    if pairs >= HURDLE_PAIRS and sold >= HURDLE_SALES:
        return "weekly" if mode == "fast" else "hurdle", RULE_SHARE * max(1 - pairs / RULE_PAIRS, 0)
    return ("rule" if pairs >= BIN_ROWS and sold else "small"), 0


def _fitted(signals: Signals, anchors: list[int], rows: NDArray[np.int64], seed: int, model: str) -> Outcome:
    import sklearn.ensemble  # noqa: F401 - its OpenMP runtime must be loaded before it can be limited
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    forecast = fitted.forecast if model == "hurdle" else fitted.forecast_weekly
    # one thread: the order in which several add up is not fixed, and on a busy machine their waiting for each other tripled
    # the CPU seconds
    with threadpool_limits(limits=1):
        return forecast(signals, anchors, rows, signals.history.days - 1, seed)


def _closed(signals: Signals) -> list[str]:
    recent = signals.history.closed[-QUIET_DAYS:]
    return [f"近{QUIET_DAYS}天全店有{recent.sum()}天几乎无订单，视为停业，不当作零需求"] if recent.any() else []


def _empty(skus: int) -> Outcome:
    return Outcome(
        np.zeros((skus, WEEK)),
        np.zeros((skus, WEEK, len(DAY_QUANTILES)), np.int64),
        np.zeros((skus, len(TOTAL_QUANTILES)), np.int64),
        np.zeros(skus),
        np.ones((skus, WEEK, len(SHARED_QUANTILES))),
    )


def _fill(outcome: Outcome, rows: NDArray[np.int64], part: Outcome) -> None:
    outcome.mean[rows], outcome.days[rows], outcome.totals[rows] = part.mean, part.days, part.totals
    outcome.with_bulk[rows], outcome.shares[rows] = part.with_bulk, part.shares


def _labels(signals: Signals, model: str, last: int) -> dict[str, str]:
    history = signals.history
    everyone = np.arange(len(history.skus))
    quiet = days_since_sale(signals, everyone, last)
    month = max(history.days - QUIET_DAYS, 0)
    without_stock = history.without_stock[:, month:].sum(axis=1)
    recent = max(history.days - AWAKE_DAYS, 0)
    sold = history.units[:, recent:].sum(axis=1)
    cut = sold - np.minimum(signals.demand[:, recent:], history.units[:, recent:]).sum(axis=1)
    borrowed = np.isfinite(rule.usual_levels(signals, last))
    age = history.age
    labels = {}
    for number, sku in enumerate(history.skus):
        said = []
        if quiet[number] >= AWAKE_DAYS:
            said.append(f"已{quiet[number]}天无销量，按停售预测为0")
        elif quiet[number] >= QUIET_DAYS:
            said.append(f"近{quiet[number]}天无销量")
        if age[number] < YOUNG_DAYS:
            said.append(
                f"新品，首销至今{age[number]}天" + ("，参考同类商品" if borrowed[history.group[number]] else "")
            )
        if cut[number] > 0.5 * sold[number] > 0:
            said.append(f"近期销量以大单为主，{cut[number]:.0f}件不计入常规需求")
        if without_stock[number]:
            said.append(f"近{QUIET_DAYS}天缺货{without_stock[number]}天，缺货日不当作零需求")
        if model == "small":
            said.append("店铺历史太短，区间按通常波动估计")
        if said:
            labels[sku] = "；".join(said)
    return labels


def _frames(
    history: SalesHistory, model: str, outcome: Outcome, labels: dict[str, str], notes: tuple[str, ...] = ()
) -> Forecast:
    import pandas as pd

    skus = np.array(history.skus, dtype=object)
    made_on = np.datetime64(history.until, "s")
    horizon = np.tile(np.arange(1, WEEK + 1, dtype=np.int32), len(skus))
    # a millionth of a unit: what lies beyond says nothing
    mean = np.round(outcome.mean, 6)
    daily = pd.DataFrame(
        {
            "made_on": np.repeat(made_on, len(horizon)),
            "merchant_sku": np.repeat(skus, WEEK),
            "target_date": made_on + (horizon - 1).astype("timedelta64[D]").astype("timedelta64[s]"),
            "horizon_day": horizon,
            "mean": mean.ravel(),
        }
        | {f"q{round(q * 100)}": outcome.days[..., n].ravel() for n, q in enumerate(DAY_QUANTILES)}
        | {f"q{round(q * 100)}_share": outcome.shares[..., n].ravel() for n, q in enumerate(SHARED_QUANTILES)}
        | {"model": model}
    )
    totals = pd.DataFrame(
        {
            "made_on": np.repeat(made_on, len(skus)),
            "merchant_sku": skus,
            "days": np.full(len(skus), WEEK, np.int32),
            "mean": np.round(mean.sum(axis=1), 6),
        }
        | {f"q{round(q * 100)}": outcome.totals[:, n] for n, q in enumerate(TOTAL_QUANTILES)}
        | {"mean_with_bulk": np.round(outcome.with_bulk, 6), "model": model}
    )
    metrics: dict[str, float] = {
        "skus": len(skus),
        "skus_with_demand": int((outcome.mean.sum(axis=1) > 0).sum()),
        "history_days": history.days,
        "units_last_7_days": float(history.units[:, -WEEK:].sum()),
        "units_next_7_days": float(round(outcome.with_bulk.sum(), 1)),
    }
    return Forecast(history.until, model, daily, totals, labels, metrics, notes)
