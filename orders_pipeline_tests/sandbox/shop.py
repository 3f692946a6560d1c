"""A hand-made shop for tests of the gateway: rows in the platform's words, no world and no chance involved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from orders_pipeline.sandbox.clock import to_wire
from orders_pipeline.sandbox.store import Store

NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)  # 12:00 in the shop's zone
FIRST_TID = 3900123456789012345
TEE, SOCK, MUG = 700000000001, 700000000002, 700000000003


def ago(**delta: float) -> str:
    """The wire date that long before NOW."""
    return to_wire(NOW - timedelta(**delta))


def an_order(oid: int, **fields: Any) -> dict[str, Any]:
    return {
        "oid": oid,
        "status": "WAIT_SELLER_SEND_GOODS",
        "num_iid": TEE,
        "sku_id": "5000000000001",
        "title": "短袖T恤",
        "num": 2,
        "price": "59.00",
        "total_fee": "118.00",
        "refund_status": "NO_REFUND",
        "is_oversold": False,
    } | fields


def a_trade(number: int, created: str, **fields: Any) -> dict[str, Any]:
    """Trade ``number`` with one order; ``modified`` is ``created`` unless given."""
    tid = FIRST_TID + number * 1_000_000
    return {
        "tid": tid,
        "type": "fixed",
        "status": "WAIT_SELLER_SEND_GOODS",
        "title": "测试店",
        "seller_nick": "测试店",
        "buyer_nick": "测**",
        "buyer_open_uid": f"AAHdemo{number:016d}",
        "created": created,
        "modified": created,
        "payment": "118.00",
        "receiver_name": "张**",
        "receiver_mobile": "138********",
        "receiver_phone": "",
        "receiver_address": "三*镇**路**号",
        "receiver_city": "杭州市",
        "oaid": "1demoOAID0000000001",
        "buyer_rate": False,
        "seller_rate": False,
        "orders": [an_order(tid)],
    } | fields


def a_refund(number: int, tid: int, modified: str, **fields: Any) -> dict[str, Any]:
    return {
        "refund_id": str(281000000000000000 + number),
        "tid": tid,
        "oid": tid,
        "status": "WAIT_SELLER_AGREE",
        "order_status": "WAIT_SELLER_SEND_GOODS",
        "refund_phase": "onsale",
        "dispute_type": "REFUND",
        "refund_fee": "59.00",
        "num_iid": TEE,
        "price": "59.00",
        "has_good_return": False,
        "created": modified,
        "modified": modified,
    } | fields


def an_item(num_iid: int, code: str, quantities: list[int], **fields: Any) -> dict[str, Any]:
    skus = [
        {
            "sku_id": 5000000000000 + num_iid % 1000 * 100 + place,
            "outer_id": f"{code}-{place}",
            "properties": f"1627207:{place}",
            "quantity": quantity,
            "with_hold_quantity": 1,
            "barcode": "690",
            "price": "59.00",
            "status": "normal",
            "modified": ago(days=1),
        }
        for place, quantity in enumerate(quantities, 1)
    ]
    return {
        "num_iid": num_iid,
        "title": f"商品{code}",
        "cid": 50000436,
        "outer_id": code,
        "num": sum(quantities) if quantities else 7,
        "price": "59.00",
        "approve_status": "onsale",
        "with_hold_quantity": len(quantities),
        "sub_stock": 2,
        "list_time": ago(days=num_iid % 10),
        "modified": ago(days=1),
        "skus": skus,
    } | fields


def a_shop() -> Store:
    """Three items, one refund, one parcel with its trace, and a trade for each."""
    store = Store()
    store.put_item(an_item(TEE, "TEE", [5, 8]))
    store.put_item(an_item(SOCK, "SOCK", [3], approve_status="instock"))
    store.put_item(an_item(MUG, "MUG", []))
    store.put_trade(
        a_trade(1, ago(hours=3)),
        [{"id": FIRST_TID + 1_000_000, "promotion_name": "店铺满减", "discount_fee": "1.00"}],
    )
    shipped = a_trade(2, ago(hours=2), status="WAIT_BUYER_CONFIRM_GOODS")
    store.put_trade(shipped)
    store.put_refund(a_refund(1, FIRST_TID + 1_000_000, ago(hours=1)))
    store.put_shipping(
        {
            "tid": shipped["tid"],
            "order_code": "LP1",
            "out_sid": "SF1",
            "company_name": "顺丰速运",
            "status": "ACCEPTED_BY_RECEIVER",
            "type": "express",
            "freight_payer": "seller",
            "seller_confirm": "yes",
            "receiver_name": "张**",
            "receiver_mobile": "138********",
            "created": ago(hours=2),
            "modified": ago(hours=1),
            "is_split": 1,
            "sub_tids": [shipped["tid"]],
        }
    )
    steps = [
        {"status_time": ago(hours=2), "status_desc": "已揽收", "action": "GOT"},
        {"status_time": ago(hours=1), "status_desc": "已签收", "action": "SIGNED"},
    ]
    store.put_trace(
        shipped["tid"], {"out_sid": "SF1", "company_name": "顺丰速运", "status": "对方已签收", "trace_list": steps}
    )
    return store
