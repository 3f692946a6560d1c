"""Refunds, parcels, traces and items as their sections of the spec describe them."""

from __future__ import annotations

from typing import Any

import pytest

from orders_pipeline_tests.sandbox.caller import Caller
from orders_pipeline_tests.sandbox.shop import FIRST_TID, MUG, SOCK, TEE, a_refund, a_trade, ago, an_item

RECEIVE = "taobao.refunds.receive.get"
FIRST, SECOND = FIRST_TID + 1_000_000, FIRST_TID + 2_000_000


def ids(body: dict[str, Any]) -> list[str]:
    return [row["refund_id"] for row in body.get("refunds", {"refund": []})["refund"]]


def test_refunds_newest_first_by_modified_and_status(call: Caller) -> None:
    put = call.sandbox.store.put_refund
    put(a_refund(2, FIRST, ago(minutes=30), status="SUCCESS"))
    put(a_refund(3, FIRST, ago(minutes=20)))
    put(a_refund(3, FIRST, ago(minutes=10)))
    assert [text[-1] for text in ids(call(RECEIVE, fields="refund_id"))] == ["3", "2", "1"]
    window = {"start_modified": ago(minutes=30), "end_modified": ago(minutes=20)}
    assert [text[-1] for text in ids(call(RECEIVE, fields="refund_id", **window))] == ["2"]
    assert [text[-1] for text in ids(call(RECEIVE, fields="refund_id", status="SUCCESS"))] == ["2"]
    assert call.refusal(RECEIVE, fields="refund_id", status="DONE")["code"] == 41


def test_refunds_default_types_lack_cod_ec_and_step(call: Caller) -> None:
    kinds = ["cod", "ec", "step", "auto_delivery", "auction"]
    for number, kind in enumerate(kinds, 10):
        trade = a_trade(number, ago(minutes=9), type=kind)
        call.sandbox.store.put_trade(trade)
        call.sandbox.store.put_refund(a_refund(number, trade["tid"], ago(minutes=8)))
    window = {"fields": "refund_id", "start_modified": ago(minutes=9)}
    assert {text[-2:] for text in ids(call(RECEIVE, **window))} == {"13", "14"}
    assert {text[-2:] for text in ids(call(RECEIVE, type="cod,ec,step", **window))} == {"10", "11", "12"}


def test_one_refund_tells_more_than_the_list(call: Caller) -> None:
    fields = "refund_id,status,num_iid,price"
    (row,) = call(RECEIVE, fields=fields)["refunds"]["refund"]
    assert row.keys() == {"refund_id", "status"}
    assert isinstance(row["refund_id"], str)
    one = call("taobao.refund.get", fields=fields, refund_id=row["refund_id"])["refund"]
    assert one.keys() == {"refund_id", "status", "num_iid", "price"}
    assert call.refusal("taobao.refund.get", fields=fields, refund_id=1)["sub_code"] == "isv.refund-not-exist"


def test_traces(call: Caller) -> None:
    steps = call.sandbox.store.traces[SECOND][0]["trace_list"]
    expected = {"tid": SECOND, "out_sid": "SF1", "company_name": "顺丰速运", "status": "对方已签收"} | {
        "trace_list": {"transit_step_info": steps}
    }
    found = call("taobao.logistics.trace.search", tid=SECOND, seller_nick="测试店")
    assert {name: found[name] for name in expected} == expected
    assert call("taobao.logistics.trace.search", tid=SECOND, is_split=1, sub_tid=SECOND)["out_sid"] == "SF1"
    assert call.refusal("taobao.logistics.trace.search", tid=SECOND, is_split=1, sub_tid=7)["code"] == 15
    assert call.refusal("taobao.logistics.trace.search", tid=FIRST)["code"] == 15
    assert call("taobao.logistics.trace.get", tid=SECOND)["result"] == {"transit_step_result": [expected]}
    assert "result" not in call("taobao.logistics.trace.get", tid=FIRST)
    assert call.refusal("taobao.logistics.trace.get", tid=7)["sub_code"] == "isv.trade-not-exist"


def test_parcels_by_order_and_by_created(call: Caller) -> None:
    fields = "tid,out_sid,sub_tids,receiver_mobile"
    expected = {"tid": SECOND, "out_sid": "SF1", "sub_tids": {"number": [SECOND]}}
    for params in ({"tid": SECOND}, {"start_created": ago(hours=3)}, {"seller_confirm": "yes"}):
        body = call("taobao.logistics.orders.get", fields=fields, **params)
        assert body["shippings"] == {"shipping": [expected]}
        assert body["total_results"] == 1
    for params in ({"tid": FIRST}, {"start_created": ago(hours=1)}, {"status": "LOST"}):
        body = call("taobao.logistics.orders.get", fields=fields, **params)
        assert body.keys() == {"total_results", "request_id"}
    detail = call("taobao.logistics.orders.detail.get", fields=fields, tid=SECOND)
    assert detail["shippings"] == {"single_result_dto": [expected | {"receiver_mobile": "138********"}]}


def test_items_on_sale_and_not(call: Caller) -> None:
    body = call("taobao.items.onsale.get", fields="num_iid,skus,num", order_by="num:asc")
    assert body["items"]["item"] == [{"num_iid": MUG, "num": 7}, {"num_iid": TEE, "num": 13}]
    assert body["total_results"] == 2
    assert call("taobao.items.inventory.get", fields="num_iid")["items"]["item"] == [{"num_iid": SOCK}]
    assert call("taobao.items.onsale.get", fields="num_iid", q="TEE")["total_results"] == 1
    assert call("taobao.items.onsale.get", fields="num_iid", start_modified=ago(hours=1))["total_results"] == 0
    assert call.refusal("taobao.items.onsale.get", fields="num_iid", page_no=101, page_size=200)["code"] == 15
    assert call.refusal("taobao.items.onsale.get", fields="num_iid", page_size=201)["code"] == 41
    assert call.refusal("taobao.items.inventory.get", fields="num_iid", page_no=102)["code"] == 41
    assert call.refusal("taobao.items.onsale.get", fields="num_iid", order_by="price:up")["code"] == 41


def test_items_one_by_one_and_in_batches(call: Caller) -> None:
    fields = "num_iid,with_hold_quantity,sku.sku_id,sku.quantity"
    item = call("taobao.item.seller.get", fields=fields, num_iid=TEE)["item"]
    assert item["skus"]["sku"] == [{"sku_id": 5000000000101, "quantity": 5}, {"sku_id": 5000000000102, "quantity": 8}]
    whole = call("taobao.item.seller.get", fields="sku", num_iid=TEE)["item"]
    assert whole == {"skus": {"sku": call.sandbox.store.items[TEE]["skus"]}}
    batch = call("taobao.items.seller.list.get", fields=fields, num_iids=f"{TEE},42,{MUG}")["items"]["item"]
    assert batch == [item, {"num_iid": MUG, "with_hold_quantity": 0}]
    many = ",".join(str(number) for number in range(21))
    assert call.refusal("taobao.items.seller.list.get", fields=fields, num_iids=many)["code"] == 41
    assert call.refusal("taobao.item.seller.get", fields=fields, num_iid=42)["code"] == 15


def test_skus(call: Caller) -> None:
    fields = "sku_id,num_iid,quantity,with_hold_quantity,barcode"
    rows = call("taobao.item.skus.get", fields=fields, num_iids=f"{SOCK},{MUG}")["skus"]["sku"]
    assert rows == [{"sku_id": 5000000000201, "num_iid": SOCK, "quantity": 3}]
    one = call("taobao.item.sku.get", fields=fields, sku_id=5000000000201, num_iid=SOCK)["sku"]
    assert one == rows[0] | {"with_hold_quantity": 1, "barcode": "690"}
    assert call("taobao.item.sku.get", fields=fields, sku_id=5000000000201)["sku"] == one
    assert call.refusal("taobao.item.sku.get", fields=fields, sku_id=1)["code"] == 15


RED, BLUE = 5000000000101, 5000000000102


def levels(call: Caller) -> tuple[list[int], int]:
    item = call.sandbox.store.items[TEE]
    return [sku["quantity"] for sku in item["skus"]], item["num"]


def test_item_quantity_update(call: Caller) -> None:
    update = "taobao.item.quantity.update"
    call("taobao.tmc.user.permit")
    answer = call(update, num_iid=TEE, sku_id=RED, quantity=9)["item"]
    assert answer == {
        "iid": str(TEE),
        "num_iid": TEE,
        "num": 17,
        "modified": ago(days=0),
        "skus": {"sku": [{"sku_id": RED, "quantity": 9, "modified": ago(days=0)}]},
    }
    call(update, num_iid=TEE, outer_id="TEE-2", quantity=-3, type=2)
    assert levels(call) == ([9, 5], 14)
    assert call.refusal(update, num_iid=TEE, sku_id=RED, quantity=-10, type=2)["code"] == 15
    assert call.refusal(update, num_iid=TEE, sku_id=RED, quantity=-1)["code"] == 15
    assert call.refusal(update, num_iid=TEE, quantity=1)["code"] == 40
    assert levels(call) == ([9, 5], 14), "refused changes change nothing"
    assert call(update, num_iid=MUG, quantity=1)["item"]["num"] == 1
    messages = call("taobao.tmc.messages.consume")["messages"]["tmc_message"]
    assert [message["topic"] for message in messages] == ["taobao_item_ItemStockChanged"] * 3


def test_skus_quantity_update_clamps_deltas(call: Caller) -> None:
    update = "taobao.skus.quantity.update"
    call(update, num_iid=TEE, skuid_quantities=f"{RED}:-99;{BLUE}:2", outerid_quantities="TEE-2:50", type=2)
    assert levels(call) == ([0, 10], 10)
    call.sandbox.store.put_item(an_item(TEE, "TEE", [1, 2]) | {"skus": same_code(an_item(TEE, "TEE", [1, 2]))})
    call(update, num_iid=TEE, outerid_quantities="TEE:4")
    assert levels(call) == ([4, 4], 8), "one outer_id hits every match"
    assert call.refusal(update, num_iid=TEE, skuid_quantities=f"{RED}:7;{BLUE}:-1")["code"] == 15
    assert call.refusal(update, num_iid=TEE, skuid_quantities="7")["code"] == 41
    assert levels(call) == ([4, 4], 8)


def same_code(item: dict[str, Any]) -> list[dict[str, Any]]:
    return [sku | {"outer_id": "TEE"} for sku in item["skus"]]


@pytest.mark.parametrize("name", ["sku_id", "outer_id", "properties"])
def test_tmall_quantity_update_is_idempotent_by_key(call: Caller, name: str) -> None:
    value = call.sandbox.store.items[TEE]["skus"][0][name]
    params = {
        "item_id": TEE,
        "sku_quantities": f'[{{"{name}":"{value}","quantity":2}}]',
        "options": '{"type":2,"outer_biz_key":"ab12"}',
    }
    for _ in range(2):
        body = call.raw("tmall.item.quantity.update", **params)
        assert body["tmall_item_quantity_update_response"]["quantity_update_result"] == str(TEE)
    assert levels(call) == ([7, 8], 15)
    assert call.refusal("tmall.item.quantity.update", **params | {"options": "{"})["code"] == 41
