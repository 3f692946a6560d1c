"""The platform's clock and the TOP-style form of OAuth (spec section 3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from orders_pipeline.sandbox.apis.registry import api
from orders_pipeline.sandbox.call import Call
from orders_pipeline.sandbox.clock import to_wire
from orders_pipeline.sandbox.errors import refused
from orders_pipeline.sandbox.store import Wire
from orders_pipeline.sandbox.tokens import TokenError


@api("taobao.time.get", needs_session=False)
def time(call: Call) -> Wire:
    """The platform's time."""
    return {"time": to_wire(call.now)}


@api("taobao.top.auth.token.create", needs_session=False)
def token_create(call: Call) -> Wire:
    """Tokens for a code; ``token_result`` is a JSON string."""
    code = call.need("code")
    try:
        return _result(call, call.tokens.exchange(code, call.app_key, None, call.now))
    except TokenError as error:
        raise refused("isv.invalid-parameter:code", error.description) from None


@api("taobao.top.auth.token.refresh", needs_session=False)
def token_refresh(call: Call) -> Wire:
    """New tokens for a refresh token."""
    refresh_token = call.need("refresh_token")
    try:
        return _result(call, call.tokens.refresh(refresh_token, call.app_key, call.now))
    except TokenError as error:
        raise refused("isv.invalid-parameter:refresh_token", error.description) from None


def _result(call: Call, fields: dict[str, Any]) -> Wire:
    def until(seconds: int) -> int:
        return int((call.now + timedelta(seconds=seconds)).timestamp() * 1000)

    valid = {f"{risk}_valid": until(fields[f"{risk}_expires_in"]) for risk in ("r1", "r2", "w1", "w2")}
    dated = fields | valid | {
        "expire_time": until(fields["expires_in"]),
        "refresh_token_valid_time": until(fields["re_expires_in"]),
    }  # fmt: skip
    return {"token_result": msgspec.json.encode(dated).decode()}
