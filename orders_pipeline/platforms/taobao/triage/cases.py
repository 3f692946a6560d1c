"""Errors and what is to be done about them: the platform's table (wire spec, section 2), in families that are left out whole,
and rows of another platform's that neither the rule nor the model has seen.

Messages are the platform's own fixed words, never those of a live answer.
"""

from __future__ import annotations

from typing import NamedTuple

from orders_pipeline.platforms.taobao.triage.rule import Action


class Case(NamedTuple):
    """One error: its words, what to do, and the family that it belongs to."""

    text: str
    action: Action
    family: str


def _family(name: str, action: Action, *texts: str) -> list[Case]:
    return [Case(text, action, name) for text in texts]


def _remote(*names: str) -> tuple[str, ...]:
    return tuple(f"Remote service error isp.{name}" for name in names)


TABLE: tuple[Case, ...] = tuple(
    _family(
        "call limits", "wait",
        "App Call Limited", "User Call Limited", "Session Call Limited", "Partner Call Limited",
        "App Call Exceeds Limited Frequency",
    )
    + _family(
        "access control", "wait",
        *(f"accesscontrol.limited-by-{what}-access-count This ban will last for more seconds"
          for what in ("app", "api", "app-api", "dynamic")),
        "isp.call-limited",
    )
    + _family(
        "slow queries", "wait", "Remote service error isv.trade-service-rejection", "isv.trade-service-rejection",
    )
    + _family("unavailable", "retry", "Service Currently Unavailable", "Remote service error")
    + _family(
        "remote top", "retry",
        *_remote("top-remote-connection-timeout", "top-remote-connection-timeout-tmall", "top-remote-service-unavailable",
                 "top-remote-service-unavailable-tmall", "top-remote-unknown-error"),
    )
    + _family(
        "remote", "retry",
        *_remote("remote-connection-error", "remote-service-error", "remote-service-timeout"),
    )
    + _family("system", "retry", *_remote("system-busy", "unknown-error", "item-service-unavailable"))
    + _family("parse", "fix", "isp.http-parse-error", "isp.json-parse-error")
    + _family(
        "session codes", "re-authorise", "Missing session", "Invalid session", "Invalid access token",
        "Insufficient session permissions",
    )
    + _family(
        "session words", "re-authorise", "session-expired", "session-not-exist", "session-is-blank", "invalid-sessionkey",
        "sessionkey-not-generated-by-server",
    )
    + _family(
        "permission codes", "page", "Insufficient ISV Permissions", "Insufficient User Permissions",
        "Insufficient Partner Permissions",
    )
    + _family(
        "permission words", "page",
        *(f"isv.permission-{what}"
          for what in ("api-package-empty", "api-package-not-allowed", "api-package-limit", "ip-whitelist-limit")),
    )
    + _family("method", "fix", "Missing Method", "Invalid Method", "Http Action Not Allowed", "Invalid Format")
    + _family("signature", "fix", "Missing Signature", "Invalid Signature")
    + _family("app key", "fix", "Missing App Key", "Invalid App Key")
    + _family("timestamp", "fix", "Missing Timestamp", "Invalid Timestamp")
    + _family("version", "fix", "Missing Version", "Invalid Version", "Unsupported Version", "Invalid encoding", "Upload Fail")
    + _family("arguments", "fix", "Missing required arguments", "Invalid arguments", "Parameter Error")
    + _family("argument words", "fix", "isv.missing-parameter:tid", "isv.invalid-parameter:start_modified")
    + _family("unknown ids", "fix", "isv.trade-not-exist", "isv.refund-not-exist", "isv.item-not-exist")
)  # fmt: skip

UNSEEN: tuple[Case, ...] = tuple(
    _family("token endpoint", "re-authorise", *(f"dop.token-generate-failed:{why}" for why in (
        "code-invalid", "code-expired", "no-authorization", "token-expired", "token-invalid",
        "grant-type-invalid", "app-secret-invalid", "app-forbidden")))
    + _family("address", "page", "IP not whitelisted")
    + _family("bugs", "fix", "isv.idempotent-id-existed", "isv.app-id-expired")
    + _family("doubt", "retry", "security isv.env-suspected", "dop.unknown-error")
)  # fmt: skip
"""Rows of Douyin's table (its wire spec, section 1), in the words of another house. The rule had been written, and has not been
changed since, when these were looked at; the rest of that table was known to its writer and is no test of it."""
