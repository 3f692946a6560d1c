"""Scores of stored forecasts, against numbers worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from math import sqrt

import duckdb
import pytest

from orders_pipeline.forecasting import measure_accuracy
from orders_pipeline_tests.forecasting.conftest import MADE_ON, Row, fill_sales


def forecast(
    con: duckdb.DuckDBPyConnection,
    sku: str,
    days: list[tuple[float, ...]],
    total: tuple[float, ...],
    made_on: date = MADE_ON,
) -> None:
    """Store ``days`` of (mean, q10, q50, q90, q95) and a total of (mean, q50, q90, q95)."""
    for n, values in enumerate(days):
        row = [made_on, sku, made_on + timedelta(days=n), n + 1, *values, "hurdle"]
        con.execute(f"INSERT INTO planning.sales_forecasts VALUES ({', '.join('?' * 10)}, NULL, NULL)", row)
    con.execute(
        "INSERT INTO planning.sales_forecast_totals VALUES (?, ?, 7, ?, ?, ?, ?, 'hurdle', NULL)",
        [made_on, sku, *total],
    )


def scores(con: duckdb.DuckDBPyConnection) -> dict[int, dict[str, float | None]]:
    rows = con.execute("SELECT * EXCLUDE (made_on, model) FROM planning.forecast_accuracy ORDER BY horizon")
    names = [column[0] for column in rows.description]
    return {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in rows.fetchall()}


@pytest.fixture
def two_skus(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A sold 4, 0, 4, 0 before and 2 a day after; B sold 1, 3 before and 1 on the first day after."""
    before: list[Row] = [("A", MADE_ON - timedelta(days=d), 4) for d in (2, 4)]
    before += [("B", MADE_ON - timedelta(days=2), 1), ("B", MADE_ON - timedelta(days=1), 3)]
    fill_sales(con, before)
    fill_sales(con, [("A", MADE_ON + timedelta(days=n), 2) for n in range(7)] + [("B", MADE_ON, 1)])
    forecast(con, "A", [(3, 0, 2, 4, 5)] * 7, (21, 14, 20, 30))
    forecast(con, "B", [(0.5, 0, 0, 0, 2)] * 7, (3.5, 2, 3, 6))
    return con


def test_a_day_by_hand(two_skus: duckdb.DuckDBPyConnection) -> None:
    measure_accuracy(two_skus, MADE_ON + timedelta(days=7))
    first = scores(two_skus)[1]
    # actual 2 and 1, means 3 and 0.5
    assert first["wape"] == pytest.approx(1.5 / 3)
    assert first["bias"] == pytest.approx(0.5 / 3)
    # A moved 4, 4, 4 → 4; B moved 2 → 2; four weeks' revenue 8 × 10 and 4 × 10
    assert first["wrmsse"] == pytest.approx(2 / 3 * 1 / 4 + 1 / 3 * 0.5 / 2)
    # losses of A: .1·2, 0, .1·2, .05·3; of B: .1·1, .5·1, .9·1, .05·1
    losses = [0.2 + 0.1, 0 + 0.5, 0.2 + 0.9, 0.15 + 0.05]
    assert first["pinball"] == pytest.approx(sum(2 * loss / 3 for loss in losses) / 4)
    assert (first["coverage_q90"], first["coverage_q95"]) == (0.5, 1.0)


def test_the_week_by_hand(two_skus: duckdb.DuckDBPyConnection) -> None:
    report = measure_accuracy(two_skus, MADE_ON + timedelta(days=7))
    week = scores(two_skus)[0]
    # totals 14 and 1, forecast 21 and 3.5
    assert week["wape"] == pytest.approx(9.5 / 15)
    assert week["bias"] == pytest.approx(9.5 / 15)
    # over the seven days: A misses 1 every day, B misses .5 every day
    assert week["wrmsse"] == pytest.approx(2 / 3 * sqrt(1) / 4 + 1 / 3 * sqrt(0.25) / 2)
    losses = [0.5 * 1, 0.1 * 6 + 0.1 * 2, 0.05 * 16 + 0.05 * 5]
    assert week["pinball"] == pytest.approx(sum(2 * loss / 15 for loss in losses) / 3)
    assert (week["coverage_q90"], week["coverage_q95"]) == (1.0, 1.0)
    assert (report.forecasts_scored, report.rows_written, report.newest_made_on) == (1, 8, MADE_ON)
    assert report.newest is not None
    assert report.newest.bias == week["bias"]


def test_days_of_a_closed_shop_have_no_score(con: duckdb.DuckDBPyConnection) -> None:
    names = [f"S{number:02d}" for number in range(30)]
    shut = MADE_ON + timedelta(days=2)
    days = [MADE_ON + timedelta(days=back) for back in range(-60, 7)]
    fill_sales(con, [(name, day, 2) for name in names for day in days if day != shut])
    for name in names:
        forecast(con, name, [(2, 1, 2, 3, 4)] * 7, (14, 14, 16, 18))
    measure_accuracy(con, MADE_ON + timedelta(days=7))
    found = scores(con)
    assert sorted(found) == [1, 2, 4, 5, 6, 7]
    assert all(score["wape"] == 0 for score in found.values())


def test_only_days_that_are_over_are_scored(two_skus: duckdb.DuckDBPyConnection) -> None:
    assert measure_accuracy(two_skus, MADE_ON).rows_written == 0
    measure_accuracy(two_skus, MADE_ON + timedelta(days=3))
    assert list(scores(two_skus)) == [1, 2, 3]
    early = scores(two_skus)[1]
    for _ in range(2):
        measure_accuracy(two_skus, MADE_ON + timedelta(days=7))
    assert list(scores(two_skus)) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert scores(two_skus)[1] == early
    assert measure_accuracy(two_skus, MADE_ON + timedelta(days=90)).rows_written == 0
    assert len(scores(two_skus)) == 8


def test_a_week_without_sales_has_no_relative_error(con: duckdb.DuckDBPyConnection) -> None:
    fill_sales(con, [("A", MADE_ON - timedelta(days=3), 1)])
    forecast(con, "A", [(1, 0, 1, 2, 3)] * 7, (7, 7, 9, 10))
    measure_accuracy(con, MADE_ON + timedelta(days=7))
    week = scores(con)[0]
    assert (week["wape"], week["bias"], week["pinball"]) == (None, None, None)
    assert week["coverage_q90"] == 1.0
    assert week["wrmsse"] == pytest.approx(1 / sqrt(1 / 2))  # one sale, then nothing: one step of 1 in two days
