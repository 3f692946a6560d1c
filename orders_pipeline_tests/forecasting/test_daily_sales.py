"""planning.daily_sku_sales against a plain Python recomputation from orders, lines, refunds and stock counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders_pipeline.forecasting import daily_sales, refresh_daily_sales
from orders_pipeline_tests.forecasting.conftest import open_empty
from orders_pipeline_tests.forecasting.shop_cases import CST, NOON, Shop, brute_force, shops


def table(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    columns = "merchant_sku, date, units, orders, revenue, refunded_units, in_stock"
    return con.execute(f"SELECT {columns} FROM planning.daily_sku_sales ORDER BY ALL").fetchall()


@pytest.fixture(scope="module")
def memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """One database for all examples of a property; each starts by clearing it."""
    connection = open_empty(":memory:")
    yield connection
    connection.close()


def only(con: duckdb.DuckDBPyConnection, shop: Shop) -> tuple[Any, ...]:
    """units, orders, revenue, refunded_units of the only row."""
    shop.store(con)
    refresh_daily_sales(con)
    ((_, _, units, orders, revenue, refunded, _),) = table(con)
    return units, orders, str(revenue), refunded


@settings(max_examples=60, deadline=None)
@given(shop=shops())
def test_equals_a_row_by_row_recomputation_and_is_idempotent(memory: duckdb.DuckDBPyConnection, shop: Shop) -> None:
    con = memory
    con.execute("DELETE FROM planning.daily_sku_sales")
    shop.store(con)
    refresh_daily_sales(con)
    first = table(con)
    assert set(first) == brute_force(shop)
    report = refresh_daily_sales(con)
    assert table(con) == first
    assert (report.rows, report.units) == (len(first), sum(row[2] for row in first))


@settings(max_examples=40, deadline=None)
@given(shop=shops(), data=st.data())
def test_what_comes_after_a_refresh_is_in_the_next(
    memory: duckdb.DuckDBPyConnection, shop: Shop, data: st.DataObject
) -> None:
    """Whatever the table held before, and however few lines are added up at once."""
    con = memory
    con.execute("DELETE FROM planning.daily_sku_sales")
    known = {order["order_id"] for order in shop.orders[: data.draw(st.integers(0, len(shop.orders)))]}
    early = [order | {"vanished_at": None} for order in shop.orders if order["order_id"] in known]
    Shop(early, [line for line in shop.lines if line["order_id"] in known], [], shop.counts).store(con)
    refresh_daily_sales(con)
    shop.store(con)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(daily_sales, "LINES_AT_ONCE", data.draw(st.integers(1, 5)))
        refresh_daily_sales(con)
    assert set(table(con)) == brute_force(shop)


def test_what_is_refunded_before_shipping_leaves_its_pay_day(con: duckdb.DuckDBPyConnection) -> None:
    shop = Shop.empty()
    line = shop.line(shop.order())
    shop.refund(line, NOON + timedelta(days=1), refunded_amount=Decimal("10.00"))
    assert only(con, shop) == (1, 1, "10.00", 1)
    shop.lines[0]["status"] = "closed_refunded"
    assert only(con, shop) == (0, 0, "0.00", 2)


def test_a_bundle_counts_as_its_parts(con: duckdb.DuckDBPyConnection) -> None:
    shop = Shop.empty()
    line = shop.line(shop.order())  # two bundles for 20.00
    shop.store(con)
    con.executemany(
        "INSERT INTO core.line_parts BY NAME SELECT platform, shop, line_id, order_id, ? AS part_no, ? AS merchant_sku,"
        " product_id, sku_id, ? AS quantity FROM core.order_lines WHERE line_id = ?",
        [(1, "CUP", 3, line), (2, "POT", 1, line)],
    )
    con.execute("UPDATE core.order_lines SET skus_differ = false")
    refresh_daily_sales(con)
    sold = [(sku, units, orders, str(revenue)) for sku, _, units, orders, revenue, _, _ in table(con)]
    con.execute("DELETE FROM core.line_parts")
    assert sold == [("CUP", 6, 1, "15.00"), ("POT", 2, 1, "5.00")]


def test_an_order_with_a_bundle_and_its_part_alone_is_one_order_of_the_part(con: duckdb.DuckDBPyConnection) -> None:
    shop = Shop.empty()
    order = shop.order()
    bundle = shop.line(order, merchant_sku="SET")
    shop.line(order, merchant_sku="CUP")
    shop.store(con)
    con.execute(
        "INSERT INTO core.line_parts BY NAME SELECT platform, shop, line_id, order_id, 1 AS part_no, 'CUP' AS merchant_sku,"
        " product_id, sku_id, 3 AS quantity FROM core.order_lines WHERE line_id = ?",
        [bundle],
    )
    con.execute("UPDATE core.order_lines SET skus_differ = false")
    refresh_daily_sales(con)
    assert [(sku, units, orders, str(revenue)) for sku, _, units, orders, revenue, _, _ in table(con)] == [
        ("CUP", 8, 1, "40.00")
    ]


def test_what_is_refunded_after_shipping_was_demand(con: duckdb.DuckDBPyConnection) -> None:
    shop = Shop.empty()
    line = shop.line(
        shop.order(shipped_at=NOON + timedelta(hours=5)), shipped_at=NOON + timedelta(hours=5), status="closed_refunded"
    )
    shop.refund(line, NOON + timedelta(days=9), goods_returned=True)
    assert only(con, shop) == (2, 1, "20.00", 0)


def test_what_is_refunded_at_the_moment_of_shipping_was_demand(con: duckdb.DuckDBPyConnection) -> None:
    shop = Shop.empty()
    shop.refund(shop.line(shop.order(), shipped_at=NOON + timedelta(hours=5)), NOON + timedelta(hours=5))
    assert only(con, shop) == (2, 1, "20.00", 0)
    shop.refunds[0]["refunded_at"] -= timedelta(seconds=1)
    assert only(con, shop) == (0, 0, "0.00", 2)


def test_whole_units_of_a_part_refund_are_exact(con: duckdb.DuckDBPyConnection) -> None:
    shop = Shop.empty()
    shop.refund(shop.line(shop.order(), quantity=4, paid_amount=Decimal("8.20")), refunded_amount=Decimal("6.15"))
    assert only(con, shop) == (1, 1, "2.05", 3)


def test_the_last_count_of_a_day_opens_the_next(con: duckdb.DuckDBPyConnection) -> None:
    shop = Shop.empty()
    shop.line(shop.order())
    for hours, on_hand in ((-3, 3), (9, 0), (24, 0), (60, 0), (84, 4)):
        shop.count(NOON + timedelta(hours=hours), on_hand)
    shop.store(con)
    refresh_daily_sales(con)
    # sold and counted; opened and stayed empty; not counted after an empty close; empty; restocked at midnight of the last day
    assert [(row[1].day, row[6]) for row in table(con)] == [(10, True), (11, False), (12, False), (13, False)]


def test_a_price_difference_takes_no_unit(con: duckdb.DuckDBPyConnection) -> None:
    shop = Shop.empty()
    shop.refund(shop.line(shop.order()), refunded_amount=Decimal("3.50"), quantity=2)
    assert only(con, shop) == (2, 1, "16.50", 0)


@pytest.mark.parametrize(("hour", "day"), [(0, 10), (7, 10), (23, 10)])
def test_days_are_cut_in_shanghai(con: duckdb.DuckDBPyConnection, hour: int, day: int) -> None:
    shop = Shop.empty()
    shop.line(shop.order(datetime(2026, 3, 10, hour, 30, tzinfo=CST)))
    shop.count(datetime(2026, 3, 10, hour, 45, tzinfo=CST), 0)
    shop.store(con)
    refresh_daily_sales(con)
    assert [(row[1].day, row[6]) for row in table(con)] == [(day, True)]


def test_daily_sums_outlive_purged_orders(con: duckdb.DuckDBPyConnection) -> None:
    shop = Shop.empty()
    shop.line(shop.order(NOON - timedelta(days=30)))
    shop.line(shop.order())
    shop.store(con)
    refresh_daily_sales(con)
    before = table(con)
    del shop.orders[0], shop.lines[0]
    shop.store(con)
    refresh_daily_sales(con)
    assert table(con) == before


def test_no_orders_give_an_empty_table(con: duckdb.DuckDBPyConnection) -> None:
    report = refresh_daily_sales(con)
    assert (report.rows, report.units, report.first_day) == (0, 0, None)
