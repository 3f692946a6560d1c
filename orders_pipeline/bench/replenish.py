"""Stock position and purchase suggestions of a whole shop: ``orders-pipeline replenish`` as a process, with more and more SKUs.

What it reads is as a shop has it: a year of orders, some of them not shipped yet, a stock count, forecasts, suppliers' terms,
purchase orders and receipts. How well the policy does is not asked here.

As a program, ``python -m orders_pipeline.bench.replenish FOLDER SKUS`` builds such a folder.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from orders_pipeline.bench import child, ingest, stored, trades
from orders_pipeline.bench.report import Table
from orders_pipeline.clock import shop_day
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse

MADE_ON = shop_day(trades.BASE)

ORDERS_A_SKU = 100
"""A year's orders of each SKU, 1.75 lines each: every SKU sells about every other day, as in M5's stores."""

HISTORY_DAYS = 400
"""Of daily sales: as much as a suggestion reads."""

SALES = """
CREATE TEMP TABLE made AS
SELECT n, printf('SKU-%06d', n) AS merchant_sku, 0.1 + 3 * pow(hash(n) % 1000 / 1000, 3) AS rate FROM range({skus}) AS r(n);
INSERT INTO planning.daily_sku_sales BY NAME
SELECT merchant_sku, DATE '{made_on}' - day::INTEGER AS date,
  floor(0.5 - rate * ln((hash(n, day) % 1000000 + 0.5) / 1000000)) AS units,
  units AS orders, units * (10 + n % 90) AS revenue, 0 AS refunded_units, true AS in_stock
FROM made, range(1, {days} + 1) AS d(day) WHERE units > 0
"""
"""SKUs sell 0.1 to 3 units a day, few of them much, days between nothing and several times that."""

_SHOP = """
UPDATE core.order_lines SET merchant_sku = printf('SKU-%06d', hash(line_id) % {skus});
UPDATE core.orders SET status = 'to_ship', source_status = 'WAIT_SELLER_SEND_GOODS', shipped_at = NULL, ended_at = NULL
WHERE created_on >= (SELECT max(created_on) FROM core.orders);
UPDATE core.order_lines SET status = 'to_ship', source_status = 'WAIT_SELLER_SEND_GOODS', shipped_at = NULL
WHERE order_id IN (SELECT order_id FROM core.orders WHERE status = 'to_ship');
INSERT INTO core.skus BY NAME
SELECT 'tmall' AS platform, '{shop}' AS shop, (600000000000 + n)::VARCHAR AS product_id, '' AS sku_id, merchant_sku,
  (n % 40)::VARCHAR AS category, 'on_sale' AS status, now() AS modified_at, now() AS synced_at
FROM made;
INSERT INTO core.stock BY NAME
SELECT 'tmall' AS platform, '{shop}' AS shop, (600000000000 + n)::VARCHAR AS product_id, '' AS sku_id, merchant_sku,
  floor(hash(merchant_sku) % 60 * (rate + 0.3)) AS on_hand, 0 AS withheld, now() AS snapshot_at
FROM made;
INSERT INTO planning.forecast_champions VALUES (DATE '{made_on}', 'fast', 'bench')
"""
"""Beside ``SALES``. Orders of the newest day have not left. There is stock for none to two months, so that some SKUs are to be
ordered and others not; it is counted now, which is when the command runs: it refuses old counts."""

_MASTER = {
    "suppliers": "SELECT printf('S%02d', n) AS supplier, 7 + n % 14 AS lead_days, 7 AS review_days FROM range(50) AS r(n)",
    "sku_suppliers": "SELECT printf('SKU-%06d', n) AS sku, printf('S%02d', n % 50) AS supplier, 1 + n % 24 AS moq, "
    "1 + n % 12 AS pack, 5 + n % 90 AS unit_cost FROM range({skus}) AS r(n)",
    "purchase_orders": "SELECT printf('PO-%06d', n) AS po, printf('SKU-%06d', n) AS sku, 24 AS quantity, "
    "DATE '{made_on}' - 10 AS ordered_at, DATE '{made_on}' + (n % 9)::INTEGER AS eta FROM range(0, {skus}, 10) AS r(n)",
    "receipts": "SELECT printf('PO-%06d', n) AS po, printf('SKU-%06d', n) AS sku, 6 AS qty, "
    "DATE '{made_on}' - 2 AS received_at FROM range(0, {skus}, 20) AS r(n)",
}
"""File of the master data -> its rows: all SKUs have a supplier, one of ten is on order, half of these arrived in part."""


def measure(sizes: Sequence[int], rounds: int, tell: Callable[[str], None]) -> Table:
    """The least CPU and wall seconds of ``rounds`` times the same day. Raises RuntimeError where a SKU gets no suggestion."""
    rows = []
    for skus in sizes:
        root = Path(tempfile.mkdtemp(prefix="bench-"))
        try:
            child.run(["-m", "orders_pipeline.bench.replenish", str(root / "data"), str(skus)], root)
            tell(f"{skus:,} SKUs with {skus * ORDERS_A_SKU:,} orders stored")
            ingest.write_stanza("http://127.0.0.1", root)  # nobody is called
            command = [
                "-m",
                "orders_pipeline.cli",
                "replenish",
                "--made-on",
                str(MADE_ON),
                "--data",
                str(root / "data"),
            ]
            costs = []
            for _ in range(rounds):
                os.sync()  # nobody pays for what others have written
                costs.append(child.run(command, root, ingest.environment(root)))
            best, wall = min(costs, key=lambda cost: cost.cpu), min(cost.wall for cost in costs)
            made, to_order = _suggestions(DataFolder(root / "data"))
            if made != skus:
                raise RuntimeError(f"{made} suggestions for {skus} SKUs")
            rows.append([skus, skus * ORDERS_A_SKU, to_order, best.cpu, wall, round(best.rss)])
            tell(f"{skus:,} SKUs: {best.cpu:.2f} CPU s, {wall:.1f} s, {best.rss:.0f} MB")
        finally:
            shutil.rmtree(root, ignore_errors=True)
    columns = ["SKUs", "orders stored", "SKUs to order", "CPU s", "wall s", "MB"]
    return Table("Replenishment: stock position and suggestions, from stored tables to stored ones", columns, rows)


def _suggestions(folder: DataFolder) -> tuple[int, int]:
    with Warehouse(folder).read() as con:
        query = (
            "SELECT count(*), count(*) FILTER (quantity > 0) FROM planning.replenishment_suggestions WHERE made_on = ?"
        )
        made, to_order = con.execute(query, [MADE_ON]).fetchone() or (0, 0)
    return int(made), int(to_order)


def build(folder: DataFolder, skus: int) -> None:
    """A shop with so many SKUs in an empty folder: everything that ``replenish`` reads."""
    from orders_pipeline import marts

    stored.build(folder, skus * ORDERS_A_SKU)
    names = {"shop": stored.SHOP, "skus": skus, "made_on": MADE_ON, "days": HISTORY_DAYS}
    warehouse = Warehouse(folder)
    with warehouse.write("bench") as con:
        con.execute(SALES.format(**names))
        con.execute(_SHOP.format(**names))
    warehouse.flush()  # forecasts read the copy
    marts.forecast(warehouse, "bench", MADE_ON)
    folder.master.mkdir(exist_ok=True)
    with duckdb.connect() as con:
        for name, query in _MASTER.items():
            con.sql(query.format(**names)).write_csv(str(folder.master / f"{name}.csv"))


if __name__ == "__main__":
    build(DataFolder(Path(sys.argv[1])), int(sys.argv[2]))
