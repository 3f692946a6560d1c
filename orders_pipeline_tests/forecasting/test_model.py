"""The 7-day forecast: no look-ahead, equal bytes, quantiles in order, and sense for shops of every size."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from orders_pipeline.forecasting import Forecast, fitted, make_forecast, store_forecast
from orders_pipeline_tests.forecasting.conftest import DAYS, MADE_ON, WEEK, Rows, fill_sales


def bytes_of(forecast: Forecast) -> bytes:
    return (
        b"".join(pd.util.hash_pandas_object(frame).to_numpy().tobytes() for frame in (forecast.daily, forecast.totals))
        + repr(sorted(forecast.labels.items())).encode()
    )


def in_order(forecast: Forecast) -> None:
    """What must hold of every forecast."""
    for frame, names in ((forecast.daily, DAYS), (forecast.totals, WEEK)):
        values = frame[names].to_numpy()
        assert (values >= 0).all()
        assert (np.diff(values, axis=1) >= 0).all()
        assert (values == np.floor(values)).all()
        assert np.isfinite(frame["mean"]).all()
        assert (frame["mean"] >= 0).all()
        assert not frame.isna().any().any()
    assert len(forecast.daily) == 7 * len(forecast.totals)
    means = forecast.daily.groupby("merchant_sku")["mean"].sum()
    assert np.allclose(means[forecast.totals["merchant_sku"]], forecast.totals["mean"], atol=1e-5)


@pytest.mark.parametrize(("skus", "days", "model"), [(200, 90, "hurdle"), (40, 60, "rule"), (5, 20, "small")])
def test_knows_nothing_of_its_day_or_later_and_repeats_to_the_byte(
    con: duckdb.DuckDBPyConnection, shop_rows: Rows, skus: int, days: int, model: str
) -> None:
    fill_sales(con, shop_rows(skus, days, 1))
    first = make_forecast(con, MADE_ON, seed=7)
    assert first.model == model
    in_order(first)
    fill_sales(
        con,
        [(f"SKU-{s:04d}", MADE_ON + timedelta(days=d), 1000 + s * d) for s in range(0, skus + 9, 3) for d in range(9)],
    )
    con.execute(
        "CREATE TEMP TABLE shuffled AS SELECT * FROM planning.daily_sku_sales ORDER BY hash(merchant_sku, date)"
    )
    con.execute("DELETE FROM planning.daily_sku_sales")
    con.execute("INSERT INTO planning.daily_sku_sales FROM shuffled")
    assert bytes_of(make_forecast(con, MADE_ON, seed=7)) == bytes_of(first)


def test_the_number_of_cores_changes_no_byte(con: duckdb.DuckDBPyConnection, shop_rows: Rows, tmp_path: Path) -> None:
    fill_sales(con, shop_rows(150, 90, 2))
    here = bytes_of(make_forecast(con, MADE_ON))
    con.close()
    code = (
        "import duckdb, sys; from orders_pipeline.forecasting import make_forecast\n"
        "from orders_pipeline_tests.forecasting import conftest, test_model\n"
        f"con = duckdb.connect({str(tmp_path / 'warehouse.duckdb')!r}, read_only=True)\n"
        "sys.stdout.buffer.write(test_model.bytes_of(make_forecast(con, conftest.MADE_ON)))"
    )
    environment = {"OMP_NUM_THREADS": "3", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert done.stdout == here


def test_forecasts_follow_each_sku_and_its_weekdays(con: duckdb.DuckDBPyConnection, shop_rows: Rows) -> None:
    rows = shop_rows(200, 90, 3)
    fill_sales(con, rows)
    forecast = make_forecast(con, MADE_ON)
    sold = pd.DataFrame(rows, columns=["sku", "day", "units"])
    sold = sold[sold["units"] < 150]  # less the bulk orders
    month = sold[sold["day"] >= MADE_ON - timedelta(days=28)].groupby("sku")["units"].sum() / 4
    totals = forecast.totals.set_index("merchant_sku")["mean"]
    both = month[totals.index]
    assert np.corrcoef(both, totals)[0, 1] > 0.95
    assert 0.8 < totals.sum() / both.sum() < 1.2
    by_day = forecast.daily.groupby("horizon_day")["mean"].sum()
    assert by_day[[6, 7]].mean() > 1.3 * by_day[[1, 2, 3, 4, 5]].mean()  # MADE_ON is a Monday; truth is 1.65
    assert forecast.metrics["skus"] == len(totals)


def test_storing_again_replaces_the_day(con: duckdb.DuckDBPyConnection, shop_rows: Rows) -> None:
    fill_sales(con, shop_rows(5, 20, 4))
    forecast = make_forecast(con, MADE_ON)
    for _ in range(2):
        store_forecast(con, forecast)
    stored = con.execute(
        "SELECT count(*), min(target_date), max(target_date), min(horizon_day) FROM planning.sales_forecasts"
    )
    assert stored.fetchone() == (35, MADE_ON, MADE_ON + timedelta(days=6), 1)
    assert con.execute("SELECT count(*), min(days), min(made_on) FROM planning.sales_forecast_totals").fetchone() == (
        5,
        7,
        MADE_ON,
    )


def test_a_shop_without_sales_has_no_forecast(con: duckdb.DuckDBPyConnection) -> None:
    forecast = make_forecast(con, MADE_ON)
    assert (len(forecast.daily), len(forecast.totals), forecast.labels) == (0, 0, {})
    store_forecast(con, forecast)


def test_three_skus_with_ten_days(con: duckdb.DuckDBPyConnection) -> None:
    fill_sales(
        con,
        [
            (sku, MADE_ON - timedelta(days=d), units)
            for sku, units in (("A", 5), ("B", 1), ("C", 40))
            for d in range(1, 11)
        ],
    )
    forecast = make_forecast(con, MADE_ON)
    in_order(forecast)
    week = forecast.totals.set_index("merchant_sku")
    for sku, units in (("A", 5), ("B", 1), ("C", 40)):
        assert 0.5 * 7 * units < week.loc[sku, "mean"] <= 7.5 * units
        assert week.loc[sku, "q95"] >= 7 * units
        assert "新品" in forecast.labels[sku]
        assert "历史太短" in forecast.labels[sku]


def test_a_single_bulk_order_is_no_demand(con: duckdb.DuckDBPyConnection) -> None:
    fill_sales(con, [("A", MADE_ON - timedelta(days=12), 500)])
    forecast = make_forecast(con, MADE_ON)
    in_order(forecast)
    assert forecast.totals["mean"].item() < 15
    assert "大单" in forecast.labels["A"]


@pytest.mark.parametrize("skus", [1, 200])
def test_a_bulk_order_does_not_lift_the_forecast(con: duckdb.DuckDBPyConnection, shop_rows: Rows, skus: int) -> None:
    steady = [("Z", MADE_ON - timedelta(days=d), 2) for d in range(1, 91)]
    others = shop_rows(skus - 1, 90, 5) if skus > 1 else []
    fill_sales(con, [*others, *steady[:3], *steady[4:], ("Z", MADE_ON - timedelta(days=4), 400)])
    week = make_forecast(con, MADE_ON).totals.set_index("merchant_sku").loc["Z"]
    assert 9 < week["mean"] < 28


@pytest.mark.parametrize("skus", [1, 200])
def test_sleepers_fade_out_with_a_reason(con: duckdb.DuckDBPyConnection, shop_rows: Rows, skus: int) -> None:
    others = shop_rows(skus - 1, 180, 6) if skus > 1 else []
    month = [("MONTH", MADE_ON - timedelta(days=d), 4) for d in range(31, 120)]
    years = [("YEARS", MADE_ON - timedelta(days=d), 4) for d in range(200, 260)]
    fill_sales(con, [*others, *month, *years])
    forecast = make_forecast(con, MADE_ON)
    in_order(forecast)
    week = forecast.totals.set_index("merchant_sku")
    assert week.loc["MONTH", "mean"] < 14
    assert "近30天无销量" in forecast.labels["MONTH"]
    assert week.loc["YEARS", ["mean", *WEEK]].tolist() == [0, 0, 0, 0]
    assert "停售" in forecast.labels["YEARS"]


@pytest.mark.parametrize("newcomer", [False, True])
def test_a_shop_that_slept_for_a_year(con: duckdb.DuckDBPyConnection, shop_rows: Rows, newcomer: bool) -> None:
    fill_sales(con, [(sku, day - timedelta(days=365), units) for sku, day, units in shop_rows(200, 90, 10)])
    fill_sales(con, [("NEW", MADE_ON - timedelta(days=d), 3) for d in range(1, 6)] if newcomer else [])
    forecast = make_forecast(con, MADE_ON)
    in_order(forecast)
    assert forecast.daily.loc[forecast.daily["merchant_sku"] != "NEW", "mean"].max() == 0
    assert not newcomer or 5 < forecast.totals.set_index("merchant_sku").loc["NEW", "mean"] < 25


def test_days_without_stock_are_missing_not_zero(con: duckdb.DuckDBPyConnection, shop_rows: Rows) -> None:
    fill_sales(con, shop_rows(200, 90, 8))
    fill_sales(con, [(sku, MADE_ON - timedelta(days=d), 6) for sku in ("OUT", "ZERO") for d in range(11, 91)])
    con.executemany(
        "INSERT INTO planning.daily_sku_sales VALUES ('OUT', ?, 0, 0, 0, 0, false)",
        [(MADE_ON - timedelta(days=d),) for d in range(1, 11)],
    )
    forecast = make_forecast(con, MADE_ON)
    week = forecast.totals.set_index("merchant_sku")["mean"]
    assert week["OUT"] == pytest.approx(42, rel=0.15)  # 6 a day, as before the stock ran out
    assert week["OUT"] > week["ZERO"]
    assert "缺货10天" in forecast.labels["OUT"]


@pytest.mark.parametrize(
    ("skus", "days", "mode", "closed"),
    [(200, 127, "auto", 6), (200, 127, "fast", 6), (200, 127, "auto", 13), (200, 127, "fast", 13), (60, 60, "auto", 6)],
)
def test_days_of_a_closed_shop_are_missing_not_zero(
    con: duckdb.DuckDBPyConnection, shop_rows: Rows, skus: int, days: int, mode: str, closed: int
) -> None:
    """Days before the forecast, as in a Spring Festival, and two among the weeks that models learn from."""
    rows = shop_rows(skus, days, 8)
    fill_sales(con, rows)
    always = make_forecast(con, MADE_ON, mode=mode)
    con.execute("DELETE FROM planning.daily_sku_sales")
    fill_sales(con, [row for row in rows if (MADE_ON - row[1]).days not in (*range(1, closed + 1), 17, 18)])
    after = make_forecast(con, MADE_ON, mode=mode)
    assert after.model == always.model
    in_order(after)
    # counted as zero, the six days leave a tenth of the large shop's forecast and two thirds of the small one's
    for name, tolerance in (("mean", 0.12), ("q50", 0.12), ("mean_with_bulk", 0.12), ("q90", 0.25)):
        assert after.totals[name].sum() == pytest.approx(always.totals[name].sum(), rel=tolerance), name
    assert after.events == (f"近28天全店有{closed + 2}天几乎无订单，视为停业，不当作零需求",)
    assert always.events == ()


@pytest.mark.parametrize("mode", ["auto", "fast"])
@pytest.mark.parametrize(
    ("days", "chance", "between", "seed"), [(127, 0.5, 0.02, 1), (127, 0.5, 0.02, 2), (60, 0.35, 0.05, 3)]
)
def test_a_shop_that_sells_on_some_days_only_is_not_taken_for_one_that_was_closed(
    con: duckdb.DuckDBPyConnection, days: int, chance: float, between: float, seed: int, mode: str
) -> None:
    """Live streams on days by chance, little between them. In the last case no week is without a peak."""
    rng = np.random.default_rng(seed)
    streams = rng.random(days + 7) < chance
    units = rng.poisson(rng.gamma(2, 1, (200, 1)) * np.where(streams, 1, between))[:, :days]
    first = MADE_ON - timedelta(days=days)
    fill_sales(
        con,
        [(f"S{sku:03d}", first + timedelta(days=day), int(units[sku, day])) for sku, day in np.ndindex(units.shape)],
    )
    made = make_forecast(con, MADE_ON, mode=mode)
    in_order(made)
    assert 0.6 < made.totals["mean_with_bulk"].sum() / (units.sum() / days * 7) < 1.4


def test_a_young_shop_learns_from_weeks_with_a_closed_day_where_there_are_no_others(
    con: duckdb.DuckDBPyConnection, shop_rows: Rows
) -> None:
    rows = shop_rows(60, 35, 8)
    fill_sales(con, rows)
    always = make_forecast(con, MADE_ON)
    con.execute("DELETE FROM planning.daily_sku_sales WHERE date = ?", [MADE_ON - timedelta(days=1)])
    after = make_forecast(con, MADE_ON)
    assert (after.model, always.model) == ("rule", "rule")
    assert after.events != ()
    for name in ("mean", "q50", "q90"):
        assert after.totals[name].sum() == pytest.approx(always.totals[name].sum(), rel=0.15), name


@pytest.mark.parametrize("has_code", [True, False])
def test_a_new_sku_leans_on_its_category(con: duckdb.DuckDBPyConnection, has_code: bool) -> None:
    sold = {"tea": 20, "pot": 1}

    def sku(name: str, number: object) -> str:
        return f"{name}-{number}" if has_code else f"tmall:{name}-{number}:"

    rows = [
        (sku(name, n), MADE_ON - timedelta(days=d), units)
        for name, units in sold.items() for n in range(6) for d in range(1, 91)
    ]  # fmt: skip
    fill_sales(con, [*rows, *((sku(name, "new"), MADE_ON - timedelta(days=1), 4) for name in sold)])
    for name in sold:
        for n in (*range(6), "new"):
            con.execute(
                "INSERT INTO core.skus (platform, shop, product_id, sku_id, merchant_sku, category, status, modified_at, "
                "synced_at) VALUES ('tmall', 's', $1, '', $2, $3, 'on_sale', now(), now())",
                [f"{name}-{n}", f"{name}-{n}" if has_code else None, name],
            )
    forecast = make_forecast(con, MADE_ON)
    week = forecast.totals.set_index("merchant_sku")["mean"]
    assert week[sku("tea", "new")] > 70 > 20 > week[sku("pot", "new")] > 3
    assert "参考同类商品" in forecast.labels[sku("tea", "new")]


def test_the_fast_mode_keeps_the_same_promises(con: duckdb.DuckDBPyConnection, shop_rows: Rows) -> None:
    fill_sales(con, shop_rows(200, 90, 1))
    first = make_forecast(con, MADE_ON, seed=7, mode="fast")
    assert first.model == "weekly"
    in_order(first)
    fill_sales(con, [(f"SKU-{s:04d}", MADE_ON + timedelta(days=d), 1000) for s in range(200) for d in range(9)])
    assert bytes_of(make_forecast(con, MADE_ON, seed=7, mode="fast")) == bytes_of(first)


def test_forecasts_of_several_draws_depend_less_on_the_seed(
    con: duckdb.DuckDBPyConnection, shop_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_sales(con, shop_rows(200, 90, 1))
    apart = {}
    for draws in (1, fitted.DRAWS):
        monkeypatch.setattr(fitted, "DRAWS", draws)
        first, second = (make_forecast(con, MADE_ON, seed=seed) for seed in (1, 2))
        in_order(first)
        apart[draws] = (first.daily["mean"] - second.daily["mean"]).abs().mean()
    assert apart[fitted.DRAWS] < 0.75 * apart[1]  # 1/√3 = .58


def test_a_large_shop_is_forecast_from_the_first_draw(
    con: duckdb.DuckDBPyConnection, shop_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_sales(con, shop_rows(200, 90, 1))
    several = make_forecast(con, MADE_ON)
    monkeypatch.setattr(fitted, "DRAWN_SKUS", 100)
    large = make_forecast(con, MADE_ON)
    monkeypatch.setattr(fitted, "DRAWS", 1)
    monkeypatch.setattr(fitted, "DRAWN_SKUS", 200)
    assert bytes_of(large) == bytes_of(make_forecast(con, MADE_ON)) != bytes_of(several)
