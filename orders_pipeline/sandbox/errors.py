"""The platform's error codes and their words (spec section 2). Nothing about HTTP or about who raises them."""

from __future__ import annotations

from typing import Any

MESSAGES = {
    7: "App Call Limited",
    9: "Http Action Not Allowed",
    11: "Insufficient ISV Permissions",
    15: "Remote service error",
    21: "Missing Method",
    22: "Invalid Method",
    23: "Invalid Format",
    24: "Missing Signature",
    25: "Invalid Signature",
    26: "Missing session",
    27: "Invalid session",
    28: "Missing App Key",
    29: "Invalid App Key",
    30: "Missing Timestamp",
    31: "Invalid Timestamp",
    32: "Missing Version",
    33: "Invalid Version",
    34: "Unsupported Version",
    40: "Missing required arguments",
    41: "Invalid arguments",
    43: "Parameter Error",
    47: "Invalid encoding",
}


class TopError(Exception):
    """An ``error_response``. ``about`` is appended to the message as the platform does: "Invalid arguments:fields"."""

    def __init__(self, code: int, sub_code: str | None = None, sub_msg: str | None = None, *, about: str = "") -> None:
        self.code = code
        self.msg = MESSAGES[code] + (f":{about}" if about else "")
        self.sub_code = sub_code
        self.sub_msg = sub_msg
        super().__init__(f"{code} {self.msg} {sub_code or ''}".strip())

    def body(self) -> dict[str, Any]:
        """The object under ``error_response``, without request_id."""
        optional = {"sub_code": self.sub_code, "sub_msg": self.sub_msg}
        return {"code": self.code, "msg": self.msg} | {name: text for name, text in optional.items() if text}


def missing_argument(name: str) -> TopError:
    """Code 40: the gateway found a required parameter absent."""
    return TopError(40, "isv.missing-parameter:" + name, about=name)


def invalid_argument(name: str, why: str) -> TopError:
    """Code 41: the gateway found a value of the wrong form or out of range."""
    return TopError(41, "isv.invalid-parameter:" + name, why, about=name)


def refused(sub_code: str, why: str) -> TopError:
    """Code 15: the service behind the gateway refused."""
    return TopError(15, sub_code, why)
