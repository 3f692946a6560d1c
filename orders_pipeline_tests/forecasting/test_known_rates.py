"""Forecasts of shops whose days are drawn from known rates: means, quantiles and shapes against the truth."""

from __future__ import annotations

from datetime import timedelta

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson

from orders_pipeline.forecasting import make_forecast, model
from orders_pipeline.forecasting.outcome import Outcome
from orders_pipeline_tests.forecasting.conftest import DAYS, MADE_ON, WEEK, Row, Rows, fill_sales


def rows_of(units: np.ndarray) -> list[Row]:
    """Sales of shape (SKUs, days) up to the day before ``MADE_ON``."""
    start = MADE_ON - timedelta(days=units.shape[1])
    return [(f"SKU-{s:04d}", start + timedelta(days=int(d)), int(units[s, d])) for s, d in np.argwhere(units)]


def test_quantiles_of_whole_units_are_exact_with_their_shares(con: duckdb.DuckDBPyConnection, shop_rows: Rows) -> None:
    """Days are drawn from known rates: coverage of q90 and q95 by randomised PIT is nominal."""
    rows = shop_rows(400, 127, 12)
    fill_sales(con, [row for row in rows if row[1] < MADE_ON - timedelta(days=7)])
    made = make_forecast(con, MADE_ON - timedelta(days=7)).daily
    sold = pd.DataFrame(rows, columns=["merchant_sku", "target_date", "actual"])
    sold["target_date"] = pd.to_datetime(sold["target_date"]).astype(made["target_date"].dtype)
    both = made.merge(sold, on=["merchant_sku", "target_date"])
    assert len(both) > 2000
    for name, level in (("q90", 0.9), ("q95", 0.95)):
        within = (both["actual"] < both[name]) + (both["actual"] == both[name]) * both[f"{name}_share"]
        assert within.mean() == pytest.approx(level, abs=0.02)  # three standard errors of 2,500 days


@pytest.mark.parametrize("mode", ["auto", "fast"])
def test_a_few_best_sellers_among_a_long_tail_are_told_apart(con: duckdb.DuckDBPyConnection, mode: str) -> None:
    """6 SKUs sell 20 a day, 6,000 one in three weeks: the quantiles of the former are those of their known rate."""
    rate = np.where(np.arange(6_006) < 6_000, 0.05, 20.0)
    rng = np.random.default_rng(1)
    units = rng.poisson(rate[:, None], (len(rate), 180))
    fill_sales(con, rows_of(units))
    made = make_forecast(con, MADE_ON, mode=mode)
    best = {f"SKU-{s:04d}" for s in range(6_000, 6_006)}
    for frame, names, days in ((made.daily, DAYS, 1), (made.totals, WEEK, 7)):
        here = frame[frame["merchant_sku"].isin(best)]
        assert here["mean"].mean() == pytest.approx(20 * days, rel=0.05)
        for name in names:
            assert here[name].mean() == pytest.approx(poisson.ppf(int(name[1:]) / 100, 20 * days), rel=0.2)


@pytest.mark.parametrize("mode", ["auto", "fast"])
def test_sales_of_ten_are_told_from_sales_of_one(con: duckdb.DuckDBPyConnection, mode: str) -> None:
    """All sell .8 units a day: one on four days in five, or ten on two days in 25. So q95 is 1 here, 10 there."""
    rng = np.random.default_rng(2)
    large = np.arange(600) % 2 == 1
    units = np.where(large, 10, 1)[:, None] * (rng.random((600, 127)) < np.where(large, 0.08, 0.8)[:, None])
    fill_sales(con, rows_of(units))
    made = make_forecast(con, MADE_ON, mode=mode).daily
    ten = large[made["merchant_sku"].str[4:].astype(int)]
    assert (made["q95"] == 1)[~ten].mean() > 0.95
    # how often ten are sold is known to a third from 127 days: who sold least may seem to sell less than one day in twenty
    assert (made["q95"] > 4)[ten].mean() > 0.8


@pytest.mark.parametrize("mode", ["auto", "fast"])
def test_means_of_skewed_weeks_are_near_their_median_and_stock_is_told_what_is_expected(
    con: duckdb.DuckDBPyConnection, mode: str
) -> None:
    """Whole weeks sell much or little, lognormal with a median of .61 of their mean; every third SKU sells one week in three."""
    rng = np.random.default_rng(3)
    slow = np.arange(300) % 3 == 0
    weeks = np.repeat(rng.lognormal(-0.5, 1.0, (300, 26)), 7, axis=1)
    units = rng.poisson(np.where(slow[:, None], 0.05, 6.0 * weeks))
    fill_sales(con, rows_of(units))
    made = make_forecast(con, MADE_ON, mode=mode)
    week = made.totals.set_index("merchant_sku")
    seldom = slow[week.index.str[4:].astype(int)]
    usual, few = week[~seldom].mean(numeric_only=True), week[seldom].mean(numeric_only=True)
    assert usual["mean"] == pytest.approx(usual["q50"], rel=0.05)
    assert usual["mean"] < 0.8 * usual["mean_with_bulk"]
    assert usual["mean_with_bulk"] == pytest.approx(42, rel=0.2)
    # the median week of these is 0; the mean still says that they sell
    assert few["q50"] == 0
    assert 0.4 < few["mean"] / few["mean_with_bulk"] < 0.6
    assert few["mean_with_bulk"] == pytest.approx(0.35, rel=0.2)
    assert made.metrics["units_next_7_days"] == pytest.approx(week["mean_with_bulk"].sum(), rel=1e-4)


def test_a_sku_that_never_sells_at_weekends_gets_none_of_its_groups(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(0)
    start = MADE_ON - timedelta(days=200)
    weekend = np.array([(start.weekday() + d) % 7 >= 5 for d in range(200)])
    units = rng.poisson(2.1, (400, 200))
    units[:40, weekend] = 0
    fill_sales(con, rows_of(units))
    made = make_forecast(con, MADE_ON)
    assert made.model == "hurdle"
    few = made.daily[made.daily["merchant_sku"] < "SKU-0040"]
    closed = pd.to_datetime(few["target_date"]).dt.day_of_week >= 5
    assert few["mean"][closed].mean() < 0.1
    assert (few["q95"][closed] == 0).all()
    assert few["mean"][~closed].mean() == pytest.approx(2.1, rel=0.1)


@pytest.mark.filterwarnings("error::RuntimeWarning")  # nothing over nothing is no ratio
@pytest.mark.parametrize(("skus", "days"), [(20, 130), (15, 365)])
def test_weekdays_on_which_a_small_shop_no_longer_sells(con: duckdb.DuckDBPyConnection, skus: int, days: int) -> None:
    """Half of the SKUs never sell at weekends, and for ten weeks none has."""
    start = MADE_ON - timedelta(days=days)
    weekend = np.array([(start.weekday() + d) % 7 >= 5 for d in range(days + 7)])
    units = np.random.default_rng(1).poisson(6.0, (skus, days))
    units[: skus // 2, weekend[:days]] = 0
    units[:, weekend[:days] & (np.arange(days) >= days - 70)] = 0
    fill_sales(con, rows_of(units))
    made = make_forecast(con, MADE_ON)
    assert made.model == ("rule" if days == 130 else "hurdle")
    for name in ("mean", *DAYS):
        values = made.daily[name].to_numpy().reshape(skus, 7)
        assert (values[:, ~weekend[days:]] >= 0).all()
        assert values[:, ~weekend[days:]].max() < 20
    never = made.daily["q90"].to_numpy().reshape(skus, 7)[: skus // 2, weekend[days:]]
    assert (never == 0).all()


@pytest.mark.parametrize("mode", ["auto", "fast"])
def test_best_sellers_that_never_miss_a_day_are_learned_from_and_keep_their_own_weekdays(
    con: duckdb.DuckDBPyConnection, mode: str
) -> None:
    """60 SKUs of one category, 20 of which sell twice as much at weekends. No day is without a sale, so that there is no chance
    of one to learn."""
    start = MADE_ON - timedelta(days=365)
    weekend = np.array([(start.weekday() + d) % 7 >= 5 for d in range(365 + 7)])
    rate = np.where(np.arange(60)[:, None] < 20, np.where(weekend, 80.0, 40.0), 50.0)
    fill_sales(con, rows_of(np.random.default_rng(2).poisson(rate[:, :365])))
    made = make_forecast(con, MADE_ON, mode=mode)
    assert made.model in ("hurdle", "weekly")
    truth = rate[:, 365:]
    mean = made.daily["mean"].to_numpy().reshape(60, 7)
    for rows in (slice(0, 20), slice(20, 60)):
        for days in (weekend[365:], ~weekend[365:]):
            assert mean[rows, days].mean() == pytest.approx(truth[rows, days].mean(), rel=0.05)
    for name in DAYS:
        quantile = poisson.ppf(int(name[1:]) / 100, truth)
        assert np.abs(made.daily[name].to_numpy().reshape(60, 7) / quantile - 1).mean() < 0.1


def test_a_small_shop_is_told_nearer_by_models_and_rule_together(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five shops of 15 SKUs with known rates: how far quantiles of the week lie from the true ones."""
    rng = np.random.default_rng(3)
    missed = {0.0: 0.0, model.RULE_SHARE: 0.0}
    for _ in range(5):
        rate = rng.gamma(1.5, 2, 15)
        con.execute("DELETE FROM planning.daily_sku_sales")
        fill_sales(con, rows_of(rng.poisson(rate[:, None], (15, 365))))
        truth = np.column_stack([poisson.ppf(int(name[1:]) / 100, 7 * rate) for name in WEEK])
        for share in missed:
            monkeypatch.setattr(model, "RULE_SHARE", share)
            made = make_forecast(con, MADE_ON)
            assert made.model == "hurdle"
            missed[share] += float(np.abs(made.totals[WEEK].to_numpy() - truth).sum())
    assert missed[0.5] < 0.9 * missed[0.0]


def test_a_large_shop_needs_no_rule(
    con: duckdb.DuckDBPyConnection, shop_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Outcome, "towards")
    monkeypatch.setattr(model, "RULE_PAIRS", 1_000)
    fill_sales(con, shop_rows(150, 90, 3))
    assert make_forecast(con, MADE_ON).model == "hurdle"
