"""A warehouse file with the real tables and nothing in it, and ways to fill it with sales."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import orders_pipeline.warehouse

Row = tuple[str, date, int]  # SKU, day, units
Rows = Callable[[int, int, int], list[Row]]  # what the fixture ``shop_rows`` is
DAYS = ["q10", "q50", "q90", "q95"]  # columns of a day's quantiles
WEEK = ["q50", "q90", "q95"]  # and of a week's
MADE_ON = date(2026, 3, 2)  # a Monday


def open_empty(path: str) -> duckdb.DuckDBPyConnection:
    """A database with the schemas ``core`` and ``planning``, in a session whose zone is not the shop's."""
    con = duckdb.connect(path)
    con.execute("SET TimeZone = 'America/New_York'")
    for name in ("core", "planning"):
        con.execute(
            (Path(orders_pipeline.warehouse.__file__).parent / "schema" / f"{name}.sql").read_text(encoding="utf-8")
        )
    return con


def fill_sales(con: duckdb.DuckDBPyConnection, rows: Iterable[Row], price: int = 10) -> None:
    """Put rows straight into ``planning.daily_sku_sales``: one order a row, every unit at ``price``."""
    frame = pd.DataFrame(rows, columns=["sku", "day", "units"])
    con.register("sales_frame", frame)
    con.execute(
        "INSERT INTO planning.daily_sku_sales SELECT sku, day, units, 1, units * ?, 0, NULL FROM sales_frame WHERE units > 0",
        [price],
    )
    con.unregister("sales_frame")


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("forecasting") / "empty.duckdb"
    open_empty(str(path)).close()
    return path


@pytest.fixture
def con(empty_file: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path / "warehouse.duckdb"
    shutil.copyfile(empty_file, path)
    connection = duckdb.connect(str(path))
    connection.execute("SET TimeZone = 'America/New_York'")
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def shop_rows() -> Callable[[int, int, int], list[Row]]:
    """Sales of a shop: ``shop_rows(skus, days, seed)`` up to the day before ``MADE_ON``, weekends stronger, a few bulk orders."""

    def rows(skus: int, days: int, seed: int) -> list[Row]:
        rng = np.random.default_rng(seed)
        rate = rng.gamma(0.7, 3.0, skus)
        start = MADE_ON - timedelta(days=days)
        weekday = np.array([1.4 if (start.weekday() + d) % 7 >= 5 else 0.85 for d in range(days)])
        units = rng.poisson(rate[:, None] * weekday * rng.gamma(4, 0.25, (skus, days)))
        units[rng.random(units.shape) < 0.001] += 150
        return [(f"SKU-{s:04d}", start + timedelta(days=d), int(units[s, d])) for s in range(skus) for d in range(days)]

    return rows
