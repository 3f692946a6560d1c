"""Refunds as the seller sees them (spec section 5)."""

from __future__ import annotations

from orders_pipeline.sandbox.apis.registry import api
from orders_pipeline.sandbox.apis.trades import GUARANTEE, PAGE_MOST
from orders_pipeline.sandbox.call import Call
from orders_pipeline.sandbox.errors import invalid_argument, refused
from orders_pipeline.sandbox.store import Wire

STATUSES = frozenset({
    "WAIT_SELLER_AGREE", "WAIT_BUYER_RETURN_GOODS", "WAIT_SELLER_CONFIRM_GOODS", "SELLER_REFUSE_BUYER",
    "CLOSED", "SUCCESS", "WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS", "EXCHANGE_TRANSFORM_TO_REFUND",
    "WAIT_SELLER_CONSIGN_GOODS",
})  # fmt: skip
DEFAULT_TYPES = frozenset({"guarantee_trade", "auto_delivery"})
FIELDS_MOST = 100
# refund.get adds these
HIDDEN_IN_LIST = frozenset({
    "num_iid", "price", "address", "alipay_no", "good_return_time", "shipping_type", "cs_status",
    "advance_status", "split_seller_fee", "split_taobao_fee", "refund_remind_timeout", "end_time",
    "combine_item_info",
})  # fmt: skip


@api("taobao.refunds.receive.get")
def receive(call: Call) -> Wire:
    """By modified, newest first; the type filter is that of the refund's trade."""
    project, page = call.projection(HIDDEN_IN_LIST), call.page(PAGE_MOST)
    if len(call.names("fields")) > FIELDS_MOST:
        raise invalid_argument("fields", f"at most {FIELDS_MOST}")
    status = call.one_of("status", STATUSES)
    types = call.names("type") or DEFAULT_TYPES
    if "guarantee_trade" in types:
        types |= GUARANTEE
    start, end = call.window("start_modified", "end_modified")
    trades = call.store.trades
    rows = [
        row
        for row in call.store.refunds_by_modified(start, end, flip_ties=call.flip_ties)
        if (trades[row["tid"]]["type"] if row["tid"] in trades else "fixed") in types
    ]
    for name, value in (
        ("status", status),
        ("buyer_nick", call.text("buyer_nick")),
        ("buyer_open_uid", call.text("buyer_open_uid")),
    ):
        if value:
            rows = [row for row in rows if row.get(name) == value]
    return call.listing("refunds", "refund", rows, project, page)


@api("taobao.refund.get")
def one(call: Call) -> Wire:
    """One refund with all its fields."""
    project = call.projection()
    refund = call.store.refunds.get(str(call.whole("refund_id")))
    if refund is None:
        raise refused("isv.refund-not-exist", "refund does not exist")
    return {"refund": project(refund)}
