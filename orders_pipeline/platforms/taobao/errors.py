"""The platform's error table (wire spec, section 2) as typed errors.

Classified by code and by sub_code, in our own words: the platform's ``msg`` and ``sub_msg`` may repeat what was sent,
so nothing of them is passed on but the seconds of a ban and the name of a parameter. Transport errors belong to
``client.py``.
"""

from __future__ import annotations

import re
from typing import Any

from orders_pipeline.platforms.base import (
    FlowControlError,
    NotListedError,
    PermissionDeniedError,
    PlatformError,
    RequestError,
    RetryableError,
    SessionError,
    SignatureError,
    UnknownAnswerError,
)
from orders_pipeline.platforms.taobao.triage import advise

TRADE_REJECTION_WAIT = 180.0
"""Seconds: the platform asks for three minutes after too many timed-out trade queries, section 2."""

UNSTATED_BAN = 60.0
"""Seconds to wait where a ban names none: the quota is counted over a minute (decision 21)."""

INVALID_TIMESTAMP = 31
INVALID_SIGNATURE = 25

_FLOW_CODES = {4, 5, 6, 7, 8}  # 7 today; 4, 5, 6 and 8 in the older table
_SESSION_CODES = {26, 27, 42, 44}
_PERMISSION_CODES = {11, 12, 13}
_BY_SUB_CODE = {15, 50}  # and the old business codes above 100
_OLD_BUSINESS_CODES = 100
_REQUEST_CODES = {
    3: "an upload failed",
    9: "the HTTP verb is not allowed",
    21: "the method is missing",
    22: "the method is unknown",
    23: "the format is unknown",
    24: "the signature is missing",
    INVALID_SIGNATURE: "the signature is wrong: check the app secret",
    28: "the app key is missing",
    29: "the app key is unknown: check the app key and that the gateway is the one it belongs to",
    30: "the timestamp is missing",
    INVALID_TIMESTAMP: "the timestamp is more than 10 minutes off: set this machine's clock",
    32: "the protocol version is missing",
    33: "the protocol version is wrong",
    34: "the protocol version is not supported",
    40: "a required parameter is missing",
    41: "a parameter is invalid",
    43: "a parameter is wrong",
    47: "the encoding is wrong",
}
_SESSION_SUB_CODES = {
    "session-expired",
    "session-not-exist",
    "session-is-blank",
    "invalid-sessionkey",
    "sessionkey-not-generated-by-server",
}
_SUB_CODE = re.compile(r"(?!.*[0-9]{3})[A-Za-z0-9_.:-]{1,100}")  # three digits in a row may be an id, a phone, a token
_BAN = re.compile(r"ban will last for (\d{1,9}) more second")
_PARAMETER = re.compile(r":\s*([a-z_]{1,40})\b")
_NOT_LISTED = re.compile(r"isv\.(trade|order|refund|item|sku|logistics-order)-not-exist")


def classify(api: str, answer: Any) -> PlatformError:
    """The typed error for an ``error_response`` object; one of the classes of ``platforms/base.py``, not raised."""
    if not isinstance(answer, dict):
        return UnknownAnswerError(f"{api}: error_response is no object; see the platform's status page.")
    code = _code(answer.get("code"))
    sub_code = _text(answer.get("sub_code"))
    if not _SUB_CODE.fullmatch(sub_code):
        sub_code = ""
    named: dict[str, Any] = {"code": "" if code is None else str(code), "sub_code": sub_code}
    where = f"{api}: platform error {named['code'] or 'without code'}{f' ({sub_code})' if sub_code else ''}"

    if sub_code == "isv.trade-service-rejection":  # the prefix says caller's fault, the platform means: later
        text = f"{where}: too many slow queries; shorter windows after {TRADE_REJECTION_WAIT:.0f} s."
        return RetryableError(text, wait_seconds=TRADE_REJECTION_WAIT, **named)
    if _NOT_LISTED.match(sub_code):
        return NotListedError(f"{where}: unknown id, or older than the three months that are listed.", **named)
    if code in _FLOW_CODES or sub_code.startswith(("accesscontrol.", "isp.call-limited")):
        ban = _BAN.search(_text(answer.get("sub_msg")))
        wait = float(ban[1]) if ban else UNSTATED_BAN
        return FlowControlError(f"{where}: quota exceeded, no call for {wait:.0f} s.", wait_seconds=wait, **named)
    if code in _SESSION_CODES or sub_code in _SESSION_SUB_CODES:
        return SessionError(f"{where}: the session is not accepted; authorise the shop again.", **named)
    if code in _PERMISSION_CODES or sub_code.startswith("isv.permission"):
        text = f"{where}: not permitted; in the platform's console, grant the app this API and this machine's address."
        return PermissionDeniedError(text, **named)
    if code in _REQUEST_CODES:
        found = _PARAMETER.search(_text(answer.get("msg"))) if code in (40, 41) else None
        kind = SignatureError if code == INVALID_SIGNATURE else RequestError
        return kind(f"{where}: {_REQUEST_CODES[code]}{f': {found[1]}' if found else ''}.", **named)
    return _by_sub_code(code, where, named) or _unlisted(code, where, named, _text(answer.get("msg")))


def _by_sub_code(code: int | None, where: str, named: dict[str, Any]) -> PlatformError | None:
    sub_code = named["sub_code"]
    if sub_code.startswith("isp.") and not sub_code.endswith("-parse-error"):
        return RetryableError(f"{where}: the platform's fault; the call is repeated.", **named)
    if sub_code.startswith(("isv.", "isp.")):
        return RequestError(f"{where}: the platform rejects this request.", **named)
    if code == 10 or (code in _BY_SUB_CODE and not sub_code):
        return RetryableError(f"{where}: service unavailable; the call is repeated.", **named)
    return None


def _unlisted(code: int | None, where: str, named: dict[str, Any], message: str) -> PlatformError:
    """An error outside the table, by what its words are like; a person where they are like nothing."""
    kind = "business error" if code is not None and code > _OLD_BUSINESS_CODES else "answer"
    text = f"{where}: {kind} outside the known table; report it with this line."
    action = advise(named["sub_code"], message)
    if action == "wait":
        return FlowControlError(f"{text} It reads like a quota.", wait_seconds=UNSTATED_BAN, **named)
    like: dict[str, tuple[type[PlatformError], str]] = {
        "retry": (RetryableError, " It reads like passing trouble: the call is repeated."),
        "re-authorise": (SessionError, " It reads like a session that is over: authorise the shop again if it stays."),
        "fix": (RequestError, " It reads like a fault of the request."),
    }
    error, reading = like.get(action, (UnknownAnswerError, ""))
    return error(text + reading, **named)


def _code(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
