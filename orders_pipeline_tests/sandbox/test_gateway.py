"""The gateway's checks, their order, and the shapes of answers."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from orders_pipeline.sandbox.clock import SandboxClock, to_wire
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline_tests.sandbox.caller import Caller, sign
from orders_pipeline_tests.sandbox.shop import FIRST_TID, NOW, a_shop, ago

SOLD = "taobao.trades.sold.get"


def test_checks_come_in_the_documented_order() -> None:
    """A request with everything wrong is mended one thing at a time: each step uncovers the next check."""
    options = SandboxOptions(calls_per_minute=1, forbidden=frozenset({SOLD}))
    with SandboxServer(a_shop(), clock=SandboxClock.stepped(NOW), options=options) as sandbox:
        call = Caller(sandbox)
        call("taobao.time.get")  # uses up the quota
        params: dict[str, str] = {}
        steps: list[tuple[int, dict[str, str]]] = [
            (21, {"method": "taobao.no.such.api"}),
            (22, {"method": SOLD}),
            (28, {"app_key": "999"}),
            (29, {"app_key": "12345678"}),
            (32, {"v": "two"}),
            (33, {"v": "1.0"}),
            (34, {"v": "2.0"}),
            (30, {"timestamp": "yesterday"}),
            (31, {"timestamp": to_wire(NOW - timedelta(minutes=11))}),
            (31, {"timestamp": to_wire(NOW)}),
            (23, {"format": "xml"}),
            (23, {"format": "json", "sign_method": "md5"}),
            (24, {"sign": "WRONG"}),
        ]
        for code, mend in steps:
            assert error(call, params) == code
            params |= mend
        assert error(call, params) == 25
        assert error(call, signed(params)) == 7
        sandbox.clock.advance(61)
        assert error(call, signed(params)) == 26
        sandbox.clock.advance(61)
        assert error(call, signed(params | {"session": "stolen"})) == 27
        sandbox.clock.advance(61)
        assert error(call, signed(params | {"session": "sandbox-session"})) == 11
        answer = call.http.put("/router/rest", params=signed(params)).json()
        assert answer["error_response"]["code"] == 9, "the verb comes first of all"


def test_parameters_are_checked_before_the_business(call: Caller) -> None:
    assert call.refusal("taobao.trade.get", tid=1) | {"request_id": ""} == {
        "code": 40,
        "msg": "Missing required arguments:fields",
        "sub_code": "isv.missing-parameter:fields",
        "request_id": "",
    }
    assert call.refusal("taobao.trade.get", fields="tid", tid="first")["code"] == 41
    missing = call.refusal("taobao.trade.get", fields="tid", tid=1)
    assert (missing["code"], missing["sub_code"]) == (15, "isv.trade-not-exist")


@pytest.mark.parametrize("minutes", [-10, 0, 10])
def test_timestamp_as_text_or_milliseconds_within_ten_minutes(call: Caller, minutes: int) -> None:
    sent = NOW + timedelta(minutes=minutes)
    assert call("taobao.time.get", timestamp=to_wire(sent))["time"] == to_wire(NOW)
    assert call("taobao.time.get", timestamp=int(sent.timestamp() * 1000))["time"] == to_wire(NOW)
    beyond = sent + timedelta(minutes=11 if minutes >= 0 else -11)
    assert call.refusal("taobao.time.get", timestamp=int(beyond.timestamp() * 1000))["code"] == 31


def test_parameters_may_travel_in_query_or_body(call: Caller) -> None:
    params = call.params(SOLD, fields="tid", buyer_nick="测**")
    system = {name: params[name] for name in ("method", "app_key", "session", "timestamp", "v", "sign")}
    business = {name: value for name, value in params.items() if name not in system}
    answers = [
        call.http.get("/router/rest", params=params),
        call.http.post("/router/rest", data=params),
        call.http.post("/router/rest", params=params),
        call.http.post("/router/rest", params=system, data=business),
        call.http.post("/router/rest", params=system, files={name: (None, text) for name, text in business.items()}),
    ]
    for answer in answers:
        body = answer.json()["trades_sold_get_response"]
        assert [row["tid"] for row in body["trades"]["trade"]] == [FIRST_TID + 2_000_000, FIRST_TID + 1_000_000]


def test_file_parts_are_not_signed(call: Caller) -> None:
    params = call.params("taobao.time.get")
    files: dict[str, tuple[str | None, str | bytes]] = {name: (None, text) for name, text in params.items()}
    files["image"] = ("a.png", b"\x89PNG")
    assert "time_get_response" in call.http.post("/router/rest", files=files).json()


def test_xml_is_refused_clearly_and_is_the_default(call: Caller) -> None:
    for chosen in (None, "xml"):
        error_response = call.refusal("taobao.time.get", format=chosen)
        assert error_response["code"] == 23
        assert "format=json" in error_response["sub_msg"]


def test_bytes_that_are_not_utf8_are_code_47(call: Caller) -> None:
    answer = call.http.post(
        "/router/rest", content=b"method=%FF%FE", headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.json()["error_response"]["code"] == 47


def test_simplified_answers_have_no_root_and_bare_lists(call: Caller) -> None:
    plain = call(SOLD, fields="tid,orders")
    simple = call.raw(SOLD, fields="tid,orders", simplify="true")
    assert simple.keys() == {"total_results", "trades", "request_id"}
    assert [row["orders"] for row in simple["trades"]] == [row["orders"]["order"] for row in plain["trades"]["trade"]]
    assert call.refusal(SOLD, simplify="true")["code"] == 40, "errors keep their envelope"


def test_empty_lists_are_absent(call: Caller) -> None:
    body = call(SOLD, fields="tid", start_created=ago(minutes=2), end_created=ago(minutes=1))
    assert body.keys() == {"total_results", "request_id"}


def test_request_ids_are_inside_and_unique(call: Caller) -> None:
    seen = {call("taobao.time.get")["request_id"] for _ in range(5)} | {call.refusal("taobao.trade.get")["request_id"]}
    assert len(seen) == 6
    assert all(len(text) == 13 and text.startswith("16") and text.isalnum() for text in seen)


def test_chinese_and_ids_beyond_53_bits_survive(call: Caller) -> None:
    params = call.params("taobao.trade.fullinfo.get", fields="tid,title,tid_str", tid=FIRST_TID + 1_000_000)
    text = call.http.post("/router/rest", data=params).text
    assert "测试店" in text
    assert f'"tid":{FIRST_TID + 1_000_000}' in text
    assert json.loads(text)["trade_fullinfo_get_response"]["trade"]["tid_str"] == str(FIRST_TID + 1_000_000)


def error(call: Caller, params: dict[str, str]) -> int:
    code: int = call.http.post("/router/rest", data=params).json()["error_response"]["code"]
    return code


def signed(params: dict[str, str]) -> dict[str, str]:
    unsigned = {name: text for name, text in params.items() if name != "sign"}
    return unsigned | {"sign": sign(unsigned, "sandbox-secret", "md5")}
