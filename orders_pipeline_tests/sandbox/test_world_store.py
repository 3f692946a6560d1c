"""Determinism, ids, time indexes, stock, parcels and messages of the living shop."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sandbox.store import Store
from orders_pipeline.sandbox.world import World
from orders_pipeline_tests.sandbox.worlds import grown, permit_all

START = datetime(2026, 3, 2, 7, 30, 11, tzinfo=SHOP_TZ)


def world(seed: int, *, listening: bool) -> tuple[Store, World]:
    store = Store()
    if listening:
        permit_all(store)
    return store, World(store, seed, START, 40, products=30)


@pytest.mark.parametrize("listening", [False, True])
def test_one_long_step_equals_many_short_ones(listening):
    whole, at_once = world(3, listening=listening)
    at_once.advance(START + timedelta(days=20))
    pieces, stepwise = world(3, listening=listening)
    now = START
    for minutes in [1, 7, 60, 1, 0, 333] * 80:
        now += timedelta(minutes=minutes)
        stepwise.advance(min(now, START + timedelta(days=20)))
    stepwise.advance(START + timedelta(days=20))
    assert len(whole.trades) > 500
    assert whole.truth() == pieces.truth()
    assert len(whole.messages.all()) > 5000 if listening else not whole.messages.all()


def test_seeds_give_different_shops_with_different_ids():
    one, first = world(1, listening=False)
    two, second = world(2, listening=False)
    for other in (first, second):
        other.advance(START + timedelta(days=3))
    assert one.trades.keys().isdisjoint(two.trades)
    assert [t["payment"] for t in one.trades.values()] != [t["payment"] for t in two.trades.values()]


def test_nothing_happens_before_the_start_or_after_now():
    store, shop = world(5, listening=False)
    end = START + timedelta(days=9, hours=3, seconds=7)
    shop.advance(end)
    first, last = START.strftime("%Y-%m-%d %H:%M:%S"), end.strftime("%Y-%m-%d %H:%M:%S")
    for trade in store.trades.values():
        assert first <= trade["created"] <= trade["modified"] <= last
    for refund in store.refunds.values():
        assert refund["modified"] <= last
    for rows in store.traces.values():
        assert all(step["status_time"] <= last for trace in rows for step in trace["trace_list"])
    for rows in store.shippings.values():
        assert all(row["modified"] <= last for row in rows)


def test_ids_are_unique_and_of_their_length():
    store = grown()
    oids = Counter(line["oid"] for trade in store.trades.values() for line in trade["orders"])
    assert max(oids.values()) == 1
    assert all(len(str(oid)) == 19 for oid in oids)
    assert all(len(str(tid)) == 19 for tid in store.trades)
    for tid, trade in store.trades.items():
        own = [line["oid"] for line in trade["orders"]]
        assert own == [tid] if len(own) == 1 else tid not in own
    assert all(len(key) == 18 and key.isdigit() for key in store.refunds)
    numbers = Counter(row["out_sid"] for rows in store.shippings.values() for row in rows)
    assert max(numbers.values()) == 1


def test_time_indexes_hold_every_row_once_where_it_stands():
    store = grown()
    for axis, column in (("created", "created"), ("modified", "modified"), ("arrived", "async_modified")):
        found = store.trades_by(axis, "2000", "2100")
        assert sorted(trade["tid"] for trade in found) == sorted(store.trades)
        assert [trade[column] for trade in found] == sorted((trade[column] for trade in found), reverse=True)
    assert {row["refund_id"] for row in store.refunds_by_modified("2000", "2100")} == set(store.refunds)


def test_stock_is_never_negative_and_adds_up():
    store = grown()
    for item in store.items.values():
        skus = item["skus"]
        assert item["num"] >= 0
        assert item["with_hold_quantity"] >= 0
        if skus:
            assert item["num"] == sum(sku["quantity"] for sku in skus)
            assert item["with_hold_quantity"] == sum(sku["with_hold_quantity"] for sku in skus)
            assert all(sku["quantity"] >= 0 and sku["with_hold_quantity"] >= 0 for sku in skus)
    withheld = Counter[int]()
    for trade in store.trades.values():
        if trade["status"] in ("WAIT_BUYER_PAY", "TRADE_NO_CREATE_PAY", "PAY_PENDING"):
            for line in trade["orders"]:
                withheld[line["num_iid"]] += line["num"]
    assert {
        key: item["with_hold_quantity"] for key, item in store.items.items() if item["with_hold_quantity"]
    } == +withheld


def test_stock_runs_out_now_and_then_and_comes_back():
    topics = Counter(message["topic"] for message in grown().messages.all())
    assert topics["taobao_item_ItemSkuZeroStock"] > 5
    assert topics["taobao_item_ItemZeroStock"] > 0
    empty = sum(item["num"] == 0 for item in grown().items.values())
    assert empty < len(grown().items) / 4


def test_parcels_hold_the_lines_that_name_them():
    store = grown()
    for tid, parcels in store.shippings.items():
        lines = {line["oid"]: line for line in store.trades[tid]["orders"]}
        carried = [oid for parcel in parcels for oid in parcel["sub_tids"]]
        assert len(carried) == len(set(carried))
        for parcel in parcels:
            assert {lines[oid]["invoice_no"] for oid in parcel["sub_tids"]} == {parcel["out_sid"]}
            assert parcel["is_split"] == 1 or len(parcels) == 1
        assert {oid for oid, line in lines.items() if "invoice_no" in line} == set(carried)


def test_traces_go_forward_in_time():
    for rows in grown().traces.values():
        for trace in rows:
            times = [step["status_time"] for step in trace["trace_list"]]
            assert times == sorted(times)
            signed = bool(trace["trace_list"]) and trace["trace_list"][-1]["action"] == "SIGNED"
            assert signed == (trace["status"] == "对方已签收") or not times


def test_every_version_is_announced():
    store = grown()
    topics = Counter(message["topic"] for message in store.messages.all())
    versions = [trade for rows in store.trade_versions.values() for trade in rows]
    status = Counter(trade["status"] for trade in store.trades.values())
    assert topics["taobao_trade_TradeCreate"] == len(store.trades)
    assert topics["taobao_trade_TradeBuyerPay"] == sum("pay_time" in trade for trade in store.trades.values())
    assert topics["taobao_trade_TradeSuccess"] == status["TRADE_FINISHED"]
    assert topics["taobao_trade_TradeClose"] >= status["TRADE_CLOSED"] + status["TRADE_CLOSED_BY_TAOBAO"]
    assert topics["taobao_refund_RefundCreated"] == len(store.refunds)
    assert topics["taobao_refund_RefundSuccess"] == sum(row["status"] == "SUCCESS" for row in store.refunds.values())
    steps = sum(len(trace["trace_list"]) for rows in store.traces.values() for trace in rows)
    assert topics["taobao_logistics_LogsticDetailTrace"] == steps
    assert len(versions) > 3 * len(store.trades)


def test_a_small_world_is_allowed():
    store = Store()
    World(store, 0, START, 2, products=1).advance(START + timedelta(days=15))
    assert store.trades
