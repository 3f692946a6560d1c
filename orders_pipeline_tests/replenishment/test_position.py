"""The stock position: worked cases, and a brute-force ledger of random events."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders_pipeline.replenishment import MasterData, PositionSettings, refresh_stock_position
from orders_pipeline.replenishment.master import PurchaseOrder, Receipt
from orders_pipeline_tests.replenishment.conftest import NOW, TODAY, Tables, new_tables

COUNTED = NOW - timedelta(hours=1)
BEFORE, AFTER = COUNTED - timedelta(hours=3), COUNTED + timedelta(minutes=10)


def position(tables: Tables, sku: str = "A", master: MasterData | None = None, **options: object) -> dict[str, object]:
    refresh_stock_position(tables.con, TODAY, master or MasterData(), PositionSettings(**options))
    return tables.positions()[sku]


def order(units: int, ordered_on: date, *, draft: bool = False, eta: date | None = None) -> PurchaseOrder:
    return PurchaseOrder("PO1", "A", "S", units, ordered_on, eta, draft)


def test_a_platforms_count_already_lacks_what_is_paid(tables):
    tables.stock("A", 102, at=COUNTED)
    tables.line("A", 18, "to_ship", paid_at=BEFORE)
    row = position(tables)
    assert (row["on_hand"], row["reserved"], row["available"]) == (120, 18, 102)


def test_a_warehouse_systems_count_does_not(tables):
    tables.stock("A", 120, at=COUNTED)
    tables.line("A", 18, "to_ship", paid_at=BEFORE)
    row = position(tables, snapshot_is_net={"main": False})
    assert (row["on_hand"], row["reserved"], row["available"]) == (120, 18, 102)


def test_a_presale_is_frozen_until_the_final_payment_and_then_reserved(tables):
    tables.stock("A", 120, at=COUNTED)
    tables.line("A", 60, "unpaid", order_status="deposit_paid", paid_at=None)
    tables.line("A", 5, "closed_unpaid", order_status="closed_unpaid", paid_at=None)  # a forfeited deposit
    row = position(tables, deposit_conversion=0.85)
    assert (row["on_hand"], row["frozen"], row["available"]) == (120, 60, 69)
    tables.con.execute("UPDATE core.orders SET status = 'to_ship', paid_at = ? WHERE status = 'deposit_paid'", [AFTER])
    tables.con.execute("UPDATE core.order_lines SET status = 'to_ship' WHERE quantity = 60")
    row = position(tables, deposit_conversion=0.85)
    assert (row["on_hand"], row["frozen"], row["reserved"], row["available"]) == (120, 0, 60, 60)


@pytest.mark.parametrize("net", [True, False])
def test_what_is_paid_and_shipped_after_the_count_has_left_it(tables, net):
    tables.stock("A", 50, at=COUNTED)
    tables.line("A", 7, "shipped", paid_at=AFTER, shipped_at=AFTER + timedelta(minutes=1))
    row = position(tables, snapshot_is_net={"main": net})
    assert (row["on_hand"], row["reserved"], row["available"]) == (43, 0, 43)


def test_shops_of_one_pool_are_not_added_up_and_the_newest_count_holds(tables):
    tables.stock("A", 50, shop="one", at=COUNTED)
    tables.stock("A", 48, shop="two", at=COUNTED + timedelta(minutes=5))
    tables.line("A", 4, "to_ship", shop="one", paid_at=BEFORE)
    pooled = position(tables, pools={"one": "north", "two": "north"})
    assert (pooled["snapshot_quantity"], pooled["reserved"], pooled["available"]) == (48, 4, 48)
    apart = position(tables)
    assert (apart["snapshot_quantity"], apart["available"]) == (98, 98)


def test_listings_with_the_same_code_are_added_up_and_deleted_ones_ignored(tables):
    tables.stock("A", 10, product="P1")
    tables.stock("A", 5, product="P2")
    tables.stock("A", 900, product="P3", status="deleted", at=NOW - timedelta(days=40))
    row = position(tables)
    assert (row["on_hand"], row["snapshot_at"]) == (15, COUNTED)


def test_a_part_shipped_line_reserves_the_rest_and_vanished_orders_nothing(tables):
    tables.stock("A", 10)
    line = tables.line("A", 6, "part_shipped", paid_at=BEFORE)
    tables.insert(
        "core.parcel_lines",
        platform="taobao",
        shop="main",
        order_id="o" + line[1:],
        tracking_number="T",
        line_id=line,
        quantity=2,
    )
    tables.line("A", 3, "to_ship", paid_at=BEFORE, vanished_at=NOW)
    assert position(tables)["reserved"] == 4


def test_a_bundle_reserves_its_parts(tables):
    tables.stock("A", 10)
    line = tables.line("BOX", 3, "to_ship", paid_at=BEFORE)
    tables.insert(
        "core.line_parts",
        platform="taobao",
        shop="main",
        line_id=line,
        part_no=1,
        order_id="o" + line[1:],
        sku_id="1",
        merchant_sku="A",
        quantity=2,
    )
    assert position(tables)["reserved"] == 6


def test_a_sku_without_merchant_code_goes_by_its_platform_ids(tables):
    tables.stock("A", 10)
    tables.con.execute("UPDATE core.stock SET merchant_sku = NULL")
    tables.con.execute("UPDATE core.skus SET merchant_sku = ''")
    tables.line("A", 3, "to_ship", paid_at=BEFORE)
    tables.con.execute("UPDATE core.order_lines SET merchant_sku = NULL")
    assert position(tables, "taobao:P-A:1")["reserved"] == 3


def test_open_returns_count_at_the_measured_rate(tables):
    tables.stock("A", 10)
    for status in ("await_return", "return_in_transit", "refunded", "closed"):
        tables.refund(tables.line("A", 4, "shipped", paid_at=BEFORE, shipped_at=BEFORE), status, 4)
    assert position(tables)["returns_expected"] == 0
    assert position(tables, resell_rate=0.5)["returns_expected"] == 4.0


def test_on_order_counts_late_orders_and_fresh_drafts(tables):
    tables.stock("A", 10)
    orders = (
        order(24, TODAY - timedelta(days=60), eta=TODAY - timedelta(days=30)),
        order(5, TODAY - timedelta(days=2), draft=True),
        order(1000, TODAY - timedelta(days=3), draft=True),
    )
    assert position(tables, master=MasterData(purchase_orders=orders))["on_order"] == 29


def test_receipts_of_later_days_come_on_top_of_the_count(tables):
    tables.stock("A", 10, at=NOW - timedelta(days=2))
    receipts = tuple(
        Receipt("PO1", "A", units, NOW.date() - timedelta(days=days), "S", None) for units, days in ((100, 2), (7, 1))
    )
    assert position(tables, master=MasterData(receipts=receipts))["on_hand"] == 17


def test_refreshing_twice_changes_nothing_and_names_what_is_wrong(tables):
    tables.stock("A", 1, at=COUNTED)
    tables.line("A", 3, "to_ship", paid_at=AFTER)
    tables.sales("GHOST", [1] * 5)
    first = refresh_stock_position(tables.con, TODAY, MasterData())
    rows = tables.positions()
    assert refresh_stock_position(tables.con, TODAY, MasterData()) == first
    assert tables.positions() == rows
    assert (first.rows, first.oversold, first.negative, first.unmapped) == (1, ("A",), (), ("GHOST",))
    assert first.oldest_snapshot == COUNTED


LEDGER = new_tables()  # every example's rows are rolled back: making the tables takes longer than an example
events = st.lists(
    st.tuples(
        st.sampled_from(["A", "B"]),
        st.sampled_from(["one", "two", "lone"]),
        st.integers(1, 5),
        st.booleans(),  # presale
        st.integers(0, 47),  # hour of the order, the count is at hour 24
        st.sampled_from(["none", "pay", "ship", "cancel"]),  # how far it went
        st.integers(1, 6),  # hours between steps
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events, st.booleans(), st.sampled_from([1.0, 0.85, 0.3]))
def test_position_equals_a_ledger_of_random_events(happened, net, conversion):
    """Shops one and two sell from one stock of 200 a SKU, lone from its own. Every event moves a hand-kept ledger."""
    tables = LEDGER
    tables.con.begin()
    start = COUNTED - timedelta(hours=24)
    physical: dict[tuple[str, str], int] = defaultdict(lambda: 200)
    counted: dict[tuple[str, str], int] = defaultdict(lambda: 200)
    reserved: dict[str, int] = defaultdict(int)
    frozen: dict[str, int] = defaultdict(int)
    for sku, shop, units, presale, hour, reached, gap in happened:
        pool = "lone" if shop == "lone" else "north"
        paid = start + timedelta(hours=hour, minutes=1)
        left = paid + timedelta(hours=gap)
        if reached == "none":
            if presale:
                frozen[sku] += units
                tables.line(sku, units, "unpaid", shop=shop, order_status="deposit_paid", paid_at=None)
            else:
                tables.line(sku, units, "unpaid", shop=shop, paid_at=None)
        elif reached == "cancel":
            tables.line(sku, units, "closed_refunded", shop=shop, paid_at=paid)
        else:
            shipped = reached == "ship"
            tables.line(
                sku,
                units,
                "shipped" if shipped else "to_ship",
                shop=shop,
                paid_at=paid,
                shipped_at=left if shipped else None,
            )
            physical[pool, sku] -= units if shipped else 0
            reserved[sku] += 0 if shipped else units
            leaves_the_count = paid if net else left if shipped else None
            if leaves_the_count and leaves_the_count <= COUNTED:
                counted[pool, sku] -= units
    for sku in ("A", "B"):
        for shop, pool in (("one", "north"), ("two", "north"), ("lone", "lone")):
            tables.stock(sku, counted[pool, sku], shop=shop, at=COUNTED)
    settings_ = PositionSettings(
        pools={"one": "north", "two": "north"},
        snapshot_is_net=dict.fromkeys(("one", "two", "lone"), net),
        deposit_conversion=conversion,
    )
    refresh_stock_position(tables.con, TODAY, MasterData(), settings_)
    rows = tables.positions()
    tables.con.rollback()
    for sku in ("A", "B"):
        on_hand = physical["north", sku] + physical["lone", sku]
        held_back = math.ceil(round(frozen[sku] * conversion, 6))
        got = tuple(rows[sku][name] for name in ("on_hand", "reserved", "frozen", "available"))
        assert got == (on_hand, reserved[sku], frozen[sku], on_hand - reserved[sku] - held_back)
