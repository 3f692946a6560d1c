"""Windows and pages against a plain oracle: every row once, newest first, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders_pipeline.sandbox.clock import SandboxClock, to_wire
from orders_pipeline.sandbox.index import TimeIndex
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline_tests.sandbox.caller import Caller
from orders_pipeline_tests.sandbox.shop import FIRST_TID, NOW, a_refund, a_trade

seconds = st.integers(0, 40)  # few distinct seconds, so that several rows share one


def at(second: int) -> str:
    return to_wire(NOW - timedelta(seconds=100 - second))


@pytest.fixture(scope="module")
def call() -> Iterator[Caller]:
    options = SandboxOptions(calls_per_minute=1_000_000)
    with SandboxServer(clock=SandboxClock.stepped(NOW), options=options) as sandbox:
        caller = Caller(sandbox)
        yield caller
        caller.close()


def shop(call: Caller) -> Store:
    call.sandbox.gateway.store = Store()
    return call.sandbox.gateway.store


@settings(max_examples=40, deadline=None)
@given(
    versions=st.lists(st.tuples(st.integers(0, 15), seconds, seconds), max_size=40),
    bounds=st.tuples(seconds, seconds).map(sorted).filter(lambda pair: pair[0] < pair[1]),
    page_size=st.integers(1, 12),
    has_next=st.booleans(),
)
def test_increment_pages_hold_the_window_exactly(
    call: Caller, versions: list[tuple[int, int, int]], bounds: list[int], page_size: int, has_next: bool
) -> None:
    """Trades are put again and again with any ``modified``, out of order too: only the last version counts."""
    store, expected = shop(call), {}
    for number, created, modified in versions:
        trade = a_trade(number, at(min(created, modified)), modified=at(modified))
        store.put_trade(trade)
        expected[trade["tid"]] = trade["modified"]
    start, end = at(bounds[0]), at(bounds[1])
    inside = {tid: modified for tid, modified in expected.items() if start <= modified <= end}
    rows, page_no, more = [], 1, True
    while more:
        body = call(
            "taobao.trades.sold.increment.get",
            fields="tid,modified",
            start_modified=start,
            end_modified=end,
            page_no=page_no,
            page_size=page_size,
            use_has_next=str(has_next).lower(),
        )
        assert ("has_next" in body, "total_results" in body) == (has_next, not has_next)
        page = body.get("trades", {}).get("trade", [])
        assert len(page) <= page_size
        rows += page
        more = body["has_next"] if has_next else page_no * page_size < body["total_results"]
        assert has_next or body["total_results"] == len(inside)
        page_no += 1
    assert [row["modified"] for row in rows] == sorted(inside.values(), reverse=True)
    if page_size >= len(inside):  # rows of one second may change places between two pages, see below
        assert {row["tid"]: row["modified"] for row in rows} == inside


@settings(max_examples=60, deadline=None)
@given(
    moves=st.lists(st.tuples(st.integers(0, 8), seconds), max_size=60),
    start=seconds,
    end=seconds,
    flip=st.booleans(),
)
def test_index_agrees_with_sorting(moves: list[tuple[int, int]], start: int, end: int, flip: bool) -> None:
    index: TimeIndex[int] = TimeIndex()
    now: dict[int, str] = {}
    for key, second in moves:
        index.put(key, at(second))
        now[key] = at(second)
    found = index.newest_first(at(start), at(end), flip_ties=flip)
    assert sorted(found) == sorted(key for key, time in now.items() if at(start) <= time <= at(end))
    times = [now[key] for key in found]
    assert times == sorted(times, reverse=True)


def test_rows_of_one_second_change_places(call: Caller) -> None:
    store = shop(call)
    for number in range(5):
        store.put_trade(a_trade(number, at(7)))
    orders = {
        tuple(row["tid"] for row in call("taobao.trades.sold.get", fields="tid")["trades"]["trade"]) for _ in range(30)
    }
    assert len(orders) > 1


@pytest.mark.parametrize("api", ["taobao.trades.sold.get", "taobao.refunds.receive.get"])
def test_page_beyond_the_end_is_empty(call: Caller, api: str) -> None:
    store = shop(call)
    store.put_trade(a_trade(1, at(1)))
    store.put_refund(a_refund(1, FIRST_TID, at(1)))
    first = call(api, fields="tid", use_has_next="true")
    assert first["has_next"] is False
    assert any("tid" in str(value) for value in first.values())
    beyond = call(api, fields="tid", use_has_next="true", page_no=2)
    assert beyond.keys() == {"has_next", "request_id"}
    assert beyond["has_next"] is False
    assert call(api, fields="tid", page_no=9)["total_results"] == 1


def test_page_size_above_the_maximum_is_code_41(call: Caller) -> None:
    for api, most in (("taobao.trades.sold.get", 100), ("taobao.trades.sold.history.get", 50)):
        assert "total_results" in call(api, fields="tid", page_size=most)
        error = call.refusal(api, fields="tid", page_size=most + 1)
        assert (error["code"], error["msg"]) == (41, "Invalid arguments:page_size")
    assert call.refusal("taobao.trades.sold.get", fields="tid", page_no=0)["code"] == 41


def test_page_size_is_clamped_by_option() -> None:
    store = Store()
    for number in range(101):
        store.put_trade(a_trade(number, at(1)))
    with SandboxServer(
        store, clock=SandboxClock.stepped(NOW), options=SandboxOptions(page_size_over="clamp")
    ) as sandbox:
        body = Caller(sandbox)("taobao.trades.sold.get", fields="tid", page_size=500)
    assert len(body["trades"]["trade"]) == 100
