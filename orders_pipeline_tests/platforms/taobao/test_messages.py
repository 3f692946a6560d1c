"""Messages become hints without text; confirmation, permission and token refresh."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders_pipeline.platforms.base import Message, RetryableError, SessionError
from orders_pipeline.platforms.taobao.client import TopPlatform
from orders_pipeline_tests.platforms.taobao.conftest import NOW, REFRESH, SECRET, Gateway

PAID = {
    "buyer_nick": "测**SENTINEL",
    "buyer_open_uid": "SENTINEL",
    "payment": "128.00",
    "oid": 3900123456790012345,
    "tid": 3900123456789012345,
    "status": "WAIT_SELLER_SEND_GOODS",
    "seller_memo": "SENTINEL",
}
REFUND = {
    "refund_id": 281000000000000001,
    "tid": "3900123456789012345",
    "modified": "2026-01-15 10:06:00",
    "bill_type": "SENTINEL",
}
TRACE = {
    "tid": 39,
    "out_sid": "SF0000000000001",
    "action": "GOT",
    "desc": "SENTINEL 13812345678",
    "time": "2026-01-15 10:07:00",
}
PUBLISHED = datetime(2026, 1, 15, 2, 5, 8, tzinfo=UTC)
BASE = Message("4172200053212681005", "", PUBLISHED, "2200000001", "other")


def consumed(*messages: tuple[str, Any]) -> dict[str, Any]:
    rows = [
        {
            "id": 4172200053212681005,
            "topic": topic,
            "pub_app_key": "12497914",
            "pub_time": "2026-01-15 10:05:08",
            "user_id": 2200000001,
            "user_nick": "测试店SENTINEL",
            "content": content if isinstance(content, str) else json.dumps(content, ensure_ascii=False),
        }
        for topic, content in messages
    ]
    return {"tmc_messages_consume_response": {"messages": {"tmc_message": rows}, "request_id": "16abc0defghiq"}}


def test_messages_keep_ids_status_and_time_only(gateway: Gateway, top: TopPlatform) -> None:
    topics = (
        ("taobao_trade_TradeBuyerPay", PAID),
        ("taobao_refund_RefundCreated", REFUND),
        ("taobao_dispute_Anything", REFUND),
        ("taobao_logistics_LogsticDetailTrace", TRACE),
        ("taobao_item_ItemStockChanged", {"num_iid": 7, "nick": "SENTINEL"}),
        ("tmall_something_New", {"tid": 5}),
    )
    gateway.answer(consumed(*topics))
    messages = top.send(top.messages(100))
    refund = {
        "kind": "refund",
        "order_id": "3900123456789012345",
        "refund_id": "281000000000000001",
        "happened_at": datetime(2026, 1, 15, 2, 6, tzinfo=UTC),
    }
    expected: list[dict[str, Any]] = [
        {"kind": "trade", "order_id": "3900123456789012345", "status": "WAIT_SELLER_SEND_GOODS"},
        refund,
        refund,
        {
            "kind": "trace",
            "order_id": "39",
            "tracking_number": "SF0000000000001",
            "action": "GOT",
            "happened_at": datetime(2026, 1, 15, 2, 7, tzinfo=UTC),
        },
        {"kind": "item"},
        {"kind": "other", "order_id": "5"},
    ]
    assert [replace(message, body="") for message in messages] == [
        replace(BASE, topic=topic, **known) for (topic, _), known in zip(topics, expected, strict=True)
    ]
    assert "SENTINEL" not in repr(messages)
    assert "13812345678" not in repr(messages)
    outside = {
        "id": 4172200053212681005,
        "topic": topics[3][0],
        "pub_time": "2026-01-15 10:05:08",
        "user_id": 2200000001,
    }
    inside = {"tid": 39, "out_sid": "SF0000000000001", "action": "GOT", "time": "2026-01-15 10:07:00"}
    assert json.loads(messages[3].body) == {**outside, "content": inside}
    page = top.message_page([message.body for message in messages], PUBLISHED)
    assert (page.table, page.row_count) == ("messages", 6)
    assert json.loads(page.body)["messages"]["tmc_message"] == [json.loads(message.body) for message in messages]


@pytest.mark.parametrize(
    "content", ["", "SENTINEL", "[]", '"SENTINEL"', '{"tid":"张三SENTINEL","status":{"x":1}}', "{"]
)
def test_unreadable_content_still_can_be_confirmed(gateway: Gateway, top: TopPlatform, content: str) -> None:
    gateway.answer(consumed(("taobao_trade_TradeBuyerPay", content)))
    (message,) = top.send(top.messages(100))
    assert replace(message, body="") == replace(BASE, topic="taobao_trade_TradeBuyerPay", kind="trade")
    assert json.loads(message.body)["content"] == {}


def test_no_messages(gateway: Gateway, top: TopPlatform) -> None:
    gateway.answer({"tmc_messages_consume_response": {"request_id": "16abc0defghiq"}})
    assert top.send(top.messages(5)) == ()
    assert gateway.sent[0].form["quantity"] == "10"
    assert "session" not in gateway.sent[0].form
    gateway.answer({"tmc_messages_consume_response": {}})
    with pytest.raises(RetryableError):
        top.send(top.messages(1000))
    assert gateway.sent[1].form["quantity"] == "200"


def test_a_poison_message_hides_no_other(gateway: Gateway, top: TopPlatform) -> None:
    answer = consumed(("taobao_trade_TradeBuyerPay", PAID), ("taobao_trade_TradeBuyerPay", PAID))
    answer["tmc_messages_consume_response"]["messages"]["tmc_message"][0] |= {
        "content": {"a": "SENTINEL"},
        "user_id": [],
    }
    gateway.answer(answer)
    first, second = top.send(top.messages(100))
    assert (first.message_id, first.seller, first.order_id) == (BASE.message_id, "", None)
    assert second.order_id == "3900123456789012345"


def test_confirm_and_permit(gateway: Gateway, top: TopPlatform) -> None:
    gateway.answer({"tmc_messages_confirm_response": {"is_success": True, "request_id": "x"}})
    gateway.answer({"tmc_user_permit_response": {"is_success": True, "request_id": "x"}})
    top.send(top.confirm_messages(["1", "2"]))
    top.send(top.permit_messages())
    confirm, permit = gateway.sent
    assert confirm.form["s_message_ids"] == "1,2"
    assert "session" not in confirm.form
    assert "session" in permit.form
    assert "topics" not in permit.form
    for body in ({"is_success": False}, {}, [], None):
        gateway.answer({"tmc_messages_confirm_response": body})
        with pytest.raises(RetryableError):
            top.send(top.confirm_messages(["1"]))
    with pytest.raises(ValueError, match="201 messages"):
        top.confirm_messages([str(n) for n in range(201)])


def test_a_split_parcels_trace_names_its_lines(top: TopPlatform) -> None:
    request = top.trace("39", ["40", "41"])
    assert request.params == {"tid": "39", "is_split": "1", "sub_tid": "40,41"}


TOKEN = {"access_token": "6100new", "refresh_token": "6100next", "expires_in": 86400, "token_type": "Bearer"}


@pytest.mark.parametrize("quoted", [False, True])
def test_refresh(gateway: Gateway, top: TopPlatform, quoted: bool) -> None:
    gateway.answer({**TOKEN, "expires_in": "86400" if quoted else 86400, "taobao_user_nick": "%E6%B5%8B"})
    tokens = top.refresh_tokens(REFRESH)
    assert (tokens.access_token, tokens.refresh_token) == ("6100new", "6100next")
    assert tokens.expires_at == NOW + timedelta(days=1)
    assert "6100n" not in repr(tokens)
    (sent,) = gateway.sent
    assert (sent.path, sent.query) == ("/token", {})
    assert sent.form == {
        "grant_type": "refresh_token",
        "refresh_token": REFRESH,
        "client_id": "12345678",
        "client_secret": SECRET,
    }


@pytest.mark.parametrize("not_renewable", [{"re_expires_in": 0}, {"re_expires_in": "0"}, {"refresh_token": ""}])
def test_a_token_that_cannot_be_renewed_again(gateway: Gateway, top: TopPlatform, not_renewable: Any) -> None:
    gateway.answer({**TOKEN, **not_renewable})
    assert top.refresh_tokens(REFRESH).refresh_token is None


def test_a_refused_refresh_asks_for_authorisation(gateway: Gateway, top: TopPlatform) -> None:
    gateway.answer({"error": "invalid_grant", "error_description": f"token {REFRESH}"}, status=400)
    with pytest.raises(SessionError, match=r"invalid_grant.*authorise the shop again") as caught:
        top.refresh_tokens(REFRESH)
    assert REFRESH not in str(caught.value)
    for status, body in ((400, {"error": REFRESH}), (200, {"error": "x"}), (200, {"access_token": 5}), (401, {})):
        gateway.answer(body, status=status)
        with pytest.raises(SessionError) as caught:
            top.refresh_tokens(REFRESH)
        assert REFRESH not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"), [(502, b"<html>"), (500, b"{}"), (200, b"<html>"), (200, b"[]"), (302, b"")]
)
def test_a_refresh_without_a_verdict_is_retryable(gateway: Gateway, top: TopPlatform, status: int, body: bytes) -> None:
    gateway.answer(body, status=status)
    with pytest.raises(RetryableError):
        top.refresh_tokens(REFRESH)
