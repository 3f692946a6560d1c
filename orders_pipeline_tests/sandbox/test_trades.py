"""Trades: filters, windows, the three-month wall, and which fields come back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orders_pipeline.sandbox.apis.trades import months_before
from orders_pipeline.sandbox.clock import SandboxClock, from_wire, to_wire
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline_tests.sandbox.caller import Caller
from orders_pipeline_tests.sandbox.shop import FIRST_TID, NOW, a_trade, ago, an_order

SOLD, INCREMENT, INCREMENTV = (f"taobao.trades.sold.{name}" for name in ("get", "increment.get", "incrementv.get"))
TID = FIRST_TID + 1_000_000


def tids(body: dict[str, object]) -> set[int]:
    rows = body.get("trades", {"trade": []})
    assert isinstance(rows, dict)
    return {(row["tid"] - FIRST_TID) // 1_000_000 for row in rows["trade"]}


def test_default_types_hide_the_others(call: Caller) -> None:
    kinds = ["fixed", "auction", "auto_delivery", "ec", "cod", "step", "nopaid", "tmall_i18n"]
    for number, kind in enumerate(kinds, 10):
        call.sandbox.store.put_trade(a_trade(number, ago(minutes=5), type=kind))
    window = {"start_created": ago(minutes=6), "end_created": ago(minutes=4)}
    assert tids(call(SOLD, fields="tid", **window)) == {10, 11, 12, 13, 14, 15}
    assert tids(call(SOLD, fields="tid", type="nopaid, tmall_i18n", **window)) == {16, 17}
    assert tids(call(SOLD, fields="tid", type="guarantee_trade", **window)) == {10, 11}


def test_filters(call: Caller) -> None:
    put = call.sandbox.store.put_trade
    put(a_trade(10, ago(minutes=5), status="WAIT_BUYER_PAY", buyer_nick="陈**"))
    put(a_trade(11, ago(minutes=5), status="TRADE_NO_CREATE_PAY"))
    put(a_trade(12, ago(minutes=5), status="TRADE_CLOSED", buyer_rate=True))
    put(a_trade(13, ago(minutes=5), status="TRADE_CLOSED_BY_TAOBAO", seller_rate=True))
    put(a_trade(14, ago(minutes=5), status="TRADE_FINISHED", buyer_rate=True, seller_rate=True))
    window = {"fields": "tid", "start_created": ago(minutes=6), "end_created": ago(minutes=4)}
    assert tids(call(SOLD, status="TRADE_FINISHED", **window)) == {14}
    assert tids(call(SOLD, status="ALL_WAIT_PAY", **window)) == {10, 11}
    assert tids(call(SOLD, status="ALL_CLOSED", **window)) == {12, 13}
    assert tids(call(SOLD, buyer_nick="陈**", **window)) == {10}
    assert tids(call(SOLD, buyer_open_id=f"AAHdemo{12:016d}", **window)) == {12}
    for rate, expected in {
        "RATE_UNBUYER": {10, 11, 13},
        "RATE_UNSELLER": {10, 11, 12},
        "RATE_BUYER_UNSELLER": {12},
        "RATE_UNBUYER_SELLER": {13},
        "RATE_BUYER_SELLER": {14},
    }.items():
        assert tids(call(SOLD, rate_status=rate, **window)) == expected
    assert tids(call(SOLD, tag="time_card", **window)) == set()
    assert call.refusal(SOLD, status="PAID", **window)["code"] == 41


@pytest.mark.parametrize(
    ("api", "axis"), [(SOLD, "created"), (INCREMENT, "modified"), (INCREMENTV, "create")], ids=["sold", "inc", "incv"]
)
def test_window_rules(call: Caller, api: str, axis: str) -> None:
    start, end = f"start_{axis}", f"end_{axis}"

    def asked(since: str, until: str) -> set[int]:
        return tids(call(api, fields="tid", **{start: since, end: until}))

    edge = ago(hours=3)
    second = timedelta(seconds=1)
    assert asked(edge, to_wire(from_wire(edge) + second)) == {1}, "inclusive start"
    assert asked(to_wire(from_wire(edge) - second), edge) == {1}, "inclusive end"
    assert asked(to_wire(from_wire(edge) + second), to_wire(from_wire(edge) + 2 * second)) == set()
    backwards = call.refusal(api, fields="tid", **{start: edge, end: edge})
    assert (backwards["code"], backwards["sub_code"]) == (15, f"isv.invalid-parameter:{end}")
    assert call.refusal(api, fields="tid", **{start: "2026-1-5 01:02:03", end: edge})["code"] == 41


@pytest.mark.parametrize(("api", "axis"), [(INCREMENT, "modified"), (INCREMENTV, "create")])
def test_increments_need_a_window_of_at_most_a_day(call: Caller, api: str, axis: str) -> None:
    start, end = f"start_{axis}", f"end_{axis}"
    assert call.refusal(api, fields="tid", **{start: ago(hours=1)})["msg"] == f"Missing required arguments:{end}"
    assert tids(call(api, fields="tid", **{start: ago(days=1), end: ago(days=0)})) == {1, 2}
    longer = call.refusal(api, fields="tid", **{start: ago(days=1, seconds=1), end: ago(days=0)})
    assert longer["code"] == 15


def test_a_late_commit_lands_in_a_window_already_past(call: Caller) -> None:
    window = {"fields": "tid", "start_modified": ago(minutes=40), "end_modified": ago(minutes=30)}
    assert tids(call(INCREMENT, **window)) == set()
    call.sandbox.store.put_trade(a_trade(10, ago(hours=1), modified=ago(minutes=35)), arrived=ago(minutes=1))
    assert tids(call(INCREMENT, **window)) == {10}
    arrived = call(
        INCREMENTV, fields="tid,async_modified,modified", start_create=ago(minutes=2), end_create=ago(minutes=0)
    )
    assert [(row["modified"], row["async_modified"]) for row in arrived["trades"]["trade"]] == [
        (ago(minutes=35), ago(minutes=1))
    ]


def test_three_month_wall(call: Caller) -> None:
    wall = from_wire("2025-10-15 12:00:00")
    put = call.sandbox.store.put_trade
    put(a_trade(10, to_wire(wall), modified=ago(hours=1)))
    put(a_trade(11, to_wire(wall - timedelta(seconds=1)), modified=ago(hours=1)))
    put(a_trade(12, "2023-12-01 00:00:00"))
    assert tids(call(SOLD, fields="tid", start_created="2025-01-01 00:00:00")) == {1, 2, 10}, "clipped"
    assert tids(call(INCREMENT, fields="tid", start_modified=ago(hours=2), end_modified=ago(minutes=1))) == {2, 10}
    assert tids(call("taobao.trades.sold.history.get", fields="tid")) == {11}, "two years back at most"
    for api in ("taobao.trade.fullinfo.get", "taobao.trade.get"):
        assert call(api, fields="tid", tid=FIRST_TID + 10_000_000)["trade"]["tid"]
        assert call.refusal(api, fields="tid", tid=FIRST_TID + 11_000_000)["sub_code"] == "isv.trade-not-exist"


def test_three_month_wall_is_an_error_by_option() -> None:
    options = SandboxOptions(rows_behind_wall="error")
    with SandboxServer(Store(), clock=SandboxClock.stepped(NOW), options=options) as sandbox:
        call = Caller(sandbox)
        assert call.refusal(SOLD, fields="tid", start_created="2025-01-01 00:00:00")["code"] == 15
        assert call(SOLD, fields="tid", start_created="2025-10-15 12:00:00")["total_results"] == 0


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2026-05-31 08:00:00", "2026-02-28 08:00:00"), ("2026-01-15 00:00:01", "2025-10-15 00:00:01")],
)
def test_months_are_calendar_months(now: str, expected: str) -> None:
    assert months_before(from_wire(now), 3) == expected


def test_only_requested_fields_come_back(call: Caller) -> None:
    row = call(SOLD, fields="tid, status ,no_such_field,,orders.oid,orders.num")["trades"]["trade"][0]
    assert row.keys() == {"tid", "status", "orders"}
    assert [order.keys() for order in row["orders"]["order"]] == [{"oid", "num"}]


def test_orders_wins_over_its_parts(call: Caller) -> None:
    row = call("taobao.trade.fullinfo.get", fields="orders.oid,orders", tid=TID)["trade"]
    assert row["orders"]["order"] == [an_order(TID) | {"oid_str": str(TID)}]


def test_lists_inside_orders_are_wrapped(call: Caller) -> None:
    parts = [{"item_id": 1, "quantity": 2}]
    trade = a_trade(10, ago(minutes=5), orders=[an_order(5, combine_item_info=parts), an_order(6)])
    call.sandbox.store.put_trade(trade)
    for fields in ("orders", "orders.combine_item_info"):
        row = call("taobao.trade.get", fields=fields, tid=trade["tid"])["trade"]
        first, second = row["orders"]["order"]
        assert first["combine_item_info"] == {"combine_sub_item_do": parts}
        assert "combine_item_info" not in second


def test_what_only_fullinfo_tells(call: Caller) -> None:
    fields = "tid,tid_str,promotion_details,orders,async_modified"
    full = call("taobao.trade.fullinfo.get", fields=fields, tid=TID)["trade"]
    assert full["tid_str"] == str(TID)
    assert full["promotion_details"]["promotion_detail"][0]["promotion_name"] == "店铺满减"
    assert "async_modified" not in full
    for row in call(SOLD, fields=fields)["trades"]["trade"]:
        assert row.keys() == {"tid", "orders"}
        assert "oid_str" not in row["orders"]["order"][0]


def test_personal_fields_come_to_those_who_ask(call: Caller) -> None:
    address = "receiver_name,receiver_address,receiver_mobile,receiver_phone,created"
    assert call("taobao.trade.fullinfo.get", fields="oaid,receiver_name", tid=TID)["trade"] == {"receiver_name": "张**"}
    assert "oaid" in call("taobao.trade.fullinfo.get", fields=f"oaid,{address}", tid=TID)["trade"]
    assert "oaid" in call("taobao.trade.fullinfo.get", fields="oaid", include_oaid="true", tid=TID)["trade"]
    assert "oaid" in call(SOLD, fields=f"oaid,{address}")["trades"]["trade"][0]
    short = call("taobao.trade.get", fields=f"tid,oaid,{address},step_paid_fee", tid=TID)["trade"]
    assert short.keys() == {"tid", "created"}
