"""A data folder with as many orders as one likes, written by SQL straight into the warehouse: what a shop has gathered in a
year. The newest ``trades.DAYS`` days are the orders of the bench server, so that its increment changes some of them.

As a program, ``python -m orders_pipeline.bench.stored FOLDER ORDERS`` builds one: benchmarks that tell memory start it, because
what a process once held counts as memory of those that it starts.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from orders_pipeline.bench import trades
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse

SHOP = "bench"

DAYS = 365
"""Over which older orders lie. A tick touches the newest weeks, however many years a warehouse holds."""

NEWEST = 50_000
"""Orders of the newest ``trades.DAYS`` days: those of the bench server at its usual size."""

_ORDERS = """
INSERT INTO core.orders BY NAME
SELECT 'tmall' AS platform, '{shop}' AS shop, id::VARCHAR AS order_id, 'fixed' AS order_type, 'completed' AS status,
  'TRADE_FINISHED' AS source_status, made_at AS created_at, made_at::DATE AS created_on, made_at + INTERVAL 40 SECOND AS paid_at,
  made_at::DATE AS paid_on, made_at + INTERVAL 1 DAY AS shipped_at, made_at + INTERVAL 5 DAY AS ended_at,
  least(made_at + INTERVAL 5 DAY, TIMESTAMPTZ '{newest}') AS modified_at,
  10 + n % 500 AS goods_amount, 0 AS freight_amount, 0 AS discount_amount, 0 AS adjust_amount, 10 + n % 500 AS payable_amount,
  10 + n % 500 AS paid_amount, 10 + n % 500 AS received_amount, '浙江省' AS province, '杭州市' AS city,
  len(skus) AS line_count, modified_at AS synced_at,
  CASE WHEN n % 1_000_000 = 999_999 THEN made_at + INTERVAL 9 DAY END AS vanished_at
FROM made
"""

_LINE = """
INSERT INTO core.order_lines BY NAME
SELECT 'tmall' AS platform, '{shop}' AS shop, (id + 1 + line)::VARCHAR AS line_id, id::VARCHAR AS order_id,
  (600000000000 + sku // 4)::VARCHAR AS product_id, (5000000000000 + sku)::VARCHAR AS sku_id,
  printf('SKU-%06d', sku) AS merchant_sku, t.title, printf('净含量:%d00g', sku % 9 + 1) AS sku_properties,
  1 + n % 3 AS quantity, 10 + sku % 90 AS unit_price, 0 AS discount_amount, 0 AS shop_discount_share,
  (1 + n % 3) * (10 + sku % 90) AS paid_amount, 'completed' AS status, 'TRADE_FINISHED' AS source_status,
  'none' AS refund_status, false AS is_gift, '中通快递' AS carrier, 'ZT' || id AS tracking_number,
  made_at + INTERVAL 1 DAY AS shipped_at, merchant_sku AS sku, made_at::DATE AS paid_on, false AS is_presale,
  len(list_distinct(skus)) = len(skus) AND n % 200 > 0 AS skus_differ,
  CASE WHEN hash(line_id) % 20 = 0 AND paid_on < DATE '{newest}' THEN 1 ELSE 0 END AS early_refund_units,
  early_refund_units * unit_price AS early_refund_amount
FROM (SELECT * EXCLUDE (skus), skus, unnest(skus) AS sku, unnest(range(len(skus))) AS line FROM made)
JOIN titles AS t ON t.product = sku // 4
"""

_BESIDES = """
INSERT INTO core.line_parts BY NAME
SELECT 'tmall' AS platform, '{shop}' AS shop, (id + 1 + line)::VARCHAR AS line_id, part AS part_no, id::VARCHAR AS order_id,
  '' AS sku_id, printf('SKU-%06d', (sku + part) % {skus}) AS merchant_sku, part AS quantity
FROM (SELECT id, n, unnest(skus) AS sku, unnest(range(len(skus))) AS line FROM made WHERE n % 200 = 0), range(1, 3) AS p(part);

INSERT INTO core.refunds BY NAME
SELECT platform, '{shop}' AS shop, line_id AS refund_id, order_id, line_id, 'refunded' AS status, 'SUCCESS' AS source_status,
  CASE WHEN early THEN 'refund' ELSE 'return_refund' END AS kind, unit_price AS applied_amount, unit_price AS refunded_amount,
  1 AS quantity, NOT early AS goods_returned, refunded_at AS created_at, refunded_at AS modified_at, refunded_at,
  refunded_at AS synced_at
FROM (
  SELECT *, early_refund_units > 0 AS early, shipped_at + CASE WHEN early THEN -1 ELSE 99 END * INTERVAL 1 HOUR AS refunded_at
  FROM core.order_lines WHERE hash(line_id) % 20 < 2 AND paid_on < DATE '{newest}');

INSERT INTO core.stock_snapshots BY NAME
SELECT 'tmall' AS platform, '{shop}' AS shop, (600000000000 + sku // 4)::VARCHAR AS product_id,
  (5000000000000 + sku)::VARCHAR AS sku_id, printf('SKU-%06d', sku) AS merchant_sku,
  CASE WHEN hash(sku, day) % 20 = 0 THEN 0 ELSE 9 END AS on_hand, 0 AS withheld, day AT TIME ZONE 'Asia/Shanghai' AS snapshot_at
FROM range({skus}) AS s(sku),
  (SELECT unnest(generate_series(min(created_on), max(created_on), INTERVAL 1 DAY)) AS day FROM core.orders)
ORDER BY day
"""
"""What a shop has beside orders that came as ordered: one order of 200 is of bundles, one line of ten is refunded, half of these
before it is sent; every SKU is counted once a day."""

_PARCELS = """
INSERT INTO core.parcels BY NAME
SELECT 'tmall' AS platform, '{shop}' AS shop, id::VARCHAR AS order_id, 'ZT' || id AS tracking_number, '中通快递' AS carrier,
  made_at + INTERVAL 1 DAY AS shipped_at, made_at + INTERVAL 4 DAY AS last_trace_at, 'SIGNED' AS last_trace_action,
  made_at + INTERVAL 4 DAY AS signed_at, 'fetched' AS trace_state
FROM made;
INSERT INTO core.parcel_lines BY NAME
SELECT platform, shop, order_id, tracking_number, line_id, quantity FROM core.order_lines
"""


def build(folder: DataFolder, orders: int) -> None:
    """Fill an empty data folder and publish it. The ledger says that everything up to ``trades.BASE`` was read."""
    warehouse = Warehouse(folder)
    warehouse.prepare()
    newest = min(orders, NEWEST)
    with warehouse.write("bench") as con:
        con.execute("CREATE TEMP TABLE titles (product BIGINT, title VARCHAR)")
        con.executemany("INSERT INTO titles VALUES (?, ?)", [[n, trades.title(n)] for n in range(trades.SKUS // 4)])
        _make(con, orders, newest)
        names = {"shop": SHOP, "skus": trades.SKUS, "newest": _utc(trades.BASE - timedelta(hours=1))}
        for script in (_ORDERS, _LINE, _PARCELS, _BESIDES):
            con.execute(script.format(**names))
        _cover(con)
    warehouse.flush()


def _make(con: duckdb.DuckDBPyConnection, orders: int, newest: int) -> None:
    """``made``: id, at, a number and the SKUs of its lines for each order, the newest ones as ``trades.trades`` makes them."""
    first, span = trades.span()
    oldest = int(first.timestamp())
    con.execute(
        f"""
        CREATE TEMP TABLE made AS
        SELECT 3600000000000000000 + (second - {trades.FIRST_ID_AT}) * 16000000000 + n % 1000 * 1007 AS id,
          to_timestamp(second) AS made_at, n,
          [hash(id, line) % {trades.SKUS} FOR line IN range(1 + greatest(n % 4 - 1, 0))] AS skus
        FROM (
          SELECT {newest} + n AS n, {oldest} - {DAYS * 86_400} + n * {DAYS * 86_400} // {orders} AS second
          FROM range({orders - newest}) AS r(n)
          UNION ALL
          SELECT n, {oldest} + n * {span} // {newest} AS second FROM range({newest}) AS r(n))
        """
    )


def _cover(con: duckdb.DuckDBPyConnection) -> None:
    """Ledger rows: the full pull, and every list up to three minutes before ``BASE``."""
    end = trades.BASE - timedelta(minutes=3)
    begin = end - timedelta(days=trades.DAYS)
    for api, start in (
        ("taobao.trades.sold.get", begin),
        ("taobao.trades.sold.increment.get", end - timedelta(hours=1)),
        ("taobao.refunds.receive.get", begin),
        ("taobao.logistics.orders.get", end - timedelta(hours=1)),
    ):
        con.execute(
            f"""INSERT INTO ops.sync_windows BY NAME SELECT 'tmall' AS platform, '{SHOP}' AS shop, '{api}' AS api,
            TIMESTAMPTZ '{_utc(start)}' AS window_start, TIMESTAMPTZ '{_utc(end)}' AS window_end,
            TIMESTAMPTZ '{_utc(end)}' AS fetched_at, 'bench' AS run_id, 0 AS calls, 0 AS pages, 0 AS rows,
            'full' AS channel, 0 AS shortfall"""
        )


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat()


if __name__ == "__main__":
    build(DataFolder(Path(sys.argv[1])), int(sys.argv[2]))
