"""The wire itself: what is sent and where, the clock, transport faults, foreign bodies, secrets."""

from __future__ import annotations

import gzip
import json
import logging
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from orders_pipeline.platforms import connect
from orders_pipeline.platforms.base import (
    ClockError,
    FeedName,
    FlowControlError,
    PlatformError,
    RequestError,
    RetryableError,
    Window,
)
from orders_pipeline.platforms.taobao import exchange
from orders_pipeline.platforms.taobao.client import TopPlatform
from orders_pipeline.platforms.taobao.exchange import LARGEST_ANSWER, TIMEOUTS, Exchange
from orders_pipeline.platforms.taobao.fields import TRADE_TYPES
from orders_pipeline.platforms.taobao.names import APIS
from orders_pipeline.platforms.taobao.signing import sign
from orders_pipeline.settings import UserError
from orders_pipeline.shops import Credentials, Shop
from orders_pipeline_tests.platforms.taobao.conftest import NOW, REFRESH, SECRET, SESSION, Gateway, SteppedClock
from orders_pipeline_tests.platforms.taobao.samples import SAMPLES, answer, feed_page

EMPTY = {"trades_sold_get_response": {"has_next": False, "request_id": "16abc0defghij"}}
PERSONAL = {
    *("buyer_nick", "buyer_open_uid", "buyer_message", "buyer_memo", "seller_memo", "trade_memo", "buyer_email"),
    *("receiver_name", "receiver_mobile", "receiver_phone", "receiver_address", "receiver_town", "receiver_zip"),
    *("receiver_country", "oaid", "alipay_no", "buyer_alipay_no", "alipay_id", "desc", "reason", "address", "sid"),
    *("receiver_location", "status_desc", "seller_nick", "mark_desc", "trade_attr", "attribute", "invoice_name"),
}


def test_everything_travels_signed_in_the_body(gateway: Gateway, top: TopPlatform) -> None:
    gateway.answer(EMPTY)
    top.send(feed_page(FeedName.ORDERS_BY_CREATED, count=False)(top))
    (sent,) = gateway.sent
    assert (sent.path, sent.query) == ("/router/rest", {})
    assert sent.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert sent.headers["Accept-Encoding"] == "gzip"
    form = dict(sent.form)
    assert form.pop("sign") == sign(form, SECRET, "hmac-sha256")
    fields = form.pop("fields").split(",")
    assert {"tid", "modified", "orders.oid", "orders.combine_item_info"} < set(fields)
    assert form == {
        "method": "taobao.trades.sold.get",
        "app_key": "12345678",
        "session": SESSION,
        "timestamp": "2026-01-15 10:30:00",
        "v": "2.0",
        "format": "json",
        "sign_method": "hmac-sha256",
        "start_created": "2026-01-15 10:00:00",
        "end_created": "2026-01-15 10:30:00",
        "page_no": "1",
        "page_size": "100",
        "use_has_next": "true",
        "type": TRADE_TYPES,
    }


@pytest.mark.parametrize("name", SAMPLES)
def test_no_personal_data_is_asked_for(gateway: Gateway, top: TopPlatform, name: str) -> None:
    gateway.answer(answer(name))
    top.send(SAMPLES[name][0](top))
    asked = gateway.sent[0].form.get("fields", "").split(",")
    assert not PERSONAL & {field.rsplit(".", 1)[-1] for field in asked}
    assert "orders" not in asked  # the bare name returns every field of a line


def test_parameters_by_api(gateway: Gateway, top: TopPlatform) -> None:
    asked: dict[str, dict[str, str]] = {}
    for name, (ask, _, _) in SAMPLES.items():
        gateway.answer(answer(name))
        top.send(ask(top))
        form = gateway.sent[-1].form
        common = {"fields", "method", "app_key", "session", "timestamp", "v", "format", "sign_method", "sign"}
        asked[name] = {key: value for key, value in form.items() if key not in common}
    window = {"page_no": "1", "page_size": "100"}
    created = {"start_created": "2026-01-15 10:00:00", "end_created": "2026-01-15 10:30:00", **window}
    modified = {"start_modified": "2026-01-15 10:00:00", "end_modified": "2026-01-15 10:30:00", **window}
    assert asked == {
        "trades_sold_get": {**created, "type": TRADE_TYPES, "use_has_next": "false"},
        "trades_sold_increment_get": {**modified, "type": TRADE_TYPES, "use_has_next": "true"},
        "refunds_receive_get": {**modified, "type": TRADE_TYPES, "use_has_next": "false"},
        "logistics_orders_get": created,
        "items_onsale_get": {"page_no": "1", "page_size": "200"},
        "items_inventory_get": {"page_no": "1", "page_size": "200"},
        "items_seller_list_get": {"num_iids": "700000000001"},
        "trade_fullinfo_get": {"tid": "3900123456789012345"},
        "refund_get": {"refund_id": "281000000000000001"},
        "logistics_trace_search": {"tid": "3900123456789012345"},
    }


def test_limits_can_be_set_for_exactly_the_apis_that_are_called(top: TopPlatform) -> None:
    others = (
        top.messages(100), top.confirm_messages(["1"]), top.permit_messages(), top.server_time(), top.check(),
        *(top.count(feed, Window(NOW - timedelta(hours=1), NOW)) for feed in top.feeds.values()),
    )  # fmt: skip
    called = {ask(top).api for ask, *_ in SAMPLES.values()} | {request.api for request in others}
    assert called == APIS
    assert Shop(shop="demo", platform="taobao", api_calls_per_minute=dict.fromkeys(APIS, 5))


def test_every_documented_trade_type_is_asked_for() -> None:
    types = TRADE_TYPES.split(",")
    assert len(types) == len(set(types)) == 28
    assert {"fixed", "auction", "step", "cod", "ec", "auto_delivery", "tmall_i18n", "pre_auth_type"} < set(types)
    assert "fenxiao" not in types


def test_the_signed_timestamp_follows_the_platforms_clock(
    gateway: Gateway, top: TopPlatform, clock: SteppedClock
) -> None:
    clock.at = NOW + timedelta(hours=3)  # our clock is wrong
    gateway.answer(EMPTY)
    gateway.answer(EMPTY)
    assert top.send(top.check()) == NOW
    clock.sleep(60)
    top.send(top.check())
    assert [sent.form["timestamp"] for sent in gateway.sent] == ["2026-01-15 13:30:00", "2026-01-15 10:31:00"]


def test_a_refused_timestamp_is_retried_once_the_clock_is_known(
    gateway: Gateway, top: TopPlatform, clock: SteppedClock
) -> None:
    clock.at = NOW + timedelta(hours=3)
    gateway.error(31)
    gateway.error(31)
    with pytest.raises(ClockError, match="clock is 10800 s off"):
        top.send(top.check())
    with pytest.raises(RequestError, match="timestamp"):
        top.send(top.check())


@pytest.mark.parametrize("header", [None, "not a date"])
def test_without_a_date_header_our_corrected_clock_stands(
    gateway: Gateway, top: TopPlatform, clock: SteppedClock, header: str | None
) -> None:
    headers = {} if header is None else {"Date": header}
    clock.at = NOW + timedelta(hours=3)
    gateway.answer({"time_get_response": {"time": "2026-01-15 10:30:00"}}, date=None, headers=headers)
    gateway.answer(EMPTY, date=None, headers=headers)
    assert top.send(top.server_time()) == NOW
    assert "session" not in gateway.sent[0].form
    clock.sleep(5)
    assert top.send(top.check()) == NOW + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!DOCTYPE html><html>SENTINEL</html>", "HTML"),
        (b'{"trades_sold_get_response":{"total_results":1,"tra', "cut or foreign text"),
        (b"", "cut or foreign text"),
        (b"[]", "cut or foreign text"),
        (b"null", "cut or foreign text"),
        (b"\xff\xfe", "cut or foreign text"),
        (b"{}", "only key"),
        (b'{"trades_sold_increment_get_response":{"total_results":0}}', "only key"),
        (b'{"total_results":0,"request_id":"16abc0defghij"}', "only key"),
        (b'{"trades_sold_get_response":{"total_results":0},"more":1}', "only key"),
        (b'{"trades_sold_get_response":[]}', "no object"),
        (b'{"trades_sold_get_response":null}', "no object"),
    ],
)
def test_foreign_bodies_are_errors_never_empty_pages(
    gateway: Gateway, top: TopPlatform, body: bytes, words: str
) -> None:
    gateway.answer(body)
    with pytest.raises(RetryableError, match=words) as caught:
        top.send(top.check())
    assert "SENTINEL" not in str(caught.value)


@pytest.mark.parametrize("status", [204, 301, 302, 307, 400, 403, 404, 500, 502, 503, 504])
def test_anything_but_200_is_retryable_and_no_redirect_is_followed(
    gateway: Gateway, top: TopPlatform, status: int
) -> None:
    body = b"" if status == 204 else json.dumps(EMPTY).encode()
    gateway.answer(body, status=status, headers={"Location": f"{gateway.url}/elsewhere"})
    with pytest.raises(RetryableError, match=f"HTTP {status}"):
        top.send(top.check())
    assert len(gateway.sent) == 1


def test_a_gateway_that_says_too_many_calls_holds_all_calls_for_a_minute(gateway: Gateway, top: TopPlatform) -> None:
    gateway.answer(b"<html>Too Many Requests</html>", status=429)
    with pytest.raises(FlowControlError, match="HTTP 429") as caught:
        top.send(top.check())
    assert caught.value.wait_seconds == 60


def test_gzip_is_unpacked_and_broken_gzip_is_retryable(gateway: Gateway, top: TopPlatform) -> None:
    packed = gzip.compress(json.dumps(EMPTY).encode())
    gateway.answer(packed, headers={"Content-Encoding": "gzip"})
    assert top.send(top.check()) == NOW
    gateway.answer(b"no gzip at all", headers={"Content-Encoding": "gzip"})
    with pytest.raises(RetryableError):
        top.send(top.check())


def test_a_body_cut_on_the_way_is_retryable(gateway: Gateway, top: TopPlatform) -> None:
    body = json.dumps(EMPTY).encode()
    gateway.answer(body, promised=len(body) + 100)
    with pytest.raises(RetryableError, match="connection failed"):
        top.send(top.check())


def test_a_refused_connection_is_retryable(clock: SteppedClock) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        shop = Shop(shop="demo", platform="taobao", gateway_url=f"http://127.0.0.1:{port}/router/rest")
        top = connect(shop, Credentials("1", SECRET, SESSION, None), clock)
        with pytest.raises(RetryableError, match="ConnectError"):
            top.send(top.check())
        top.close()


def test_a_silent_server_times_out(gateway: Gateway, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (TIMEOUTS.connect, TIMEOUTS.read, TIMEOUTS.write, TIMEOUTS.pool) == (5, 25, 10, 5)
    monkeypatch.setattr(exchange, "TIMEOUTS", httpx.Timeout(5, read=0.05))
    shop = Shop(shop="demo", platform="taobao", gateway_url=f"{gateway.url}/router/rest")
    top = connect(shop, Credentials("1", SECRET, SESSION, None), clock)
    gateway.answer(EMPTY, hold=True)
    with pytest.raises(RetryableError, match="ReadTimeout"):
        top.send(top.check())
    top.close()


def test_a_dripping_server_is_given_up(gateway: Gateway, top: TopPlatform, clock: SteppedClock) -> None:
    clock.drift = timedelta(seconds=31)
    gateway.answer(EMPTY)
    with pytest.raises(RetryableError, match="no complete answer in 60 s"):
        top.send(top.check())


def test_an_answer_that_unpacks_without_end_is_given_up(gateway: Gateway, top: TopPlatform) -> None:
    gateway.answer(gzip.compress(bytes(LARGEST_ANSWER + 1), 1), headers={"Content-Encoding": "gzip"})
    with pytest.raises(RetryableError, match="above 64 MB"):
        top.send(top.check())


def test_a_companys_proxy_leads_outside_and_never_to_this_machine(
    gateway: Gateway, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", gateway.url)
    gateway.answer(EMPTY)
    outside = Exchange(clock)
    assert outside.post("http://gateway.example/router/rest", {"v": "2.0"}, "api").status == 200
    assert (gateway.sent[0].headers["Host"], gateway.sent[0].form) == ("gateway.example", {"v": "2.0"})
    outside.close()
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # discard: nobody listens
    gateway.answer(EMPTY)
    own = Exchange(clock)
    assert own.post(f"{gateway.url}/router/rest", {"v": "2.0"}, "api").status == 200
    own.close()


def faults(gateway: Gateway) -> list[Any]:
    return [
        lambda: gateway.error(27, "session-expired", SESSION, msg=f"Invalid session:{SESSION} {SECRET}"),
        lambda: gateway.error(25, "", SECRET),
        lambda: gateway.answer(f"<html>{SESSION}{SECRET}</html>".encode()),
        lambda: gateway.answer({SESSION: 1}),
        lambda: gateway.answer(SESSION.encode(), status=502),
        lambda: gateway.answer(SESSION.encode(), promised=1000),
        lambda: gateway.answer(SESSION.encode(), headers={"Content-Encoding": "gzip"}),
    ]


def test_secrets_reach_neither_logs_nor_exceptions_nor_repr(
    gateway: Gateway, top: TopPlatform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [repr(top)]
    for fault in faults(gateway):
        fault()
        with pytest.raises(PlatformError) as caught:
            top.send(top.check())
        error: BaseException | None = caught.value
        while error is not None:
            shown.append(repr(error) + repr(vars(error)))
            error = error.__cause__ or error.__context__
    shown.append(caplog.text)
    for secret in (SECRET, SESSION, REFRESH):
        assert all(secret not in text for text in shown)
    assert not [record for record in caplog.records if record.name.startswith(("httpx", "httpcore"))]


def test_a_refreshed_session_is_used(gateway: Gateway, top: TopPlatform) -> None:
    gateway.answer(EMPTY)
    top.use_session("6100fresh")
    top.send(top.check())
    assert gateway.sent[0].form["session"] == "6100fresh"


def test_platforms_without_a_client_are_the_users_to_mend(clock: SteppedClock) -> None:
    shop = Shop(shop="d", platform="douyin")
    with pytest.raises(UserError, match="not yet supported"):
        connect(shop, Credentials("1", SECRET, SESSION, None), clock)


def test_the_platforms_clock_is_aware_utc(gateway: Gateway, top: TopPlatform) -> None:
    gateway.answer(EMPTY, date=datetime(2026, 7, 1, 23, 59, 59, tzinfo=UTC))
    assert top.send(top.check()) == datetime(2026, 7, 1, 23, 59, 59, tzinfo=UTC)
