"""Each rule is quiet on sound tables and names the row when one is broken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from orders_pipeline.clock import SystemClock
from orders_pipeline.quality import MART_RULES, SHOP_RULES, evaluate
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse, columns

RULES = {f"{rule.asset}:{rule.name}": rule for rule in (*SHOP_RULES, *MART_RULES)}

NOW = datetime(2026, 1, 15, 4, tzinfo=UTC)

SOUND: dict[str, dict[str, object]] = {
    "core.orders": {"order_id": "o1", "status": "completed", "goods_amount": 10, "payable_amount": 10, "paid_amount": 10,
                    "paid_at": NOW, "line_count": 1},
    "core.order_lines": {"order_id": "o1", "line_id": "l1", "quantity": 1, "paid_amount": 10, "status": "completed"},
    "core.refunds": {"order_id": "o1", "refund_id": "r1", "refunded_amount": 4, "status": "refunded"},
    "core.parcels": {"order_id": "o1", "tracking_number": "t1", "shipped_at": NOW, "signed_at": NOW},
    "core.stock": {"product_id": "p1", "sku_id": "s1", "on_hand": 3},
    "planning.daily_sku_sales": {"merchant_sku": "m1", "units": 1, "revenue": 10},
    "planning.sales_forecast_totals": {"merchant_sku": "m1", "q50": 1, "q90": 2, "q95": 3},
    "planning.forecast_accuracy": {"model": "hurdle", "horizon": 1},
    "planning.stock_position": {"merchant_sku": "m1"},
    "planning.replenishment_suggestions": {"suggestion_id": "g1", "merchant_sku": "m1", "quantity": 5, "reason": "缺货"},
}  # fmt: skip
FORECASTS: list[dict[str, object]] = [
    {
        "merchant_sku": "m1",
        "horizon_day": day,
        "target_date": f"2026-01-{14 + day}",
        "q10": 0,
        "q50": 1,
        "q90": 2,
        "q95": 3,
    }
    for day in range(1, 8)
]

SHORT_READ = "INSERT INTO ops.sync_windows SELECT 'taobao', 'tea',"

BREAKS = {
    "orders:unique_ids": ("INSERT INTO core.orders SELECT * FROM core.orders", "taobao/o1"),
    "orders:no_negative_totals": ("UPDATE core.orders SET freight_amount = -1", "o1"),
    "orders:payable_adds_up": ("UPDATE core.orders SET goods_amount = 10.01", "o1"),
    "orders:paid_is_payable_or_nothing": ("UPDATE core.orders SET paid_at = NULL", "o1"),
    "orders:known_status": ("UPDATE core.orders SET status = 'unknown', source_status = 'NEW_CODE'", "o1 NEW_CODE"),
    "orders:nothing_in_quarantine": (
        "INSERT INTO ops.quarantine VALUES ('taobao', 'tea', 'taobao.trades.sold.get', '2026-01-15 04:00:00Z',"
        " '2026-01-15 05:00:00Z', 'o9', 'payment is no amount', now(), '')",
        "taobao.trades.sold.get o9: payment is no amount",
    ),
    "orders:windows_read_whole": (
        f"{SHORT_READ} 'taobao.trades.sold.get', '2026-01-15 04:00:00Z', '2026-01-15 05:00:00Z', now(), '', 5, 4, 9, '', 2",
        "taobao.trades.sold.get 2026-01-15 12:00:00 (2 short)",
    ),
    "refunds:windows_read_whole": (
        f"{SHORT_READ} 'taobao.refunds.receive.get', '2026-01-15 04:00:00Z', '2026-01-15 05:00:00Z', now(), '', 5, 4, 9, '', 2",
        "taobao.refunds.receive.get 2026-01-15 12:00:00 (2 short)",
    ),
    "order_lines:unique_ids": ("INSERT INTO core.order_lines SELECT * FROM core.order_lines", "taobao/l1"),
    "order_lines:no_negative_totals": ("UPDATE core.order_lines SET quantity = -1", "l1"),
    "order_lines:lines_add_up_to_order": ("UPDATE core.order_lines SET paid_amount = 9.99", "o1"),
    "order_lines:no_line_without_order": ("UPDATE core.order_lines SET order_id = 'gone'", "l1, o1"),
    "refunds:unique_ids": ("INSERT INTO core.refunds SELECT * FROM core.refunds", "taobao/r1"),
    "refunds:no_negative_totals": ("UPDATE core.refunds SET refunded_amount = -1", "r1"),
    "refunds:refund_not_above_paid": ("UPDATE core.refunds SET refunded_amount = 10.01", "o1"),
    "parcels:unique_ids": ("INSERT INTO core.parcels SELECT * FROM core.parcels", "taobao/o1/t1"),
    "parcels:signed_after_shipped": ("UPDATE core.parcels SET signed_at = shipped_at - INTERVAL 1 SECOND", "o1/t1"),
    "stock:unique_ids": ("INSERT INTO core.stock SELECT * FROM core.stock", "taobao/p1/s1"),
    "stock:no_negative_stock": ("UPDATE core.stock SET on_hand = -1", "p1/s1"),
    "daily_sku_sales:unique_ids": (
        "INSERT INTO planning.daily_sku_sales SELECT * FROM planning.daily_sku_sales",
        "m1/2026-01-15",
    ),
    "daily_sku_sales:no_negative_totals": ("UPDATE planning.daily_sku_sales SET units = -1", "m1/2026-01-15"),
    "sales_forecasts:unique_ids": (
        "INSERT INTO planning.sales_forecasts FROM planning.sales_forecasts WHERE horizon_day = 1",
        "2026-01-15/m1/2026-01-15",
    ),
    "sales_forecasts:seven_days_each": ("DELETE FROM planning.sales_forecasts WHERE horizon_day = 7", "m1"),
    "sales_forecasts:quantiles_in_order": (
        "UPDATE planning.sales_forecast_totals SET q90 = 4",
        "m1/week of 2026-01-15",
    ),
    "forecast_accuracy:unique_ids": (
        "INSERT INTO planning.forecast_accuracy SELECT * FROM planning.forecast_accuracy",
        "2026-01-15/hurdle/1",
    ),
    "stock_position:unique_ids": (
        "INSERT INTO planning.stock_position SELECT * FROM planning.stock_position",
        "2026-01-15/m1",
    ),
    "replenishment_suggestions:unique_ids": (
        "INSERT INTO planning.replenishment_suggestions SELECT * FROM planning.replenishment_suggestions",
        "g1",
    ),
    "replenishment_suggestions:explained": ("UPDATE planning.replenishment_suggestions SET reason = ' '", "g1"),
    "published_copy:orders_and_lines_together": ("DELETE FROM core.order_lines", "tea/o1"),
}

EMPTY = {"VARCHAR": "x", "TIMESTAMP WITH TIME ZONE": NOW, "DATE": "2026-01-15", "BOOLEAN": False}


def insert(con: duckdb.DuckDBPyConnection, table: str, values: dict[str, object]) -> None:
    """One row: the values given, what is harmless in the columns that may not be NULL, NULL in the others."""
    harmless = {c.name: EMPTY.get(c.type, 0) for c in columns(table) if not c.nullable}
    row = {**harmless, **values}
    row |= {name: value for name, value in {"platform": "taobao", "shop": "tea"}.items() if name in harmless}
    names = ", ".join(row)
    con.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


@pytest.fixture
def con(folder: DataFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse's own tables with one sound row each, inside a transaction."""
    warehouse = Warehouse(folder, SystemClock())
    with warehouse.write("test") as connection:
        for table, values in SOUND.items():
            insert(connection, table, values)
        for values in FORECASTS:
            insert(connection, "planning.sales_forecasts", values)
        yield connection


def test_every_rule_has_a_row_that_breaks_it() -> None:
    assert BREAKS.keys() == RULES.keys()


def test_sound_tables_break_nothing(con: duckdb.DuckDBPyConnection) -> None:
    assert [str(found) for rule in RULES.values() if not (found := evaluate(con, rule, "tea")).passed] == []


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_row_is_named(con: duckdb.DuckDBPyConnection, name: str) -> None:
    statement, subjects = BREAKS[name]
    con.execute(statement)
    found = evaluate(con, RULES[name], "tea")
    assert (found.count, ", ".join(found.examples)) == (len(subjects.split(", ")), subjects)
    assert subjects in str(found)


def test_another_shops_rows_are_its_own(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("UPDATE core.orders SET freight_amount = -1")
    rule = RULES["orders:no_negative_totals"]
    assert evaluate(con, rule, "hat").passed
    assert not evaluate(con, rule, "tea").passed


def test_many_rows_are_counted_and_some_named(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "INSERT INTO core.orders SELECT orders.* REPLACE ('o' || n AS order_id) FROM core.orders, range(2, 30) t(n)"
    )
    con.execute("UPDATE core.orders SET freight_amount = -1")
    found = evaluate(con, RULES["orders:no_negative_totals"], "tea")
    assert (found.count, len(found.examples)) == (29, 10)
    assert str(found).endswith("and 19 more")
