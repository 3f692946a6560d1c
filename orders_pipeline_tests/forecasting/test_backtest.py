"""Backtests: what was known at each origin only, who replaces whom, drift, and what the pictures show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from orders_pipeline.forecasting import champion, decide, make_forecast, note_drift, run_backtest
from orders_pipeline.forecasting.accuracy import TOTAL, Score
from orders_pipeline.forecasting.backtest import Backtest, Trial
from orders_pipeline.forecasting.backtest_charts import backtest_svg, worst_table
from orders_pipeline_tests.forecasting.conftest import MADE_ON, Row, fill_sales

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
GOOD = Score(0.5, 0.7, 0.01, 0.30, 0.9, 0.95)


def trials(auto: Score, fast: Score) -> Backtest:
    return Backtest(
        tuple(Trial(MADE_ON, mode, mode, {TOTAL: score}) for mode, score in (("auto", auto), ("fast", fast))), ()
    )


@pytest.mark.parametrize(
    ("fast", "winner"),
    [
        (replace(GOOD, pinball=0.29), "fast"),
        (replace(GOOD, pinball=0.31), "auto"),
        (replace(GOOD, pinball=0.29, bias=-0.2), "auto"),  # less loss, but would starve the shop of stock
        (replace(GOOD, pinball=0.31, wape=0.1), "auto"),  # a better mean alone is no reason
        (replace(GOOD, pinball=None), "auto"),
    ],
)
def test_a_challenger_wins_on_pinball_and_bias_only(con: duckdb.DuckDBPyConnection, fast: Score, winner: str) -> None:
    assert champion(con) == "auto"
    chosen, why = decide(con, trials(GOOD, fast), MADE_ON)
    assert chosen == champion(con) == winner
    assert why


def test_the_champion_stays_until_beaten(con: duckdb.DuckDBPyConnection) -> None:
    decide(con, trials(GOOD, replace(GOOD, pinball=0.29)), MADE_ON)
    decide(con, trials(GOOD, replace(GOOD, pinball=0.30)), MADE_ON + timedelta(days=7))
    assert champion(con) == "fast"
    decide(con, trials(GOOD, replace(GOOD, pinball=0.32)), MADE_ON + timedelta(days=14))
    assert champion(con) == "auto"


def test_past_weeks_are_forecast_from_what_was_known_then(
    con: duckdb.DuckDBPyConnection, shop_rows: Callable[[int, int, int], list[Row]]
) -> None:
    rows = shop_rows(30, 80, 11)
    fill_sales(con, [*rows, ("BULK", MADE_ON - timedelta(days=40), 1), ("BULK", MADE_ON - timedelta(days=2), 5000)])
    made = run_backtest(con, MADE_ON)
    assert {trial.made_on for trial in made.trials} == {MADE_ON - timedelta(days=7 * back) for back in (4, 3, 2, 1)}
    assert all(set(trial.scores) == set(range(8)) for trial in made.trials)
    assert (made.worst[0].merchant_sku, made.worst[0].sold) == ("BULK", 5000)
    assert made.worst[0].why.startswith("单日大单5000件")
    then = make_forecast(con, MADE_ON - timedelta(days=7)).totals.set_index("merchant_sku")["mean"]
    assert made.worst[0].expected == then["BULK"]
    assert "BULK" in worst_table(made)
    assert backtest_svg(made).count("<polyline") == 7  # two models in three panels, and the wanted coverage


def test_a_week_in_which_the_shop_was_closed_is_no_trial(
    con: duckdb.DuckDBPyConnection, shop_rows: Callable[[int, int, int], list[Row]]
) -> None:
    shut = [MADE_ON - timedelta(days=back) for back in (5, 4, 3)]
    fill_sales(con, [row for row in shop_rows(80, 80, 11) if row[1] not in shut])
    made = run_backtest(con, MADE_ON)
    assert {trial.made_on for trial in made.trials} == {MADE_ON - timedelta(days=7 * back) for back in (4, 3, 2)}
    assert all(TOTAL in trial.scores for trial in made.trials)
    assert made.worst  # of the newest week that counts
    assert backtest_svg(made).count("<polyline") == 7


def test_a_shop_without_sales_has_no_backtest(con: duckdb.DuckDBPyConnection) -> None:
    made = run_backtest(con, MADE_ON)
    assert made == Backtest((), ())
    assert "历史不足" in backtest_svg(made)
    assert decide(con, made, MADE_ON)[0] == "auto"


def test_drift_is_one_incident_until_it_is_over(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE SCHEMA IF NOT EXISTS ops")
    con.execute(
        "CREATE TABLE ops.incidents (id VARCHAR, kind VARCHAR, shop VARCHAR, subject VARCHAR, opened_at TIMESTAMPTZ, "
        "closed_at TIMESTAMPTZ, detail VARCHAR)"
    )

    def week(back: int, pinball: float) -> None:
        for day in range(7):
            made_on = MADE_ON - timedelta(days=7 * back + day)
            con.execute(
                "INSERT INTO planning.forecast_accuracy (made_on, model, horizon, pinball) VALUES (?, 'hurdle', 0, ?)",
                [made_on, pinball],
            )

    for back in range(2, 6):
        week(back, 0.30)
    assert note_drift(con, NOW) is None
    week(1, 0.36)
    assert note_drift(con, NOW) is None  # weeks differ
    week(0, 0.45)
    said = note_drift(con, NOW)
    assert said is not None
    assert "0.450" in said
    note_drift(con, NOW + timedelta(days=1))
    open_ones = "SELECT count(*) FROM ops.incidents WHERE closed_at IS NULL"
    assert con.execute(open_ones).fetchall() == [(1,)]
    con.execute("UPDATE planning.forecast_accuracy SET pinball = 0.3")
    assert note_drift(con, NOW + timedelta(days=7)) is None
    assert con.execute(open_ones).fetchall() == [(0,)]
