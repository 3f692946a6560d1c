"""Every call of the client against the sandbox platform, which was written from the spec by other hands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from orders_pipeline.platforms import connect
from orders_pipeline.platforms.base import (
    FeedName,
    FlowControlError,
    NotListedError,
    PermissionDeniedError,
    RequestError,
    RetryableError,
    SessionError,
    SignatureError,
    Window,
)
from orders_pipeline.platforms.taobao.client import TopPlatform
from orders_pipeline.sandbox.clock import SandboxClock, from_wire
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.shops import Credentials, Shop
from orders_pipeline_tests.platforms.taobao.conftest import SteppedClock
from orders_pipeline_tests.sandbox.shop import MUG, NOW, SOCK, TEE, a_shop, a_trade, ago, an_order

FIRST, SHIPPED, BUNDLED = 3900123456790012345, 3900123456791012345, 3900123456792012345
MASKED = ("张**", "138********", "AAHdemo", "1demoOAID", "测**", "三*镇", "已揽收", "已签收", "测试店", "杯子")
WINDOW = Window(NOW - timedelta(hours=12), NOW)


def connected(sandbox: SandboxServer, **changes: str) -> TopPlatform:
    credentials = {
        "app_key": "12345678",
        "app_secret": "sandbox-secret",
        "session": "sandbox-session",
        "refresh_token": "sandbox-refresh",
    }
    shop = Shop(shop="demo", platform="taobao", gateway_url=sandbox.gateway_url, token_url=sandbox.token_url)
    platform = connect(shop, Credentials(**(credentials | changes)), SteppedClock(NOW))
    assert isinstance(platform, TopPlatform)
    return platform


def shop_with_a_bundle() -> Any:
    store = a_shop()
    part = {"item_id": MUG, "sku_id": 5000000000009, "quantity": 2, "outer_sku_id": "MUG-1", "item_name": "杯子"}
    line = an_order(BUNDLED, combine_item_info=[part])
    store.put_trade(a_trade(3, ago(hours=1), type="cod", orders=[line, an_order(BUNDLED + 1)]))
    return store


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    options = SandboxOptions(calls_per_minute=1000)
    with SandboxServer(shop_with_a_bundle(), clock=SandboxClock.stepped(NOW), options=options) as server:
        yield server


@pytest.fixture
def top(sandbox: SandboxServer) -> Iterator[TopPlatform]:
    platform = connected(sandbox)
    yield platform
    platform.close()


@pytest.mark.parametrize("count", [True, False])
@pytest.mark.parametrize("feed", list(FeedName))
def test_feeds(top: TopPlatform, feed: FeedName, count: bool) -> None:
    page = top.send(top.list_page(top.feeds[feed], WINDOW, 1, count=count))
    expected = {
        FeedName.ORDERS_BY_CREATED: [str(BUNDLED), str(SHIPPED), str(FIRST)],
        FeedName.ORDERS_BY_MODIFIED: [str(BUNDLED), str(SHIPPED), str(FIRST)],
        FeedName.REFUNDS_BY_MODIFIED: ["281000000000000001"],
        FeedName.SHIPMENTS_BY_CREATED: [f"{SHIPPED}|SF1"],
    }[feed]
    assert [key[0] for key in page.keys] == expected
    counted = count or feed is FeedName.SHIPMENTS_BY_CREATED
    assert page.total == (len(expected) if counted else None)
    assert page.has_next is (None if counted else False)
    # we ask for nothing that we do not keep; only a bundle's parts cannot be asked for field by field
    assert all(path.endswith("combine_sub_item_do.item_name") for path in page.dropped)
    assert not [text for text in MASKED if text.encode() in page.body]
    assert page.at == NOW


def test_a_page_beyond_the_end_is_empty(top: TopPlatform) -> None:
    for count in (True, False):
        page = top.send(top.list_page(top.feeds[FeedName.ORDERS_BY_MODIFIED], WINDOW, 2, count=count))
        assert page.keys == ()


def test_a_bundles_parts_arrive_in_list_and_detail(top: TopPlatform) -> None:
    page = top.send(top.list_page(top.feeds[FeedName.ORDERS_BY_CREATED], WINDOW, 1, count=True))
    detail = top.send(top.order(str(BUNDLED)))
    listed = json.loads(page.body)["trades"]["trade"][0]
    assert json.loads(detail.body)["trade"] == listed
    parts = listed["orders"]["order"][0]["combine_item_info"]["combine_sub_item_do"]
    assert parts == [{"item_id": MUG, "sku_id": 5000000000009, "quantity": 2, "outer_sku_id": "MUG-1"}]
    assert set(detail.dropped) == {"trade.orders.order.combine_item_info.combine_sub_item_do.item_name"}


def test_single_reads(top: TopPlatform) -> None:
    assert top.send(top.refund("281000000000000001")).keys[0][0] == "281000000000000001"
    trace = top.send(top.trace(str(SHIPPED)))
    assert trace.keys == ((f"{SHIPPED}|SF1", ago(hours=1)),)
    assert json.loads(trace.body)["trace_list"]["transit_step_info"] == [
        {"status_time": ago(hours=2), "action": "GOT"},
        {"status_time": ago(hours=1), "action": "SIGNED"},
    ]
    assert top.send(top.trace(str(SHIPPED), [str(SHIPPED)])).keys == trace.keys
    assert not [text for text in MASKED if text.encode() in trace.body]
    for request in (top.order("1"), top.refund("1"), top.trace("1"), top.trace(str(FIRST))):
        with pytest.raises(NotListedError):
            top.send(request)


def test_items(top: TopPlatform) -> None:
    on_sale = top.send(top.item_ids(1, on_sale=True))
    off_sale = top.send(top.item_ids(1, on_sale=False))
    assert {key[0] for key in on_sale.keys} == {str(TEE), str(MUG)}
    assert [key[0] for key in off_sale.keys] == [str(SOCK)]
    page = top.send(top.items([str(TEE), str(MUG), "1"]))
    tee, mug = json.loads(page.body)["items"]["item"]
    assert [sku["quantity"] for sku in tee["skus"]["sku"]] == [5, 8]
    assert set(tee["skus"]["sku"][0]) == {
        *("sku_id", "outer_id", "properties", "price", "quantity", "with_hold_quantity", "status", "barcode"),
        "modified",
    }
    assert "skus" not in mug
    assert not page.dropped


def test_messages_are_permitted_consumed_and_confirmed(sandbox: SandboxServer, top: TopPlatform) -> None:
    assert top.send(top.messages(100)) == ()
    top.send(top.permit_messages())
    content = {"tid": FIRST, "oid": FIRST, "buyer_nick": "测**", "status": "WAIT_SELLER_SEND_GOODS"}
    sandbox.store.announce("taobao_trade_TradeChanged", content, NOW)
    (message,) = top.send(top.messages(100))
    assert (message.kind, message.order_id, message.published_at) == ("trade", str(FIRST), NOW)
    assert message.seller == str(sandbox.store.user_id)
    top.send(top.confirm_messages([message.message_id]))
    sandbox.clock.advance(600)
    assert top.send(top.messages(100)) == ()


def test_clock_and_check(sandbox: SandboxServer, top: TopPlatform) -> None:
    assert top.send(top.server_time()) == from_wire("2026-01-15 12:00:00") == NOW
    sandbox.clock.advance(300)
    assert top.send(top.check()) == NOW + timedelta(minutes=5)
    sandbox.clock.advance(2 * 3600)  # our clock stands still: it is now more than the tolerated 10 minutes off
    with pytest.raises(RetryableError, match="clock is 7200 s off"):
        top.send(top.check())
    assert top.send(top.check()) == NOW + timedelta(hours=2, minutes=5)


def test_a_refreshed_session_works_and_a_used_token_does_not(top: TopPlatform) -> None:
    tokens = top.refresh_tokens("sandbox-refresh")
    top.use_session(tokens.access_token)
    assert top.send(top.check()) == NOW
    assert tokens.expires_at is not None
    assert tokens.expires_at > NOW
    with pytest.raises(SessionError, match="authorise"):
        top.refresh_tokens("sandbox-refresh")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"app_secret": "wrong"}, SignatureError),
        ({"app_key": "1"}, RequestError),
        ({"session": "stolen"}, SessionError),
        ({"session": ""}, SessionError),
    ],
)
def test_wrong_credentials(sandbox: SandboxServer, change: dict[str, str], expected: type[Exception]) -> None:
    platform = connected(sandbox, **change)
    with pytest.raises(expected) as caught:
        platform.send(platform.check())
    assert type(caught.value) is expected
    platform.close()


def test_quota_and_permission() -> None:
    options = SandboxOptions(calls_per_minute=2, forbidden=frozenset({"taobao.refund.get"}))
    with SandboxServer(a_shop(), clock=SandboxClock.stepped(NOW), options=options) as server:
        platform = connected(server)
        with pytest.raises(PermissionDeniedError):
            platform.send(platform.refund("281000000000000001"))
        platform.send(platform.check())
        with pytest.raises(FlowControlError) as caught:
            platform.send(platform.check())
        assert 1 <= caught.value.wait_seconds <= 61
        server.clock.advance(caught.value.wait_seconds)
        assert platform.send(platform.check()) == server.clock.now()
        platform.close()
