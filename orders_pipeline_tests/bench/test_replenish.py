"""`bench replenish` measures the product's own command on a shop in which there is something to decide."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from orders_pipeline import marts
from orders_pipeline.bench import child, replenish, trades
from orders_pipeline.cli import main
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.bench.goals import unfound

SKUS = 40


def test_every_sku_gets_a_suggestion_and_its_cost_is_that_of_a_whole_process(tmp_path: Path) -> None:
    options = ["--skus", str(SKUS), "--rounds", "1", "--out", str(tmp_path)]
    done = CliRunner().invoke(main, ["bench", "replenish", *options], standalone_mode=False)
    assert done.exception is None, done.output
    (table,) = json.loads((tmp_path / "replenish.json").read_text())["tables"]
    ((skus, orders, to_order, cpu, wall, megabytes),) = table["rows"]
    assert (skus, orders) == (SKUS, SKUS * replenish.ORDERS_A_SKU)
    assert 0 < to_order < SKUS
    assert 0.1 < cpu < 60  # an interpreter, duckdb and numpy are in it
    assert wall > 0
    assert megabytes > 50
    assert unfound("replenish", tmp_path / "replenish.json", [(10_000,)]) == set()


def test_the_shop_has_all_that_a_suggestion_is_made_of(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    replenish.build(folder, SKUS)
    warehouse = Warehouse(folder)
    marts.refresh_stock_position(warehouse, "test", replenish.MADE_ON, folder.master, [])
    with warehouse.read() as con:
        (rows, reserved, coming) = con.execute(
            "SELECT count(*), sum(reserved), sum(on_order) FROM planning.stock_position"
        ).fetchone() or (0, 0, 0)
        (forecasts,) = con.execute("SELECT count(*) FROM planning.sales_forecast_totals").fetchone() or (0,)
    assert rows == SKUS
    assert SKUS // 2 < forecasts <= SKUS  # what has never sold has none
    assert reserved > 0
    assert coming == 2 * 24 + 2 * (
        24 - 6
    )  # purchase orders of SKU 0, 10, 20 and 30; of 0 and 20 six units have arrived


def test_a_sku_without_a_suggestion_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "run", lambda *_: child.Cost(1.0, 1.0, 1.0, ""))
    monkeypatch.setattr(replenish, "_suggestions", lambda _: (SKUS - 1, 1))
    with pytest.raises(RuntimeError, match="39 suggestions for 40 SKUs"):
        replenish.measure([SKUS], 1, lambda _: None)
    assert trades.BASE.date() == replenish.MADE_ON
