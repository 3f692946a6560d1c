"""One well-formed answer of every API that returns rows, as the platform writes them, in allowed fields only.

Written out by hand from the wire spec, so that a change of ``fields.py`` shows here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from orders_pipeline.platforms.base import Feed, FeedName, Page, Request, Window
from orders_pipeline.platforms.taobao.client import TopPlatform

START = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=30))
TID, OID = 3900123456789012345, 3900123456790012345

LINE = {
    "oid": OID,
    "status": "WAIT_SELLER_SEND_GOODS",
    "refund_status": "NO_REFUND",
    "num_iid": 700000000001,
    "sku_id": "5000000000001",
    "outer_iid": "TEE",
    "outer_sku_id": "TEE-RED-M",
    "title": "短袖T恤",
    "sku_properties_name": "颜色:红色;尺码:M",
    "num": 2,
    "price": "59.00",
    "total_fee": "108.00",
    "discount_fee": "10.00",
    "adjust_fee": "0.00",
    "part_mjz_discount": "14.09",
    "divide_order_fee": "93.91",
    "is_free_gift": False,
    "logistics_company": "顺丰速运",
    "invoice_no": "SF0000000000001",
    "consign_time": "2026-01-15 16:00:00",
    "combine_item_info": {
        "combine_sub_item_do": [
            {"item_id": 700000000009, "sku_id": 5000000000009, "quantity": 2, "outer_iid": "A", "outer_sku_id": "A-1"}
        ]
    },
}
TRADE = {
    "tid": TID,
    "type": "step",
    "status": "WAIT_SELLER_SEND_GOODS",
    "created": "2026-01-15 10:01:02",
    "pay_time": "2026-01-15 10:05:07",
    "consign_time": "2026-01-15 16:00:00",
    "end_time": "",
    "modified": "2026-01-15 10:05:08",
    "total_fee": "148.00",
    "post_fee": "8.00",
    "discount_fee": "18.00",
    "payment": "128.00",
    "received_payment": "0.00",
    "step_trade_status": "FRONT_PAID_FINAL_PAID",
    "step_paid_fee": "20.00",
    "receiver_state": "浙江省",
    "receiver_city": "杭州市",
    "receiver_district": "西湖区",
    "orders": {"order": [LINE]},
}
REFUND = {
    "refund_id": "281000000000000001",
    "tid": TID,
    "oid": OID,
    "status": "WAIT_SELLER_AGREE",
    "refund_phase": "onsale",
    "dispute_type": "REFUND",
    "has_good_return": False,
    "refund_fee": "26.09",
    "num": 1,
    "created": "2026-01-15 12:00:00",
    "modified": "2026-01-15 12:00:00",
}
ITEM = {
    "num_iid": 700000000001,
    "title": "短袖T恤",
    "cid": 50000436,
    "outer_id": "TEE",
    "num": 120,
    "price": "59.00",
    "approve_status": "onsale",
    "with_hold_quantity": 3,
    "sub_stock": 2,
    "modified": "2026-01-14 09:00:00",
    "skus": {
        "sku": [
            {
                "sku_id": 5000000000001,
                "outer_id": "TEE-RED-M",
                "properties": "1627207:28326;20509:28314",
                "properties_name": "1627207:28326:颜色:红色;20509:28314:尺码:M",
                "price": "59.00",
                "quantity": 120,
                "with_hold_quantity": 3,
                "status": "normal",
                "barcode": "6900000000001",
                "modified": "2026-01-14 09:00:00",
            }
        ]
    },
}
SHIPPING = {
    "tid": TID,
    "out_sid": "SF0000000000001",
    "company_name": "顺丰速运",
    "status": "ACCEPTED_BY_RECEIVER",
    "sub_tids": {"number": [OID]},
    "created": "2026-01-15 16:00:00",
    "modified": "2026-01-17 09:30:00",
}
TRACE = {
    "tid": TID,
    "out_sid": "SF0000000000001",
    "company_name": "顺丰速运",
    "trace_list": {
        "transit_step_info": [
            {"status_time": "2026-01-17 09:30:00", "action": "SIGNED"},
            {"status_time": "2026-01-15 18:00:00", "action": "GOT"},
        ]
    },
}
ITEM_ID = {"num_iid": 700000000001, "approve_status": "onsale", "modified": "2026-01-14 09:00:00"}

Ask = Callable[[TopPlatform], Request[Page]]


def feed_page(name: FeedName, *, count: bool = True) -> Ask:
    def ask(top: TopPlatform) -> Request[Page]:
        feed: Feed = top.feeds[name]
        return top.list_page(feed, WINDOW, 1, count=count)

    return ask


# name -> how it is asked, the response object, the key of its row
SAMPLES: dict[str, tuple[Ask, dict[str, Any], tuple[str, str]]] = {
    "trades_sold_get": (
        feed_page(FeedName.ORDERS_BY_CREATED),
        {"total_results": 1, "trades": {"trade": [TRADE]}, "request_id": "16abc0defghij"},
        (str(TID), "2026-01-15 10:05:08"),
    ),
    "trades_sold_increment_get": (
        feed_page(FeedName.ORDERS_BY_MODIFIED, count=False),
        {"has_next": True, "trades": {"trade": [TRADE]}, "request_id": "16abc0defghij"},
        (str(TID), "2026-01-15 10:05:08"),
    ),
    "refunds_receive_get": (
        feed_page(FeedName.REFUNDS_BY_MODIFIED),
        {"total_results": 1, "refunds": {"refund": [REFUND]}, "request_id": "16abc0defghij"},
        ("281000000000000001", "2026-01-15 12:00:00"),
    ),
    "logistics_orders_get": (
        feed_page(FeedName.SHIPMENTS_BY_CREATED),
        {"total_results": 1, "shippings": {"shipping": [SHIPPING]}, "request_id": "16abc0defghij"},
        (f"{TID}|SF0000000000001", "2026-01-17 09:30:00"),
    ),
    "items_onsale_get": (
        lambda top: top.item_ids(1, on_sale=True),
        {"total_results": 1, "items": {"item": [ITEM_ID]}, "request_id": "16abc0defghij"},
        ("700000000001", "2026-01-14 09:00:00"),
    ),
    "items_inventory_get": (
        lambda top: top.item_ids(1, on_sale=False),
        {"total_results": 1, "items": {"item": [ITEM_ID]}, "request_id": "16abc0defghij"},
        ("700000000001", "2026-01-14 09:00:00"),
    ),
    "items_seller_list_get": (
        lambda top: top.items(["700000000001"]),
        {"items": {"item": [ITEM]}, "request_id": "16abc0defghij"},
        ("700000000001", "2026-01-14 09:00:00"),
    ),
    "trade_fullinfo_get": (
        lambda top: top.order(str(TID)),
        {"trade": TRADE, "request_id": "16abc0defghij"},
        (str(TID), "2026-01-15 10:05:08"),
    ),
    "refund_get": (
        lambda top: top.refund("281000000000000001"),
        {"refund": REFUND, "request_id": "16abc0defghij"},
        ("281000000000000001", "2026-01-15 12:00:00"),
    ),
    "logistics_trace_search": (
        lambda top: top.trace(str(TID)),
        {**TRACE, "request_id": "16abc0defghij"},
        (f"{TID}|SF0000000000001", "2026-01-17 09:30:00"),
    ),
}


def answer(name: str) -> dict[str, Any]:
    """The full answer of an API, under its root key; a copy that may be changed."""
    return {f"{name}_response": copy.deepcopy(SAMPLES[name][1])}
