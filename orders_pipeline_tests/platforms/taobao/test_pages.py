"""Well-formed answers: what comes out of ``send`` equals what the platform said, for every API that returns rows."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import FeedName, RetryableError
from orders_pipeline.platforms.taobao.client import TopPlatform
from orders_pipeline_tests.platforms.taobao.conftest import NOW, Gateway
from orders_pipeline_tests.platforms.taobao.samples import SAMPLES, TID, TRADE, answer, feed_page

LISTS = [name for name, (_, body, _) in SAMPLES.items() if "total_results" in body or "has_next" in body]
SINGLE = ["trade_fullinfo_get", "refund_get", "logistics_trace_search"]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_allowed_field_survives(gateway: Gateway, top: TopPlatform, name: str) -> None:
    ask, body, key = SAMPLES[name]
    gateway.answer(answer(name))
    page = top.send(ask(top))
    assert json.loads(page.body) == body
    assert page.keys == (key,)
    assert page.api == "taobao." + name.replace("_", ".")
    assert page.total == body.get("total_results")
    assert page.has_next == body.get("has_next")
    assert (page.request_id, page.at, dict(page.dropped)) == ("16abc0defghij", NOW, {})


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("empty", ["absent", {}, [], None, {"element": []}], ids=str)
def test_empty_lists(gateway: Gateway, top: TopPlatform, name: str, empty: Any) -> None:
    full = answer(name)
    body = next(iter(full.values()))
    plural = next(key for key, value in body.items() if isinstance(value, dict))
    element = next(iter(body[plural]))
    body |= {"total_results": 0, plural: {element: []} if empty == {"element": []} else empty}
    if empty == "absent":
        del body[plural]
    gateway.answer(full)
    page = top.send(SAMPLES[name][0](top))
    assert (page.keys, page.total) == ((), 0)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("silent", [{}, {"request_id": "16abc0defghij"}, {"something": 1}], ids=str)
def test_silence_is_not_an_empty_page(gateway: Gateway, top: TopPlatform, name: str, silent: Any) -> None:
    gateway.answer({f"{name}_response": silent})
    with pytest.raises(RetryableError, match="nor a count"):
        top.send(SAMPLES[name][0](top))


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("missing", ["row", "id", "other"])
def test_a_single_answer_must_be_about_the_id_that_was_asked(
    gateway: Gateway, top: TopPlatform, name: str, missing: str
) -> None:
    full = answer(name)
    body = next(iter(full.values()))
    row = (
        body if name == "logistics_trace_search" else next(value for value in body.values() if isinstance(value, dict))
    )
    identity = "refund_id" if name == "refund_get" else "tid"
    if missing == "other":
        row[identity] = 1
    elif missing == "id":
        del row[identity]
    else:
        body.clear()
    gateway.answer(full)
    with pytest.raises(RetryableError, match="not about the id"):
        top.send(SAMPLES[name][0](top))


def test_19_digit_ids_stay_exact_as_numbers_and_as_text(gateway: Gateway, top: TopPlatform) -> None:
    for tid in (9223372036854775807, "9223372036854775807", 9007199254740993):
        gateway.answer({"trades_sold_get_response": {"total_results": 1, "trades": {"trade": [{**TRADE, "tid": tid}]}}})
        page = top.send(feed_page(FeedName.ORDERS_BY_CREATED)(top))
        assert page.keys[0][0] == str(tid)
        assert f'"tid":{json.dumps(tid)}'.encode() in page.body


def test_rows_without_id_are_counted_one_by_one(gateway: Gateway, top: TopPlatform) -> None:
    rows = [{"status": "A"}, {"status": "B"}, TRADE]
    gateway.answer({"trades_sold_get_response": {"total_results": 3, "trades": {"trade": rows}}})
    page = top.send(feed_page(FeedName.ORDERS_BY_CREATED)(top))
    assert len(set(page.keys)) == 3
    assert json.loads(page.body)["trades"]["trade"] == rows


def test_two_parcels_of_one_order_are_two_rows(gateway: Gateway, top: TopPlatform) -> None:
    full = answer("logistics_orders_get")
    rows = full["logistics_orders_get_response"]["shippings"]["shipping"]
    rows.append({**rows[0], "out_sid": "SF0000000000002"})
    rows.append({key: value for key, value in rows[0].items() if key != "out_sid"})
    gateway.answer(full)
    page = top.send(feed_page(FeedName.SHIPMENTS_BY_CREATED)(top))
    assert [key[0] for key in page.keys] == [f"{TID}|SF0000000000001", f"{TID}|SF0000000000002", f"{TID}|"]


def test_windows_are_within_what_a_feed_allows(top: TopPlatform) -> None:
    for feed in top.feeds.values():
        assert feed.page_size == 100
        assert timedelta(hours=1) < feed.max_span <= timedelta(days=92)
        may = datetime(2026, 5, 31, 12, tzinfo=SHOP_TZ)
        assert feed.wall(may) == datetime(2026, 2, 28, 12, tzinfo=SHOP_TZ)
