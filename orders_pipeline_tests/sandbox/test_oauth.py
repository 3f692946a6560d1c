"""Sign-in and refresh over HTTP, and what old tokens are still good for."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline_tests.sandbox.caller import Caller
from orders_pipeline_tests.sandbox.shop import NOW

APP = {"client_id": "12345678", "client_secret": "sandbox-secret"}
CALLBACK = "http://localhost:8000/callback?shop=1"


def authorize(call: Caller, **params: str) -> Any:
    asked = {"response_type": "code", "client_id": "12345678", "redirect_uri": CALLBACK, "state": "xyz"} | params
    return call.http.get("/authorize", params=asked)


def new_code(call: Caller) -> str:
    query = parse_qs(urlsplit(authorize(call).headers["location"]).query)
    assert (query["state"], query["shop"]) == (["xyz"], ["1"])
    return query["code"][0]


def token(call: Caller, **params: str) -> dict[str, Any]:
    response = call.http.post("/token", data=APP | params)
    assert response.status_code == 200, response.text
    fields: dict[str, Any] = response.json()
    return fields


def denied(call: Caller, **params: str) -> str:
    response = call.http.post("/token", data=APP | params)
    assert response.status_code == 400
    body = response.json()
    assert body.keys() == {"error", "error_description"}
    assert "sandbox-secret" not in response.text
    error: str = body["error"]
    return error


def test_code_buys_one_token(call: Caller) -> None:
    code = new_code(call)
    fields = token(call, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    assert fields["token_type"] == "Bearer"
    assert unquote(fields["taobao_user_nick"]) == "测试店" != fields["taobao_user_nick"]
    assert fields["taobao_user_id"] == str(call.sandbox.store.user_id)
    assert call("taobao.trades.sold.get", fields="tid", session=fields["access_token"])["total_results"] == 2
    assert denied(call, grant_type="authorization_code", code=code, redirect_uri=CALLBACK) == "invalid_grant"


def test_code_expires_and_is_bound_to_its_redirect(call: Caller) -> None:
    asked = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    late = new_code(call)
    call.sandbox.clock.advance(1800)
    assert denied(call, code=late, **asked) == "invalid_grant"
    elsewhere = asked | {"code": new_code(call), "redirect_uri": "http://localhost/other"}
    assert denied(call, **elsewhere) == "invalid_grant"


def test_refresh_replaces_both_tokens_and_the_old_access_token_lives_on(call: Caller) -> None:
    asked = {"grant_type": "refresh_token", "refresh_token": "sandbox-refresh"}
    fields = token(call, **asked)
    for session in ("sandbox-session", fields["access_token"]):
        assert call("taobao.trades.sold.get", fields="tid", session=session)["total_results"] == 2
    assert denied(call, **asked) == "invalid_grant", "spent"
    again = token(call, grant_type="refresh_token", refresh_token=fields["refresh_token"])
    assert len({again["access_token"], fields["access_token"], "sandbox-session"}) == 3


def test_tokens_expire(call: Caller) -> None:
    life = call.sandbox.options.session_seconds
    call.sandbox.clock.advance(life - 1)
    fresh = token(call, grant_type="refresh_token", refresh_token="sandbox-refresh")
    call.sandbox.clock.advance(1)
    error = call.refusal("taobao.trades.sold.get", fields="tid")
    assert (error["code"], error["sub_code"]) == (27, "session-expired")
    assert error["msg"] == "Invalid session:session-expired"
    assert call("taobao.trades.sold.get", fields="tid", session=fresh["access_token"])
    call.sandbox.gateway.tokens.expire_session(fresh["access_token"], call.sandbox.clock.now())
    assert call.refusal("taobao.trades.sold.get", fields="tid", session=fresh["access_token"])["code"] == 27


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "stolen"}, "invalid_grant"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_secret": "guess"}, "invalid_client"),
        ({"grant_type": "refresh_token", "refresh_token": "x", "client_id": "999"}, "invalid_client"),
        ({}, "invalid_request"),
    ],
)
def test_refusals_are_http_400(call: Caller, params: dict[str, str], error: str) -> None:
    assert denied(call, **params) == error


def test_authorize_sends_nobody_off_this_machine(call: Caller) -> None:
    assert authorize(call, redirect_uri="http://example.com/").status_code == 400
    assert authorize(call, client_id="999").status_code == 400
    shown = authorize(call, redirect_uri="urn:ietf:wg:oauth:2.0:oob")
    assert shown.text.startswith("sandbox-code-")


def test_implicit_flow_answers_in_the_fragment(call: Caller) -> None:
    target = urlsplit(authorize(call, response_type="token").headers["location"])
    fields = parse_qs(target.fragment)
    assert call("taobao.trades.sold.get", fields="tid", session=fields["access_token"][0])["total_results"] == 2


def test_top_style_tokens_are_a_json_string(call: Caller) -> None:
    created = call("taobao.top.auth.token.create", session=None, code=new_code(call))
    fields = json.loads(created["token_result"])
    assert fields["expire_time"] == int((NOW.timestamp() + fields["expires_in"]) * 1000)
    refreshed = call("taobao.top.auth.token.refresh", session=None, refresh_token=fields["refresh_token"])
    session = json.loads(refreshed["token_result"])["access_token"]
    assert call("taobao.trades.sold.get", fields="tid", session=session)["total_results"] == 2
    error = call.refusal("taobao.top.auth.token.refresh", refresh_token=fields["refresh_token"])
    assert error["code"] == 15


def test_apps_without_refresh_hold_fixed_life_tokens() -> None:
    options = SandboxOptions(refreshable=False)
    with SandboxServer(Store(), clock=SandboxClock.stepped(NOW), options=options) as sandbox:
        call = Caller(sandbox)
        fields = token(call, grant_type="authorization_code", code=new_code(call), redirect_uri=CALLBACK)
        assert fields["re_expires_in"] == 0
        assert "refresh_token" not in fields
        assert denied(call, grant_type="refresh_token", refresh_token="sandbox-refresh") == "invalid_grant"
