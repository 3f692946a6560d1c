"""Reads the token endpoint's answer (OAuth 2.0 refresh, wire spec section 3). Sending is ``client.py``'s."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime, timedelta
from typing import Any

import msgspec

from orders_pipeline.platforms.base import RetryableError, SessionError, Tokens

API = "oauth.token"
"""What the call is named in ``ops.api_calls``."""

_OK, _SERVER_FAULT = 200, 500
_ERROR_NAME = re.compile(r"[a-z_]{1,60}")  # RFC 6749: invalid_grant and its like; the description is not repeated


def parse(status: int, body: bytes, at: datetime) -> Tokens:
    """New tokens, ``expires_at`` counted from ``at``. Raises SessionError on a refusal, RetryableError on a foreign body.

    A lost answer is retryable too: if it had replaced the refresh token, the repetition is refused, and loudly.
    """
    answer: Any = None
    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
        answer = msgspec.json.decode(body)
    if status >= _SERVER_FAULT or not isinstance(answer, dict):
        raise RetryableError(f"{API}: HTTP {status} without a usable body; the call is repeated.")
    access = answer.get("access_token")
    if status != _OK or not isinstance(access, str) or not access:
        name = answer.get("error")
        name = name if isinstance(name, str) and _ERROR_NAME.fullmatch(name) else f"HTTP {status}"
        raise SessionError(f"{API}: the platform refuses the refresh ({name}); authorise the shop again.", code=name)
    refresh = answer.get("refresh_token")
    renewable = isinstance(refresh, str) and refresh != "" and _seconds(answer.get("re_expires_in")) != 0
    seconds = _seconds(answer.get("expires_in"))
    return Tokens(access, refresh if renewable else None, None if seconds is None else at + timedelta(seconds=seconds))


def _seconds(value: Any) -> int | None:
    """Numbers may be quoted."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
