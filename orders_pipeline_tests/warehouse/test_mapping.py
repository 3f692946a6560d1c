"""What the platform's words become. Expected values are written out by hand from the spec and the decisions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.warehouse.conftest import Query
from orders_pipeline_tests.warehouse.wire import NOON, RawZone, line, refund, refunds, trade, trades

yuan = Decimal


def test_the_specs_order_field_by_field(warehouse: Warehouse, raw: RawZone, query: Query) -> None:
    warehouse.apply([raw.land(trades(trade()), rows=[1])], holder="test")
    (order,) = query("FROM core.orders")
    assert order == {
        "platform": "taobao",
        "shop": "tea",
        "order_id": "3900123456789012345",
        "order_type": "fixed",
        "status": "to_ship",
        "source_status": "WAIT_SELLER_SEND_GOODS",
        "created_at": datetime(2026, 1, 14, 16, 1, 2, tzinfo=UTC),  # one minute past midnight in Shanghai
        "created_on": date(2026, 1, 15),
        "paid_at": datetime(2026, 1, 14, 16, 5, 7, tzinfo=UTC),
        "paid_on": date(2026, 1, 15),
        "shipped_at": None,
        "ended_at": None,
        "modified_at": datetime(2026, 1, 15, 2, 5, 8, tzinfo=UTC),
        "goods_amount": yuan("148.00"),
        "freight_amount": yuan("8.00"),
        "discount_amount": yuan("28.00"),
        "adjust_amount": yuan("0.00"),
        "payable_amount": yuan("128.00"),
        "paid_amount": yuan("128.00"),
        "received_amount": yuan("0.00"),
        "presale_step": None,
        "deposit_amount": None,
        "deposit_seen_at": None,
        "province": "浙江省",
        "city": "杭州市",
        "line_count": 2,
        "synced_at": NOON,
        "vanished_at": None,
    }
    assert (
        order["goods_amount"] + order["freight_amount"] + order["adjust_amount"] - order["discount_amount"]
        == order["payable_amount"]
    )
    tee, sock = query("FROM core.order_lines ORDER BY line_id")
    assert tee == {
        "platform": "taobao",
        "shop": "tea",
        "line_id": "3900123456789012346",
        "order_id": "3900123456789012345",
        "product_id": "700000000001",
        "sku_id": "5000000000001",
        "merchant_sku": "TEE-RED-M",
        "title": "短袖T恤",
        "sku_properties": "颜色:红色;尺码:M",
        "quantity": 2,
        "unit_price": yuan("59.00"),
        "discount_amount": yuan("10.00"),
        "shop_discount_share": yuan("14.09"),
        "paid_amount": yuan("93.91"),
        "status": "to_ship",
        "source_status": "WAIT_SELLER_SEND_GOODS",
        "refund_status": "none",
        "is_gift": False,
        "carrier": None,
        "tracking_number": None,
        "shipped_at": None,
        "sku": "TEE-RED-M",
        "order_shipped_at": None,
        "paid_on": order["paid_on"],
        "is_presale": False,
        "skus_differ": True,
        "early_refund_units": 0,
        "early_refund_amount": yuan("0.00"),
    }
    assert (sock["sku_id"], sock["merchant_sku"], sock["sku_properties"]) == ("", "SOCK", None)
    assert tee["paid_amount"] + sock["paid_amount"] + order["freight_amount"] == order["payable_amount"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": "TRADE_NO_CREATE_PAY"}, "unpaid"),
        ({"status": "PAY_PENDING"}, "unpaid"),
        ({"status": "WAIT_BUYER_PAY", "step_trade_status": "FRONT_NOPAID_FINAL_NOPAID"}, "unpaid"),
        ({"status": "WAIT_BUYER_PAY", "step_trade_status": "FRONT_PAID_FINAL_NOPAID"}, "deposit_paid"),
        ({"status": "WAIT_SELLER_SEND_GOODS", "step_trade_status": "FRONT_PAID_FINAL_PAID"}, "to_ship"),
        ({"status": "TRADE_CLOSED_BY_TAOBAO", "step_trade_status": "FRONT_PAID_FRONT_FORFEITED"}, "closed_unpaid"),
        ({"status": "PAID_FORBID_CONSIGN"}, "paid_on_hold"),
        ({"status": "WAIT_PRE_AUTH_CONFIRM"}, "paid_on_hold"),
        ({"status": "SELLER_CONSIGNED_PART"}, "part_shipped"),
        ({"status": "WAIT_BUYER_CONFIRM_GOODS"}, "shipped"),
        ({"status": "TRADE_BUYER_SIGNED"}, "shipped"),
        ({"status": "TRADE_FINISHED"}, "completed"),
        ({"status": "TRADE_CLOSED"}, "closed_refunded"),
        ({"status": "TRADE_CLOSED", "pay_time": None}, "closed_unpaid"),
        ({"status": "TRADE_CLOSED", "pay_time": "0000-00-00 00:00:00"}, "closed_unpaid"),
    ],
)
def test_statuses(warehouse: Warehouse, raw: RawZone, query: Query, changes: dict[str, Any], status: str) -> None:
    report = warehouse.apply([raw.land(trades(trade(**changes)), rows=[1])], holder="test")
    (order,) = query("SELECT status, source_status, presale_step FROM core.orders")
    assert order == {
        "status": status,
        "source_status": changes["status"],
        "presale_step": changes.get("step_trade_status"),
    }
    assert report.unknown == {}


def test_unknown_codes_land_and_are_reported(warehouse: Warehouse, raw: RawZone, query: Query) -> None:
    new = trade(status="FROZEN", orders={"order": [line(7, status="FROZEN", refund_status="PONDERING")]})
    report = warehouse.apply(
        [
            raw.land(trades(new), rows=[1]),
            raw.land(refunds(refund(status="MAYBE", dispute_type="GIFT")), api="taobao.refunds.receive.get", rows=[1]),
        ],
        holder="test",
    )
    assert report.quarantined == 0
    assert report.unknown == {
        "taobao.trades.sold.increment.get": {
            "orders.refund_status=PONDERING": 1,
            "orders.status=FROZEN": 1,
            "status=FROZEN": 1,
        },
        "taobao.refunds.receive.get": {"dispute_type=GIFT": 1, "status=MAYBE": 1},
    }
    assert query("SELECT status, source_status FROM core.orders") == [{"status": "unknown", "source_status": "FROZEN"}]
    assert query("SELECT status, kind FROM core.refunds") == [{"status": "unknown", "kind": "other"}]


def bad_rows() -> dict[str, Any]:
    def lines_of(**changes: Any) -> dict[str, Any]:
        return {"orders": {"order": [line(7) | changes]}}

    return {
        "no tid": trade() | {"tid": ""},
        "modified is no date": trade(modified=""),
        "created is no date": trade(created="yesterday"),
        "pay_time is no date": trade(pay_time="2026-02-30 10:00:00"),
        "payment is no amount": trade(payment="12.3O"),
        "total_fee is no amount": trade(total_fee="12.345"),
        "orders is no list of lines": trade(orders={"order": line(7)}),
        "the same oid twice": trade(orders={"order": [line(7), line(7)]}),
        "line without oid": trade(**lines_of(oid="")),
        "num of a line is no number": trade(**lines_of(num="two")),
        "price of a line is no amount": trade(**lines_of(price="0.001")),
        "trades.trade.payment: object": trade() | {"_misfit": ["trades.trade.payment: object"]},
    }


@pytest.mark.parametrize("reason", bad_rows())
def test_a_row_that_cannot_be_mapped_is_set_aside_and_the_rest_lands(
    warehouse: Warehouse, raw: RawZone, query: Query, reason: str
) -> None:
    good = trade(3900999999999999999)
    file = raw.land(trades(bad_rows()[reason], good), rows=[2])
    assert warehouse.apply([file], holder="test").quarantined == 1
    assert warehouse.apply([file], holder="test").quarantined == 0
    assert query("SELECT order_id FROM core.orders") == [{"order_id": "3900999999999999999"}]
    (set_aside,) = query("FROM ops.quarantine")
    assert set_aside["reason"] == reason
    assert set_aside["row_id"] == (None if reason == "no tid" else "3900123456789012345")
    assert len(set_aside["body_hash"]) == 64


@pytest.mark.parametrize("body", ["{", "[]", '{"trades": []}', json.dumps({"trades": {"trade": trade()}})])
def test_a_page_without_readable_rows_is_set_aside_when_rows_were_counted(
    warehouse: Warehouse, raw: RawZone, query: Query, body: str
) -> None:
    warehouse.apply([raw.land(body, trades(trade()), rows=[1, 1])], holder="test")
    assert query("SELECT row_id, reason FROM ops.quarantine") == [{"row_id": None, "reason": "0 of 1 trades readable"}]
    assert len(query("FROM core.orders")) == 1


@pytest.mark.parametrize("body", ['{"has_next": false}', '{"trades": {}}', '{"trades": []}', "{}"])
def test_an_empty_page_is_a_window_of_the_ledger(warehouse: Warehouse, raw: RawZone, query: Query, body: str) -> None:
    report = warehouse.apply([raw.land(body, rows=[0])], holder="test")
    assert (report.quarantined, report.windows) == (0, 1)
    assert query("SELECT pages, rows FROM ops.sync_windows") == [{"pages": 1, "rows": 0}]


def test_an_api_that_nothing_maps_is_set_aside(warehouse: Warehouse, raw: RawZone, query: Query) -> None:
    assert warehouse.apply([raw.land("{}", api="taobao.new.get")], holder="test").quarantined == 1
    assert query("SELECT reason FROM ops.quarantine") == [{"reason": "no mapping for this api"}]


def test_a_single_order_and_a_single_refund(warehouse: Warehouse, raw: RawZone, query: Query) -> None:
    one = raw.land(json.dumps({"trade": trade(), "request_id": "x"}), api="taobao.trade.fullinfo.get", rows=[1])
    two = raw.land(json.dumps({"refund": refund(status="SUCCESS")}), api="taobao.refund.get", rows=[1])
    assert warehouse.apply([one, two], holder="test").quarantined == 0
    assert len(query("FROM core.order_lines")) == 2
    (back,) = query("FROM core.refunds")
    assert (back["status"], back["kind"], back["phase"]) == ("refunded", "refund", "onsale")
    assert (back["applied_amount"], back["refunded_amount"]) == (yuan("26.09"), yuan("26.09"))
    assert back["refunded_at"] == back["modified_at"] == datetime(2026, 1, 15, 4, 0, tzinfo=UTC)


def test_bundles_leave_their_parts(warehouse: Warehouse, raw: RawZone, query: Query) -> None:
    parts = [{"item_id": 1, "sku_id": "11", "quantity": 2, "outer_sku_id": "A"}, {"item_id": 2, "outer_iid": "B"}]
    bundle = trade(orders={"order": [line(7, combine_item_info={"combine_sub_item_do": parts}), line(8)]})
    warehouse.apply([raw.land(trades(bundle), rows=[1])], holder="test")
    assert query("SELECT line_id, part_no, sku_id, merchant_sku, quantity FROM core.line_parts ORDER BY part_no") == [
        {"line_id": "7", "part_no": 1, "sku_id": "11", "merchant_sku": "A", "quantity": 2},
        {"line_id": "7", "part_no": 2, "sku_id": "", "merchant_sku": "B", "quantity": 1},
    ]


def test_a_county_level_city_stands_in_the_district(warehouse: Warehouse, raw: RawZone, query: Query) -> None:
    body = trades(trade(receiver_city="", receiver_district="义乌市"))
    warehouse.apply([raw.land(body, rows=[1])], holder="test")
    assert query("SELECT city FROM core.orders") == [{"city": "义乌市"}]


ELSEWHERE = """
import sys
from pathlib import Path
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse
warehouse = Warehouse(DataFolder(Path(sys.argv[1])))
warehouse.prepare()
warehouse.apply([Path(sys.argv[2])], holder="test")
"""


def test_days_and_instants_do_not_follow_the_hosts_zone(folder: DataFolder, raw: RawZone, clock: Any) -> None:
    file = raw.land(trades(trade(created="2026-01-15 23:59:59", pay_time="2026-01-16 00:00:00")), rows=[1])
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(folder.root), str(file)],
        env=os.environ | {"TZ": "America/New_York"},
        check=True,
    )
    warehouse = Warehouse(folder, clock)
    warehouse.flush()
    with warehouse.read() as con:
        (row,) = con.execute(
            "SELECT epoch(created_at), created_on, epoch(paid_at), paid_on FROM core.orders"
        ).fetchall()
    assert row == (
        datetime(2026, 1, 15, 15, 59, 59, tzinfo=UTC).timestamp(),
        date(2026, 1, 15),
        datetime(2026, 1, 15, 16, 0, tzinfo=UTC).timestamp(),
        date(2026, 1, 16),
    )
