"""What lines carry of their order, its other lines and their refunds is what a join finds, whatever arrives in whatever order."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.warehouse.conftest import Rows, rows_of
from orders_pipeline_tests.warehouse.wire import NOON, RawZone, line, refund, refunds, trade, trades

TIDS = (100, 200)
TIMES = [None, "", "2026-01-15 00:05:07", "2026-01-16 23:59:59"]

lines = st.fixed_dictionaries(
    {
        "outer_sku_id": st.sampled_from(["TEE", "TEE ", "", "SOCK"]),
        "outer_iid": st.sampled_from([None, "TEE"]),
        "sku_id": st.sampled_from([None, "5", "6"]),
        "status": st.sampled_from(["WAIT_BUYER_PAY", "WAIT_BUYER_CONFIRM_GOODS", "TRADE_FINISHED", "TRADE_CLOSED"]),
        "invoice_no": st.sampled_from([None, "", "SF1"]),
        "consign_time": st.sampled_from(TIMES),
        "combine_item_info": st.sampled_from(
            [None, None, None, {"combine_sub_item_do": [{"item_id": 9, "quantity": 2}]}]
        ),
    }
)
versions = st.fixed_dictionaries(
    {
        "tid": st.sampled_from(TIDS),
        "minute": st.integers(0, 59),
        "type": st.sampled_from([None, "fixed", "step"]),
        "step_trade_status": st.sampled_from([None, "", "FRONT_PAID_FINAL_NOPAID", "FRONT_PAID_FINAL_PAID"]),
        "pay_time": st.sampled_from(TIMES),
        "consign_time": st.sampled_from(TIMES),
        "lines": st.lists(lines, min_size=1, max_size=3),
    }
)
refund_versions = st.fixed_dictionaries(
    {
        "refund_id": st.sampled_from(["7", "8", "9"]),
        # around the moments at which lines are sent; of a refund's versions the newest wins, whatever line it is about
        "modified": st.sampled_from(
            ["2026-01-15 00:05:06", "2026-01-15 00:05:07", "2026-01-16 23:59:58", "2026-01-17 00:00:00"]
        ),
        "oid": st.sampled_from([TIDS[0] + 1, TIDS[0] + 1, TIDS[0] + 2]),
        "status": st.sampled_from(["SUCCESS", "SUCCESS", "SUCCESS", "WAIT_SELLER_AGREE", "CLOSED"]),
        "refund_fee": st.sampled_from(["46.96", "93.91", "10.00", "46.95", "0.00", "200.00"]),
        "num": st.sampled_from([None, 1, 2, 0, 5]),
        "has_good_return": st.sampled_from([False, False, False, None, True]),
    }
)
shops = (f"shop-{number}" for number in itertools.count())


@settings(max_examples=25, deadline=None)
@given(arrivals=st.lists(versions, min_size=1, max_size=6), data=st.data())
def test_lines_carry_what_a_join_finds(
    shared: tuple[Warehouse, RawZone], arrivals: list[dict[str, Any]], data: st.DataObject
) -> None:
    warehouse, raw = shared
    shop = next(shops)
    _apply(warehouse, raw, shop, arrivals, data)
    warehouse.flush()
    with warehouse.read() as con:
        orders = {row["order_id"]: row for row in rows_of(con, "FROM core.orders WHERE shop = ?", shop)}
        stored = rows_of(con, "FROM core.order_lines WHERE shop = ?", shop)
        bundles = {row["order_id"] for row in rows_of(con, "FROM core.line_parts WHERE shop = ?", shop)}
    known = {str(version["tid"]) for version in arrivals if "tid" in version}
    assert {row["order_id"] for row in stored} == orders.keys() == known
    for row in stored:
        truth = _truth(row, orders[row["order_id"]], stored, bundles)
        assert {name: row[name] for name in truth} == truth, row


@settings(max_examples=60, deadline=None)
@given(
    orders=st.lists(versions.map(lambda version: version | {"tid": TIDS[0]}), min_size=1, max_size=2),
    refunded=st.lists(refund_versions, min_size=1, max_size=4),
    data=st.data(),
)
def test_lines_carry_what_was_refunded_before_they_were_sent(
    shared: tuple[Warehouse, RawZone], orders: list[dict[str, Any]], refunded: list[dict[str, Any]], data: st.DataObject
) -> None:
    warehouse, raw = shared
    shop = next(shops)
    _apply(warehouse, raw, shop, data.draw(st.permutations([*orders, *refunded])), data)
    warehouse.flush()
    with warehouse.read() as con:
        stored = rows_of(con, "FROM core.order_lines WHERE shop = ?", shop)
        known = rows_of(con, "FROM core.refunds WHERE shop = ?", shop)
    for row in stored:
        truth = _refunded_early(row, known)
        assert {name: row[name] for name in truth} == truth, row


def test_a_refund_that_is_now_about_another_line_leaves_the_one_before(warehouse: Warehouse, raw: RawZone) -> None:
    warehouse.apply([raw.land(trades(trade(100)), rows=[1])], holder="test")
    for oid, modified in ((101, "2026-01-15 12:00:00"), (102, "2026-01-15 13:00:00")):
        body = refunds(refund("7", modified, tid=100, oid=oid, status="SUCCESS"))
        warehouse.apply([raw.land(body, rows=[1], api="taobao.refunds.receive.get")], holder="test")
    with warehouse.write("test") as con:
        kept = con.execute("SELECT early_refund_units, early_refund_amount FROM core.order_lines ORDER BY line_id")
        assert kept.fetchall() == [(0, Decimal("0.00")), (1, Decimal("26.09"))]


def test_lines_of_an_older_file_get_it_too(warehouse: Warehouse, raw: RawZone) -> None:
    parts = {"combine_sub_item_do": [{"item_id": 9, "quantity": 2}]}
    orders = [
        {"lines": [{"outer_sku_id": "TEE"}, {"outer_sku_id": "SOCK"}], "type": "step"},
        {"lines": [{"outer_sku_id": "TEE"}, {"outer_sku_id": "TEE"}], "pay_time": None},
        {"lines": [{"outer_sku_id": "SET", "combine_item_info": parts}, {"outer_sku_id": ""}], "pay_time": TIMES[2]},
        {"lines": [{"invoice_no": "SF1", "consign_time": None}], "consign_time": TIMES[3]},
        {"lines": [{"status": "TRADE_CLOSED"}, {"consign_time": TIMES[3]}, {"consign_time": TIMES[3]}]},
    ]
    rest = {"type": "fixed", "step_trade_status": None, "pay_time": TIMES[3], "consign_time": None}
    versions = [{**rest, "minute": number, "tid": 100 * number, **order} for number, order in enumerate(orders, 1)]
    refunded = {"status": "SUCCESS", "refund_fee": "50.00", "num": None, "has_good_return": None}
    files = [
        _land(raw, {"refund_id": str(oid), "oid": oid, "modified": at, **refunded})
        for oid, at in ((101, TIMES[2]), (501, TIMES[2]), (502, TIMES[2]), (503, TIMES[3]))
    ]
    warehouse.apply([raw.land(trades(*map(_row, versions)), rows=[len(versions)]), *files], holder="test")
    with warehouse.write("test") as con:
        before = rows_of(con, "FROM core.order_lines ORDER BY line_id")
        assert len({tuple(row[name] for name in CARRIED) for row in before}) >= len(versions)
        assert [row["early_refund_units"] for row in before if row["order_id"] in ("100", "500")] == [1, 0, 2, 1, 0]
        for name in CARRIED:
            con.execute(f"ALTER TABLE core.order_lines DROP COLUMN {name}")
        con.execute("UPDATE ops.meta SET value = '2' WHERE key = 'schema_version'")
    with warehouse.write("test") as con:
        assert rows_of(con, "FROM core.order_lines ORDER BY line_id") == before


CARRIED = (
    "sku",
    "paid_on",
    "is_presale",
    "order_shipped_at",
    "skus_differ",
    "early_refund_units",
    "early_refund_amount",
)


def _truth(row: dict[str, Any], order: dict[str, Any], stored: Rows, bundles: set[str]) -> dict[str, Any]:
    skus = Counter(_sku(other) for other in stored if other["order_id"] == row["order_id"])
    sent = row["tracking_number"] is not None or row["status"] in ("shipped", "completed")
    return {
        "sku": _sku(row),
        "paid_on": order["paid_on"],
        "is_presale": order["order_type"] == "step" or order["presale_step"] is not None,
        "order_shipped_at": order["shipped_at"] if sent and row["shipped_at"] is None else None,
        "skus_differ": max(skus.values()) == 1 and row["order_id"] not in bundles,
    }


def _refunded_early(row: dict[str, Any], refunded: Rows) -> dict[str, Any]:
    sent_at = row["shipped_at"] or row["order_shipped_at"]
    units, amount = 0, Decimal(0)
    for known in refunded:
        if known["line_id"] != row["line_id"] or known["status"] != "refunded" or known["goods_returned"]:
            continue
        if sent_at is None or known["refunded_at"] < sent_at:
            asked = row["quantity"] if known["quantity"] is None else known["quantity"]
            units += min(asked, int(row["quantity"] * known["refunded_amount"] / row["paid_amount"]))
            amount += known["refunded_amount"]
    if row["status"] in ("closed_refunded", "closed_unpaid") and sent_at is None:
        units, amount = row["quantity"], row["paid_amount"]
    return {
        "early_refund_units": min(units, row["quantity"]),
        "early_refund_amount": min(amount, row["paid_amount"]),
    }


def _sku(row: dict[str, Any]) -> str:
    return row["merchant_sku"] or f"{row['platform']}:{row['product_id']}:{row['sku_id']}"


def _apply(warehouse: Warehouse, raw: RawZone, shop: str, arrivals: list[dict[str, Any]], data: st.DataObject) -> None:
    """Each version from a file of its own, in one transaction or in several."""
    cuts = sorted(data.draw(st.sets(st.integers(1, len(arrivals)), max_size=3)) | {len(arrivals)})
    for start, end in itertools.pairwise([0, *cuts]):
        files = [
            _land(raw, version, shop=shop, fetched_at=NOON + timedelta(minutes=number))
            for number, version in enumerate(arrivals[start:end], start)
        ]
        warehouse.apply(files, holder="test")


def _land(raw: RawZone, version: dict[str, Any], **place: Any) -> Path:
    """A file with this version of an order or of a refund."""
    if "tid" in version:
        return raw.land(trades(_row(version)), rows=[1], **place)
    body = refunds(refund(**version, tid=version["oid"] // 100 * 100))
    return raw.land(body, rows=[1], api="taobao.refunds.receive.get", **place)


def _row(version: dict[str, Any]) -> dict[str, Any]:
    fields = {name: version[name] for name in ("type", "step_trade_status", "pay_time", "consign_time")}
    rows = [line(version["tid"] + number, **row) for number, row in enumerate(version["lines"], 1)]
    return trade(version["tid"], f"2026-01-15 10:{version['minute']:02}:00", orders={"order": rows}, **fields)
