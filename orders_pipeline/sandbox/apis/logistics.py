"""Traces and parcels (spec section 7)."""

from __future__ import annotations

from orders_pipeline.sandbox.apis.registry import api
from orders_pipeline.sandbox.apis.trades import PAGE_MOST
from orders_pipeline.sandbox.call import Call
from orders_pipeline.sandbox.errors import refused
from orders_pipeline.sandbox.projection import whole
from orders_pipeline.sandbox.store import Wire

SUB_TIDS_MOST = 50
SAME = ("status", "seller_confirm", "freight_payer", "type", "buyer_nick", "receiver_name")
HIDDEN_IN_ORDERS = frozenset({"receiver_phone", "receiver_mobile", "location", "is_quick_cod_order", "mails"})
DETAIL_ALIASES = (("receiver_location", "location"),)


@api("taobao.logistics.trace.search")
def search(call: Call) -> Wire:
    """One parcel's trace: the one that holds ``sub_tid`` when split, else the first."""
    tid, traces = _traces(call)
    if call.whole("is_split", default=0, high=1):
        asked = set(call.ids("sub_tid", SUB_TIDS_MOST))
        numbers = {
            parcel.get("out_sid")
            for parcel in call.store.shippings.get(tid, [])
            if asked.intersection(parcel.get("sub_tids", []))
        }
        traces = [trace for trace in traces if trace["out_sid"] in numbers]
    if not traces:
        raise refused("isv.logistics-order-not-exist", "no parcel for this trade")
    return {"tid": tid, **whole(traces[0], call.simplify)}


@api("taobao.logistics.trace.get")
def trace(call: Call) -> Wire:
    """Every parcel's trace of a trade."""
    tid, traces = _traces(call)
    return call.many("result", [{"tid": tid, **whole(row, call.simplify)} for row in traces], "transit_step_result")


@api("taobao.logistics.orders.get")
def orders(call: Call) -> Wire:
    """Parcels of one trade, or by created, newest first."""
    return _parcels(call, "shipping", HIDDEN_IN_ORDERS)


@api("taobao.logistics.orders.detail.get")
def orders_detail(call: Call) -> Wire:
    """The same with masked phones, location and mails; its rows have another element name."""
    return _parcels(call, "single_result_dto", frozenset())


def _traces(call: Call) -> tuple[int, list[Wire]]:
    tid = call.whole("tid")
    if tid not in call.store.trades:
        raise refused("isv.trade-not-exist", "trade does not exist")
    return tid, call.store.traces.get(tid, [])


def _parcels(call: Call, element: str, hidden: frozenset[str]) -> Wire:
    project, page = call.projection(hidden, DETAIL_ALIASES), call.page(PAGE_MOST)
    if call.text("tid"):
        rows = call.store.shippings.get(call.whole("tid"), [])
    else:
        start, end = call.window("start_created", "end_created")
        rows = call.store.shippings_by_created(start, end, flip_ties=call.flip_ties)
        for name in SAME:
            value = call.text(name)
            if value:
                rows = [row for row in rows if row.get(name) == value]
    body = call.listing("shippings", element, rows, project, page)
    body.pop("has_next", None)  # these two always count
    return {"total_results": len(rows)} | body
