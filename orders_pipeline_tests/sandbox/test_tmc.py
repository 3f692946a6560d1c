"""Messages: permission, at-least-once delivery, retention, groups."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from orders_pipeline.sandbox.messages import TOPICS
from orders_pipeline_tests.sandbox.caller import Caller
from orders_pipeline_tests.sandbox.shop import FIRST_TID, NOW

PAY, SHIP = "taobao_trade_TradeBuyerPay", "taobao_trade_TradeSellerShip"


def announce(call: Caller, *topics: str, minutes: float = 0) -> None:
    for topic in topics:
        content = {"tid": FIRST_TID, "seller_nick": "测试店"}
        call.sandbox.store.announce(topic, content, NOW + timedelta(minutes=minutes))


def consume(call: Caller, **params: object) -> list[dict[str, Any]]:
    body = call("taobao.tmc.messages.consume", session=None, **params)
    rows: list[dict[str, Any]] = body.get("messages", {}).get("tmc_message", [])
    return rows


def confirm(call: Caller, messages: list[dict[str, Any]]) -> None:
    ids = ",".join(str(message["id"]) for message in messages)
    assert call("taobao.tmc.messages.confirm", session=None, s_message_ids=ids)["is_success"] is True


def test_nothing_is_kept_before_permission(call: Caller) -> None:
    announce(call, PAY)
    assert call.refusal("taobao.tmc.user.permit", session=None)["code"] == 26
    assert call("taobao.tmc.user.permit")["is_success"] is True
    assert consume(call) == []
    announce(call, PAY, "taobao_trade_NoSuchTopic")
    (message,) = consume(call)
    assert message | {"id": 0} == {
        "id": 0,
        "topic": PAY,
        "pub_app_key": "12497914",
        "pub_time": "2026-01-15 12:00:00",
        "user_id": call.sandbox.store.user_id,
        "user_nick": "测试店",
        "content": message["content"],
    }
    assert len(str(message["id"])) == 19
    assert json.loads(message["content"]) == {"tid": FIRST_TID, "seller_nick": "测试店"}


def test_permit_overwrites(call: Caller) -> None:
    call("taobao.tmc.user.permit", topics=PAY)
    call("taobao.tmc.user.permit", topics=SHIP)
    announce(call, PAY, SHIP)
    assert [message["topic"] for message in consume(call)] == [SHIP]
    user = call("taobao.tmc.user.get", fields="topics,user_nick", nick="测试店")["tmc_user"]
    assert user == {"topics": {"string": [SHIP]}, "user_nick": "测试店"}
    call("taobao.tmc.user.permit")
    user = call("taobao.tmc.user.get", fields="topics", nick="测试店")["tmc_user"]
    assert set(user["topics"]["string"]) == TOPICS
    call("taobao.tmc.user.cancel", nick="测试店")
    announce(call, PAY)
    assert consume(call) == []


def test_unconfirmed_messages_come_again_after_five_minutes(call: Caller) -> None:
    call("taobao.tmc.user.permit")
    announce(call, PAY, SHIP)
    first = consume(call)
    assert len(first) == 2
    confirm(call, first[:1])
    call.sandbox.clock.advance(299)
    assert consume(call) == []
    call.sandbox.clock.advance(1)
    assert consume(call) == first[1:]
    call.sandbox.clock.advance(300)
    assert consume(call) == first[1:], "again and again until confirmed"
    confirm(call, first)
    confirm(call, first)
    call.sandbox.clock.advance(300)
    assert consume(call) == []


def test_messages_live_three_days(call: Caller) -> None:
    call("taobao.tmc.user.permit")
    announce(call, PAY)
    announce(call, SHIP, minutes=1)
    call.sandbox.clock.advance(3 * 86400 + 1)
    assert [message["topic"] for message in consume(call)] == [SHIP]


def test_quantity_bounds(call: Caller) -> None:
    call("taobao.tmc.user.permit")
    announce(call, *[PAY] * 250)
    assert len(consume(call, quantity=10)) == 10
    assert len(consume(call)) == 100
    assert len(consume(call, quantity=200)) == 140
    for quantity in (9, 201):
        assert call.refusal("taobao.tmc.messages.consume", quantity=quantity)["code"] == 41
    too_many = ",".join(["1"] * 201)
    assert call.refusal("taobao.tmc.messages.confirm", s_message_ids=too_many)["code"] == 41


def test_groups_split_messages(call: Caller) -> None:
    call("taobao.tmc.user.permit")
    assert call.refusal("taobao.tmc.messages.consume", group_name="vip")["code"] == 15
    announce(call, PAY)
    assert call("taobao.tmc.group.add", group_name="vip", nicks="测试店")["group_name"] == "vip"
    announce(call, SHIP, SHIP)
    assert [message["topic"] for message in consume(call)] == [PAY]
    assert len(consume(call, group_name="vip", quantity=10)) == 2
    call("taobao.tmc.group.delete", group_name="vip")
    call.sandbox.clock.advance(300)
    assert [message["topic"] for message in consume(call)] == [PAY], "unread messages of the group are lost"
    assert call.refusal("taobao.tmc.group.add", group_name="default2", nicks="测试店")["code"] == 41
