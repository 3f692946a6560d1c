"""Last year's season: taken where it came again, left alone where it did not, and never learned from days to come."""

from __future__ import annotations

from datetime import timedelta

import duckdb
import numpy as np
import pytest

from orders_pipeline.forecasting import make_forecast, season
from orders_pipeline_tests.forecasting.conftest import MADE_ON, fill_sales

DAYS = 728


def orders(strength: float, seed: int = 0, days: int = DAYS) -> np.ndarray:
    """A shop of 200 orders a day whose year swings by ``strength``, a logarithm, twice a year, as gardens and gifts do."""
    expected = 200 * np.exp(strength * np.sin(4 * np.pi * np.arange(days + 7) / 364))
    return np.random.default_rng(seed).poisson(expected).astype(float)


def rise(values: np.ndarray, anchor: int) -> float:
    return float(values[anchor + 1 : anchor + 8].sum() / (values[anchor - 27 : anchor + 1].sum() / 4))


def test_a_season_that_comes_again_is_foreseen() -> None:
    """Most of each rise, and nearer to it than no season is."""
    left, without = [], []
    for anchor in range(DAYS - 120, DAYS):
        values = orders(0.4, anchor)
        truth = np.log(rise(values, anchor))
        left.append(abs(truth - np.log(season.factor(values[: anchor + 1], anchor))))
        without.append(abs(truth))
    assert np.mean(left) < 0.3 * np.mean(without)


def test_a_shop_without_a_season_gets_next_to_none() -> None:
    factors = [season.factor(orders(0.0, seed), DAYS - 1) for seed in range(200)]
    assert np.mean([factor == 1 for factor in factors]) > 0.9
    assert np.abs(np.log(factors)).max() < 0.02


def test_a_season_that_did_not_come_again_is_not_awaited() -> None:
    values = orders(0.4)
    values[364:] = orders(-0.4)[364:]
    assert season.factor(values, DAYS - 1) == 1


@pytest.mark.parametrize("times", [0.3, 3.0])
def test_a_week_unlike_any_season_is_an_event_whose_date_may_move(times: float) -> None:
    values = orders(0.4)
    anchor = DAYS - 1
    assert season.factor(values, anchor) != 1
    values[anchor - 363 : anchor - 356] *= times
    assert season.factor(values, anchor) == 1


def test_days_to_come_are_not_looked_at() -> None:
    values = orders(0.4)
    anchor = DAYS - 60
    known = season.factor(values[: anchor + 1], anchor)
    assert known != 1
    values[anchor + 1 :] = 10_000
    assert season.factor(values, anchor) == known


def test_half_a_year_of_weeks_is_needed() -> None:
    weeks = range(1, 60)
    values = orders(0.4)
    known = [season.factor(values, 363 + 28 + 7 * week) != 1 for week in weeks if 363 + 28 + 7 * week < DAYS]
    assert not any(known[: season.LEAST_WEEKS - 2])
    assert known[season.LEAST_WEEKS]


def test_no_orders_have_no_season() -> None:
    assert season.factor(np.zeros(DAYS), DAYS - 1) == 1
    assert season.factor(np.zeros(0), -1) == 1


@pytest.mark.parametrize("mode", ["auto", "fast"])
def test_forecasts_rise_with_the_season(
    con: duckdb.DuckDBPyConnection, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the steepest week of a year that swings, forecasts lie nearer to what was sold than without the season."""
    rng = np.random.default_rng(3)
    steepest = np.arange(DAYS + 7) - DAYS  # the middle of the rise is the day of the forecast
    swing = np.exp(0.8 * np.sin(4 * np.pi * steepest / 364))
    sold = rng.poisson(rng.uniform(0.3, 3, (60, 1)) * swing)
    first = MADE_ON - timedelta(days=DAYS)
    rows = [
        (f"S{sku:02d}", first + timedelta(days=int(day)), int(sold[sku, day]))
        for sku, day in np.argwhere(sold[:, :DAYS])
    ]
    fill_sales(con, rows)
    with_season = make_forecast(con, MADE_ON, mode=mode)
    assert any("去年同期" in note for note in with_season.events)
    monkeypatch.setattr(season, "factor", lambda _orders, _anchor: 1.0)
    without = make_forecast(con, MADE_ON, mode=mode)
    assert not any("去年同期" in note for note in without.events)
    actual = sold[:, DAYS:].sum()
    for name in ("mean_with_bulk", "q50", "q90"):
        assert without.totals[name].sum() < with_season.totals[name].sum(), name
    assert without.daily["q90"].sum() <= with_season.daily["q90"].sum()
    low, near = (made.totals["mean_with_bulk"].sum() for made in (without, with_season))
    assert abs(near - actual) < abs(low - actual)
