"""What lines carry of their order and its other lines is what a join finds, whatever versions arrive in whatever order."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.warehouse.conftest import Rows, rows_of
from orders_pipeline_tests.warehouse.wire import NOON, RawZone, line, trade, trades

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
shops = (f"shop-{number}" for number in itertools.count())


@settings(max_examples=25, deadline=None)
@given(arrivals=st.lists(versions, min_size=1, max_size=6), data=st.data())
def test_lines_carry_what_a_join_finds(
    shared: tuple[Warehouse, RawZone], arrivals: list[dict[str, Any]], data: st.DataObject
) -> None:
    warehouse, raw = shared
    shop = next(shops)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(arrivals)), max_size=2)) | {len(arrivals)})
    for start, end in itertools.pairwise([0, *cuts]):
        files = [
            raw.land(trades(_row(version)), rows=[1], shop=shop, fetched_at=NOON + timedelta(minutes=number))
            for number, version in enumerate(arrivals[start:end], start)
        ]
        warehouse.apply(files, holder="test")
    warehouse.flush()
    with warehouse.read() as con:
        orders = {row["order_id"]: row for row in rows_of(con, "FROM core.orders WHERE shop = ?", shop)}
        stored = rows_of(con, "FROM core.order_lines WHERE shop = ?", shop)
        bundles = {row["order_id"] for row in rows_of(con, "FROM core.line_parts WHERE shop = ?", shop)}
    assert {row["order_id"] for row in stored} == orders.keys() == {str(version["tid"]) for version in arrivals}
    for row in stored:
        assert {name: row[name] for name in CARRIED} == _truth(row, orders[row["order_id"]], stored, bundles), row


def test_lines_of_an_older_file_get_it_too(warehouse: Warehouse, raw: RawZone) -> None:
    parts = {"combine_sub_item_do": [{"item_id": 9, "quantity": 2}]}
    orders = [
        {"lines": [{"outer_sku_id": "TEE"}, {"outer_sku_id": "SOCK"}], "type": "step"},
        {"lines": [{"outer_sku_id": "TEE"}, {"outer_sku_id": "TEE"}], "pay_time": None},
        {"lines": [{"outer_sku_id": "SET", "combine_item_info": parts}, {"outer_sku_id": ""}], "pay_time": TIMES[2]},
        {"lines": [{"invoice_no": "SF1", "consign_time": None}], "consign_time": TIMES[3]},
    ]
    rest = {"type": "fixed", "step_trade_status": None, "pay_time": TIMES[3], "consign_time": None}
    versions = [{**rest, "minute": number, "tid": 100 * number, **order} for number, order in enumerate(orders, 1)]
    warehouse.apply([raw.land(trades(*map(_row, versions)), rows=[len(versions)])], holder="test")
    with warehouse.write("test") as con:
        before = rows_of(con, "FROM core.order_lines ORDER BY line_id")
        assert len({tuple(row[name] for name in CARRIED) for row in before}) >= len(versions)
        for name in CARRIED:
            con.execute(f"ALTER TABLE core.order_lines DROP COLUMN {name}")
        con.execute("UPDATE ops.meta SET value = '2' WHERE key = 'schema_version'")
    with warehouse.write("test") as con:
        assert rows_of(con, "FROM core.order_lines ORDER BY line_id") == before


CARRIED = ("sku", "paid_on", "is_presale", "order_shipped_at", "skus_differ")


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


def _sku(row: dict[str, Any]) -> str:
    return row["merchant_sku"] or f"{row['platform']}:{row['product_id']}:{row['sku_id']}"


def _row(version: dict[str, Any]) -> dict[str, Any]:
    fields = {name: version[name] for name in ("type", "step_trade_status", "pay_time", "consign_time")}
    rows = [line(version["tid"] + number, **row) for number, row in enumerate(version["lines"], 1)]
    return trade(version["tid"], f"2026-01-15 10:{version['minute']:02}:00", orders={"order": rows}, **fields)
