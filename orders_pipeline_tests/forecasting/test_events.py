"""Events ahead lift their days, learned from last year where there was one; events behind are no ordinary days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np
import pytest

from orders_pipeline.forecasting import load_history, make_forecast
from orders_pipeline.forecasting.events import calendar, event_days
from orders_pipeline_tests.forecasting.conftest import MADE_ON, Row, fill_sales


@dataclass(frozen=True)
class Stated:
    name: str
    start: date
    end: date
    factor: float | None


def steady(until: date, days: int, units: int = 6, skus: int = 5) -> list[Row]:
    return [(f"S{n}", until - timedelta(days=d), units) for n in range(skus) for d in range(1, days + 1)]


def days_of(con: duckdb.DuckDBPyConnection, made_on: date, *stated: Stated) -> np.ndarray:
    made = make_forecast(con, made_on, stated=stated)
    assert (np.diff(made.daily[["q10", "q50", "q90", "q95"]].to_numpy(), axis=1) >= 0).all()
    assert (np.diff(made.totals[["q50", "q90", "q95"]].to_numpy(), axis=1) >= 0).all()
    return made.daily.groupby("horizon_day")["mean"].sum().to_numpy()


def test_a_stated_event_multiplies_its_days_and_the_total(con: duckdb.DuckDBPyConnection) -> None:
    fill_sales(con, steady(MADE_ON, 20))
    plain = days_of(con, MADE_ON)
    sale = Stated("店庆", MADE_ON + timedelta(days=2), MADE_ON + timedelta(days=3), 3.0)
    made = make_forecast(con, MADE_ON, stated=[sale])
    with_sale = days_of(con, MADE_ON, sale)
    assert with_sale == pytest.approx(plain * [1, 1, 3, 3, 1, 1, 1])
    assert made.totals["mean"].sum() == pytest.approx(with_sale.sum(), rel=1e-5)
    assert made.events == (f"店庆（{sale.start}起）：按平日的3.0倍",)


def test_singles_day_is_learned_from_last_year(con: duckdb.DuckDBPyConnection) -> None:
    made_on = date(2026, 11, 9)
    rows = steady(made_on, 420)
    rows = [(s, d, u * (5 if d == date(2025, 11, 11) else 2 if d == date(2025, 11, 10) else 1)) for s, d, u in rows]
    fill_sales(con, rows)
    days = days_of(con, made_on)
    ordinary = days[[0, 3, 4, 5, 6]].mean()
    assert days[1] == pytest.approx(2 * ordinary, rel=0.05)
    assert days[2] == pytest.approx(5 * ordinary, rel=0.05)


def test_the_same_days_without_a_last_year_are_ordinary(con: duckdb.DuckDBPyConnection) -> None:
    fill_sales(con, steady(date(2026, 11, 9), 60))
    days = days_of(con, date(2026, 11, 9))
    assert days.max() < 1.1 * days.min()


def test_the_week_after_a_stated_sale_does_not_inherit_it(con: duckdb.DuckDBPyConnection) -> None:
    over = [MADE_ON - timedelta(days=d) for d in (7, 6)]
    fill_sales(con, [(s, d, 2 * u if d in over else u) for s, d, u in steady(MADE_ON, 60)])
    plain = days_of(con, MADE_ON)
    told = days_of(con, MADE_ON, Stated("店庆", over[0], over[1], 2.0))
    # its weekdays are brought down to the usual
    assert told[:2].sum() < plain[:2].sum()
    assert told[0] / told[3] == pytest.approx(1, abs=0.05)


def test_a_stated_event_replaces_the_calendars_of_its_name(con: duckdb.DuckDBPyConnection) -> None:
    made_on = date(2026, 6, 15)
    fill_sales(con, [(s, d, u * (4 if d == date(2025, 6, 18) else 1)) for s, d, u in steady(made_on, 420)])
    history = load_history(con, made_on)
    assert event_days(history, ()).ahead == pytest.approx([1, 1, 1, 4, 1, 1, 1])
    stated = Stated("618", date(2026, 6, 17), date(2026, 6, 18), 2.0)
    assert event_days(history, (stated,)).ahead == pytest.approx([1, 1, 2, 2, 1, 1, 1])


def test_the_lunar_new_year_moves(con: duckdb.DuckDBPyConnection) -> None:
    """Closed in 2025 from 28 January, in 2026 from 16 February."""
    made_on = date(2026, 2, 14)
    festival = next(event for event in calendar(2025) if event.name == "春节")
    closed = [(s, d, 0 if festival.start <= d <= festival.end else u) for s, d, u in steady(made_on, 420)]
    fill_sales(con, closed)
    ahead = event_days(load_history(con, made_on), ()).ahead
    assert ahead == pytest.approx([1, 1, *[0.05] * 5])
