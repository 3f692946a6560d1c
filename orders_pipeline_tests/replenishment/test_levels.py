"""What is learned from history: calibrated sums, weekdays, new SKUs. Ground truth comes from known distributions."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from orders_pipeline.replenishment.demand import smallest_units
from orders_pipeline.replenishment.history import History
from orders_pipeline.replenishment.levels import day_factors, estimate_demand

MADE_ON = date(2026, 12, 1)


def history(units: np.ndarray, known: np.ndarray | None = None) -> History:
    n, days = units.shape
    return History(
        first=MADE_ON - timedelta(days=days),
        skus=tuple(f"S{index}" for index in range(n)),
        units=units.astype(float),
        known=np.ones(units.shape, dtype=bool) if known is None else known,
        bulk=np.zeros(n, dtype=bool),
        sales_7_days=units[:, -7:].sum(axis=1),
        revenue_90_days=units.sum(axis=1).astype(float),
    )


def estimate(past: History, forecast: float = float("nan"), horizon: int = 60):
    before, coming = day_factors(past, MADE_ON, horizon, ())
    n = len(past.skus)
    return estimate_demand(past, before, coming, np.full(n, forecast), [""] * n)


@pytest.mark.parametrize("days", [14, 21])
def test_quantiles_of_sums_are_met_as_often_as_they_promise(days):
    """SKUs whose rate drifts week by week, so that days of a sum go together: the case in which adding variances fails."""
    random = np.random.default_rng(3)
    n, length = 400, 230
    rates = random.uniform(0.3, 6, n)[:, None] * np.exp(random.normal(0, 0.35, (n, length // 7 + 12))).repeat(7, axis=1)
    units = random.poisson(rates[:, : length + days])
    found = estimate(history(units[:, :length]))
    assert found.fitted
    sold = units[:, length : length + days].sum(axis=1)
    for service in (0.90, 0.95):
        target = smallest_units(found.demand, np.full((n, 1), days), np.full(n, service))
        assert abs(float((sold <= target).mean()) - service) <= 0.03


def test_weekday_factors_average_to_one_and_follow_the_week():
    week = np.array([2, 2, 2, 2, 2, 8, 10])  # Monday to Sunday
    first = MADE_ON - timedelta(days=84)
    units = np.array([[week[(first + timedelta(days=day)).weekday()] for day in range(84)]])
    before, coming = day_factors(history(units), MADE_ON, 14, ())
    assert coming[:7].mean() == pytest.approx(1.0)
    assert units[0, -7:] / before[-7:] == pytest.approx([4.0] * 7)
    demand = estimate(history(units)).demand
    assert demand.mean[0, 7] == pytest.approx(28, rel=0.01)


def test_a_forecast_pulls_the_near_days_more_than_the_far_ones():
    units = np.full((5, 90), 4)
    plain, pulled = estimate(history(units)).demand, estimate(history(units), forecast=56.0).demand
    near, far = (pulled.mean[0, days] / plain.mean[0, days] for days in (7, 42))
    assert near == pytest.approx(1.5)
    assert 1 < far < near


def test_short_history_uses_the_fixed_weights_and_still_gives_numbers():
    units = np.full((3, 6), 4)
    found = estimate(history(units))
    assert not found.fitted
    assert found.new.all()
    assert np.isfinite(found.demand.mean).all()
    assert (np.diff(found.demand.mean, axis=1) >= 0).all()


def test_a_new_sku_leans_on_the_launches_of_others():
    units = np.full((6, 90), 2)
    known = np.ones(units.shape, dtype=bool)
    known[0, :-3] = False
    units[0, -3:] = 30
    level = estimate(history(units, known)).demand.daily_level(np.full(6, 14))
    assert level[1] == pytest.approx(2, rel=0.05)
    assert 2 < level[0] < 10


def test_unknown_days_are_neither_demand_nor_its_absence():
    units = np.full((3, 90), 5)
    known = np.ones(units.shape, dtype=bool)
    units[0, 60:80], known[0, 60:80] = 0, False
    level = estimate(history(units, known)).demand.daily_level(np.full(3, 14))
    assert level[0] == pytest.approx(5, rel=0.05)


def test_a_closed_day_keeps_no_sku_from_being_dead():
    units = np.full((3, 90), 2)
    units[0, 20:] = 0
    known = np.ones(units.shape, dtype=bool)
    units[:, 50], known[:, 50] = 0, False  # the whole shop
    assert estimate(history(units, known)).dead.tolist() == [True, False, False]
    known[0, 51] = False  # out of stock: who knows
    assert estimate(history(units, known)).dead.tolist() == [False, False, False]


def test_closed_days_say_nothing_of_their_weekday():
    units = np.full((3, 90), 5)
    known = np.ones(units.shape, dtype=bool)
    units[:, [55, 62, 69]], known[:, [55, 62, 69]] = 0, False
    before, coming = day_factors(history(units, known), MADE_ON, 14, ())
    assert before == pytest.approx(np.ones(90))
    assert coming == pytest.approx(np.ones(14))


def test_no_skus_at_all_is_not_an_error():
    found = estimate(history(np.zeros((0, 90), dtype=int)))
    assert found.demand.mean.shape[0] == 0
