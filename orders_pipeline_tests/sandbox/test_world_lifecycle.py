"""Trades and refunds move only along the documented state machines, and every habit that the world promises occurs."""

from __future__ import annotations

from itertools import pairwise

from orders_pipeline_tests.sandbox.worlds import grown

UNPAID = {"TRADE_NO_CREATE_PAY", "WAIT_BUYER_PAY", "PAY_PENDING"}
PAID = {
    "PAID_FORBID_CONSIGN",
    "WAIT_SELLER_SEND_GOODS",
    "SELLER_CONSIGNED_PART",
    "WAIT_BUYER_CONFIRM_GOODS",
    "TRADE_BUYER_SIGNED",
}
NEXT = {
    "TRADE_NO_CREATE_PAY": {"WAIT_BUYER_PAY"},
    "WAIT_BUYER_PAY": {"PAY_PENDING", "PAID_FORBID_CONSIGN", "WAIT_SELLER_SEND_GOODS"},
    "PAY_PENDING": {"PAID_FORBID_CONSIGN", "WAIT_SELLER_SEND_GOODS"},
    "PAID_FORBID_CONSIGN": {"WAIT_SELLER_SEND_GOODS"},
    "WAIT_SELLER_SEND_GOODS": {"SELLER_CONSIGNED_PART", "WAIT_BUYER_CONFIRM_GOODS"},
    "SELLER_CONSIGNED_PART": {"WAIT_BUYER_CONFIRM_GOODS"},
    "WAIT_BUYER_CONFIRM_GOODS": {"TRADE_BUYER_SIGNED", "TRADE_FINISHED"},
    "TRADE_BUYER_SIGNED": {"TRADE_FINISHED"},
    "TRADE_FINISHED": set(),
    "TRADE_CLOSED": set(),
    "TRADE_CLOSED_BY_TAOBAO": set(),
}  # fmt: skip
ORDER_STATUSES = set(NEXT) - {"SELLER_CONSIGNED_PART", "PAID_FORBID_CONSIGN"}
REFUND_NEXT = {
    "WAIT_SELLER_AGREE": {"SUCCESS", "WAIT_BUYER_RETURN_GOODS", "SELLER_REFUSE_BUYER", "CLOSED"},
    "SELLER_REFUSE_BUYER": {"WAIT_SELLER_AGREE", "CLOSED"},
    "WAIT_BUYER_RETURN_GOODS": {"WAIT_SELLER_CONFIRM_GOODS", "CLOSED"},
    "WAIT_SELLER_CONFIRM_GOODS": {"SUCCESS", "WAIT_SELLER_CONSIGN_GOODS", "CLOSED"},
    "WAIT_SELLER_CONSIGN_GOODS": {"WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS", "EXCHANGE_TRANSFORM_TO_REFUND"},
    "WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS": {"SUCCESS", "EXCHANGE_TRANSFORM_TO_REFUND"},
    "EXCHANGE_TRANSFORM_TO_REFUND": {"SUCCESS"},
    "SUCCESS": set(),
    "CLOSED": set(),
}


def may_follow(before: str, after: str, cod: bool) -> bool:
    if before == after or after in NEXT[before]:
        return True
    if after == "TRADE_CLOSED_BY_TAOBAO":
        return before in UNPAID
    return after == "TRADE_CLOSED" and before in PAID


def test_trades_move_only_along_the_state_machine():
    for versions in grown().trade_versions.values():
        first = versions[0]
        cod = first["type"] == "cod"
        assert first["status"] in ({"WAIT_SELLER_SEND_GOODS"} if cod else {"WAIT_BUYER_PAY", "TRADE_NO_CREATE_PAY"})
        for before, after in pairwise(versions):
            assert may_follow(before["status"], after["status"], cod), (before["status"], after["status"], after["tid"])


def test_lines_agree_with_their_trade():
    for versions in grown().trade_versions.values():
        for trade in versions:
            status, lines = trade["status"], trade["orders"]
            assert {line["status"] for line in lines} <= ORDER_STATUSES
            if status == "TRADE_CLOSED":
                assert {line["status"] for line in lines} == {"TRADE_CLOSED"}
            if status == "TRADE_FINISHED":
                assert {line["status"] for line in lines} <= {"TRADE_FINISHED", "TRADE_CLOSED"}
                assert any(line["status"] == "TRADE_FINISHED" for line in lines)
            if status == "WAIT_BUYER_CONFIRM_GOODS":
                assert not any(line["status"] == "WAIT_SELLER_SEND_GOODS" for line in lines)
            sent = [line for line in lines if "invoice_no" in line]
            assert all(trade["consign_time"] <= line["consign_time"] for line in sent)
            assert bool(sent) == ("consign_time" in trade)


def test_times_come_when_they_happen_and_modified_never_goes_back():
    for versions in grown().trade_versions.values():
        assert len({trade["created"] for trade in versions}) == 1
        for before, after in pairwise(versions):
            assert before["modified"] <= after["modified"]
        for trade in versions:
            unpaid = trade["status"] in UNPAID | {"TRADE_CLOSED_BY_TAOBAO"}
            if trade["type"] != "cod":
                assert unpaid == ("pay_time" not in trade)
            assert (trade["status"] in {"TRADE_FINISHED", "TRADE_CLOSED", "TRADE_CLOSED_BY_TAOBAO"}) == (
                "end_time" in trade
            )
            moments = [trade[key] for key in ("created", "pay_time", "end_time") if key in trade]
            assert moments == sorted(moments)
            assert moments[-1] <= trade["modified"]


def test_refunds_move_only_along_the_state_machine():
    for versions in grown().refund_versions.values():
        assert versions[0]["status"] == "WAIT_SELLER_AGREE"
        for before, after in pairwise(versions):
            assert after["status"] in REFUND_NEXT[before["status"]]
            assert before["modified"] <= after["modified"]
            assert before["refund_version"] < after["refund_version"]


def test_line_shows_its_newest_refund_and_trade_moves_with_it():
    store = grown()
    newest: dict[int, dict] = {}
    for refund in store.refunds.values():
        newest[refund["oid"]] = max(
            refund, newest.get(refund["oid"], refund), key=lambda row: (row["created"], row["refund_id"])
        )
        assert store.trades[refund["tid"]]["modified"] >= refund["modified"]
    lines = {line["oid"]: line for trade in store.trades.values() for line in trade["orders"]}
    for oid, line in lines.items():
        if oid in newest:
            assert (line["refund_id"], line["refund_status"]) == (newest[oid]["refund_id"], newest[oid]["status"])
        else:
            assert line["refund_status"] == "NO_REFUND"
            assert "refund_id" not in line


def test_presale_goes_from_deposit_to_final_payment_or_forfeit():
    seen = set()
    for versions in grown().trade_versions.values():
        if versions[0]["type"] == "step":
            seen.add(
                tuple(dict.fromkeys((trade["step_trade_status"], trade["status"] in PAID) for trade in versions))[:3]
            )
    nothing, front = ("FRONT_NOPAID_FINAL_NOPAID", False), ("FRONT_PAID_FINAL_NOPAID", False)
    assert {
        (nothing, front, ("FRONT_PAID_FINAL_PAID", True)),
        (nothing, front, ("FRONT_PAID_FRONT_FORFEITED", False)),
        (nothing,),
    } <= seen


def test_every_habit_occurs():
    store = grown()
    trades, refunds = list(store.trades.values()), list(store.refunds.values())
    shippings = [row for rows in store.shippings.values() for row in rows]
    lines = [line for trade in trades for line in trade["orders"]]
    actions = {step["action"] for rows in store.traces.values() for trace in rows for step in trace["trace_list"]}
    versions = [trade for rows in store.trade_versions.values() for trade in rows]
    assert {trade["type"] for trade in trades} == {"fixed", "step", "cod"}
    assert {trade["status"] for trade in versions} == set(NEXT)
    assert {refund["status"] for rows in store.refund_versions.values() for refund in rows} == set(REFUND_NEXT)
    assert {refund["refund_phase"] for refund in refunds} == {"onsale", "aftersale"}
    assert {"REFUND", "REFUND_AND_RETURN", "TMALL_EXCHANGE", "REPAIR"} == {refund["dispute_type"] for refund in refunds}
    assert actions == {"GOT", "DEPARTURE", "ARRIVAL", "SENT_CITY", "SENT_SCAN", "SIGNED", "LOST"}
    assert {"LOST", "REJECTED_BY_RECEIVER", "ACCEPTED_BY_RECEIVER", "SENDING"} <= {row["status"] for row in shippings}
    habits = {
        "split parcels": any(len(rows) > 1 for rows in store.shippings.values()),
        "untracked parcel": any(not trace["trace_list"] for rows in store.traces.values() for trace in rows),
        "gift": any(line["is_free_gift"] for line in lines),
        "oversold": any(line["is_oversold"] for line in lines),
        "price changed": any(line["adjust_fee"] != "0.00" for line in lines),
        "shop discount shared out": any(
            "part_mjz_discount" in line and len(t["orders"]) > 1 for t in trades for line in t["orders"]
        ),
        "no SKU": any("sku_id" not in line for line in lines),
        "no merchant code on the SKU": any("sku_id" in line and "outer_sku_id" not in line for line in lines),
        "county-level city": any("receiver_city" not in trade for trade in trades),
        "part confirm": any(
            trade["status"] == "WAIT_BUYER_CONFIRM_GOODS"
            and any(line["status"] == "TRADE_FINISHED" for line in trade["orders"])
            for trade in versions
        ),
        "refund of a part of the lines": any(
            trade["status"] == "TRADE_FINISHED" and any(line["status"] == "TRADE_CLOSED" for line in trade["orders"])
            for trade in trades
        ),
        "memo": any(trade["seller_memo"] for trade in trades),
        "cod refused": any(trade["status"] == "TRADE_CLOSED" and "pay_time" not in trade for trade in trades),
    }
    assert [name for name, occurs in habits.items() if not occurs] == []
    codes = [sku["outer_id"] for item in store.items.values() for sku in item["skus"] if "outer_id" in sku]
    assert len(codes) > len(set(codes)), "some merchant codes are shared"
