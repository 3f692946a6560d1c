"""Nothing that is not allowed leaves the client, wherever it is planted; everything allowed leaves it unchanged."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_pipeline.platforms.base import FeedName, PlatformError, RetryableError
from orders_pipeline.platforms.taobao import fields, pages
from orders_pipeline.platforms.taobao.allow_list import MISFIT
from orders_pipeline.platforms.taobao.client import TopPlatform
from orders_pipeline.platforms.taobao.fields import Rows
from orders_pipeline_tests.platforms.taobao.conftest import NOW, Gateway
from orders_pipeline_tests.platforms.taobao.samples import SAMPLES, TRADE, answer, feed_page

SENTINEL = "张三SENTINEL13812345678"
PERSONAL = ("buyer_nick", "receiver_mobile", "buyer_open_uid", "oaid", "desc", "reason", "status_desc", "alipay_no")
FREE_TEXT = {"title", "outer_id", "outer_iid", "outer_sku_id", "sku_properties_name", "properties", "properties_name"}
FREE_TEXT |= {"barcode", "logistics_company", "company_name", "invoice_no", "out_sid"}
FREE_TEXT |= {"receiver_state", "receiver_city", "receiver_district"}
SHAPES: list[Any] = [SENTINEL, {"name": SENTINEL}, [SENTINEL], {SENTINEL: 1}, [[{"x": {"y": SENTINEL}}]]]

Path = tuple[str | int, ...]


def nodes(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from nodes(inner, (*path, key))


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def plantings(name: str) -> Iterator[tuple[str, Any]]:
    """Every answer that differs from the sample by one planted sentinel."""
    original = answer(name)
    for path, value in nodes(original):
        for index, shape in enumerate(SHAPES):
            if isinstance(value, dict):
                for field in PERSONAL:
                    planted = copy.deepcopy(original)
                    at(planted, path)[field] = shape
                    yield f"{path}+{field}{index}", planted
                planted = copy.deepcopy(original)
                at(planted, path)[SENTINEL] = shape
                yield f"{path}+key{index}", planted
            if path and not (shape == SENTINEL and path[-1] in FREE_TEXT):
                planted = copy.deepcopy(original)
                at(planted, path[:-1])[path[-1]] = shape
                yield f"{path}={index}", planted


@pytest.mark.parametrize("name", SAMPLES)
def test_planted_personal_data_goes_nowhere(
    gateway: Gateway, top: TopPlatform, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    request = SAMPLES[name][0](top)
    count = 0
    for place, planted in plantings(name):
        gateway.answer(planted)
        try:
            page = top.send(request)
        except PlatformError as error:
            seen = repr(error) + str(error.__cause__) + str(error.__context__)
        else:
            seen = repr(page)
            assert page.row_count == 1, place
            assert page.dropped, place
        assert "SENTINEL" not in seen + caplog.text, place
        assert "13812345678" not in seen + caplog.text, place
        count += 1
    assert count > 100


def page_of(rows: list[Any]) -> tuple[dict[str, Any], Mapping[str, str]]:
    raw = json.dumps({"total_results": len(rows), "trades": {"trade": rows}}).encode()
    page = pages.LISTS["taobao.trades.sold.get"].parse(raw, NOW)
    assert page.row_count == len(rows)
    return json.loads(page.body), page.dropped


def test_dropped_fields_leave_name_and_type() -> None:
    row = {**TRADE, "buyer_nick": "x", "promotion_details": {"promotion_detail": []}, "张三": 1}
    row["orders"] = {"order": [{"oid": 1, "snapshot_url": None}], "extra": True}
    body, dropped = page_of([row])
    assert body["trades"]["trade"] == [{**TRADE, "orders": {"order": [{"oid": 1}]}}]
    assert dropped == {
        "trades.trade.buyer_nick": "string",
        "trades.trade.promotion_details": "object",
        "trades.trade.?": "number",
        "trades.trade.orders.order.snapshot_url": "null",
        "trades.trade.orders.extra": "boolean",
    }


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("payment", {"amount": "1.00"}, "object"),
        ("payment", "12,50元", "string"),
        ("modified", "yesterday", "string"),
        ("created", 1768442462000, "number"),
        ("tid", 3.9e18, "number"),
        ("status", ["WAIT"], "array"),
        ("receiver_city", "杭州市西湖区" * 10, "string"),
        ("orders", {"order": {"oid": 1}}, "object"),
        ("orders", "none", "string"),
    ],
)
def test_a_poison_row_sinks_no_other(field: str, value: Any, kind: str) -> None:
    poison = {**TRADE, field: value, "buyer_nick": "x"}
    body, dropped = page_of([TRADE, poison, TRADE])
    first, middle, last = body["trades"]["trade"]
    assert first == last == TRADE
    assert middle == {
        **{key: kept for key, kept in TRADE.items() if key != field},
        MISFIT: [f"trades.trade.{field}: {kind}"],
    }
    assert dropped == {f"trades.trade.{field}": kind, "trades.trade.buyer_nick": "string"}


def test_a_misfit_deep_in_a_line_marks_its_order() -> None:
    line = {"oid": 1, "price": [], "num": 2, "combine_item_info": {"combine_sub_item_do": [{"quantity": "two"}]}}
    body, _ = page_of([{**TRADE, "orders": {"order": [line]}}])
    row = body["trades"]["trade"][0]
    assert row["orders"] == {"order": [{"oid": 1, "num": 2, "combine_item_info": {"combine_sub_item_do": [{}]}}]}
    assert row[MISFIT] == [
        "trades.trade.orders.order.price: array",
        "trades.trade.orders.order.combine_item_info.combine_sub_item_do.quantity: string",
    ]


@pytest.mark.parametrize("row", [None, 7, "text", [TRADE]])
def test_a_row_that_is_no_object_is_an_empty_marked_row(row: Any) -> None:
    body, _ = page_of([TRADE, row])
    assert list(body["trades"]["trade"][1]) == [MISFIT]


@pytest.mark.parametrize(
    "outline", [{"trades": [TRADE]}, {"trades": 3}, {"trades": {"trade": TRADE}}, {"trades": {"list": [TRADE]}}]
)
def test_an_outline_of_another_shape_is_an_error_never_an_empty_page(outline: dict[str, Any]) -> None:
    with pytest.raises(RetryableError, match=r"unexpected JSON \w+ at trades"):
        pages.LISTS["taobao.trades.sold.get"].parse(json.dumps({"total_results": 1, **outline}).encode(), NOW)


@pytest.mark.parametrize("count", ["-", "many", [], 1.5, True])
def test_a_count_that_is_no_number_is_an_error(count: Any) -> None:
    raw = json.dumps({"total_results": count, "trades": {"trade": [TRADE]}}).encode()
    with pytest.raises(RetryableError, match="at total_results"):
        pages.LISTS["taobao.trades.sold.get"].parse(raw, NOW)


@pytest.mark.parametrize("text", [rb'"\ud800"', b"1e999", b'"\xff"'], ids=["surrogate", "range", "utf8"])
def test_values_that_no_parser_likes_stay_within_their_row(text: bytes) -> None:
    good = json.dumps(TRADE).encode()
    raw = b'{"total_results":2,"trades":{"trade":[' + good + b',{"tid":5,"status":' + text + b"}]}}"
    page = pages.LISTS["taobao.trades.sold.get"].parse(raw, NOW)
    rows = json.loads(page.body)["trades"]["trade"]
    assert rows == [TRADE, {"tid": 5, MISFIT: [f"trades.trade.status: {'number' if text == b'1e999' else 'string'}"]}]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
STRATEGIES: dict[Any, st.SearchStrategy[Any]] = {
    fields.ID: st.integers(-1, 10**19) | st.from_regex(r"[0-9]{0,19}", fullmatch=True),
    fields.NUMBER: st.integers(-(2**63), 2**64 - 1) | st.from_regex(r"[0-9]{0,9}", fullmatch=True),
    fields.MONEY: st.decimals(-(10**9), 10**9, places=2).map(str) | st.integers(-(10**9), 10**9) | st.just(""),
    fields.INSTANT: st.datetimes().map(lambda t: f"{t:%Y-%m-%d %H:%M:%S}".zfill(19)) | st.just("0000-00-00 00:00:00"),
    fields.FLAG: st.booleans() | st.sampled_from([0, 1, "true", "false", ""]),
    fields.CODE: st.from_regex(r"[A-Za-z0-9_.-]{0,64}", fullmatch=True),
    fields.TEXT: TEXT,
    fields.PLACE: TEXT,
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, Rows):
        return st.just({}) | st.fixed_dictionaries({kind.element: st.lists(values(kind.row), max_size=2)})
    if isinstance(kind, Mapping):
        return st.fixed_dictionaries({}, optional={name: values(inner) for name, inner in kind.items()})
    return STRATEGIES[kind] | st.none()


@given(
    rows=st.lists(values(fields.TRADE), min_size=1, max_size=3),
    extra=st.dictionaries(st.sampled_from(PERSONAL), st.none() | st.integers() | TEXT | st.lists(TEXT), max_size=3),
)
def test_allowed_values_survive_unchanged_whatever_comes_along(rows: list[Any], extra: dict[str, Any]) -> None:
    body, dropped = page_of(rows)
    assert body == {"total_results": len(rows), "trades": {"trade": rows}}
    assert not dropped
    with_extra, dropped = page_of([{**row, **extra} for row in rows])
    assert with_extra == body
    assert dropped.keys() == {f"trades.trade.{name}" for name in extra}


def test_feed_pages_are_read_by_the_same_lists(gateway: Gateway, top: TopPlatform) -> None:
    gateway.answer({"trades_sold_get_response": {"total_results": 1, "trades": {"trade": [{**TRADE, "payment": {}}]}}})
    page = top.send(feed_page(FeedName.ORDERS_BY_CREATED)(top))
    assert page.dropped == {"trades.trade.payment": "object"}
