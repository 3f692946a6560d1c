"""How one sandbox platform is set up: credentials, quota, and the readings of the protocol that are open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """Every setting of the platform side; what the shop does is the world's.

    ``ban_seconds`` None bans until the oldest counted call is 60 seconds old; a number bans for that long.
    ``rows_behind_wall``: a window that begins more than three months ago is clipped or answered with an error.
    ``page_size_over``: a page_size above the maximum is an error (code 41) or clamped.
    ``forbidden``: API names for which the app lacks permission (code 11).
    ``refreshable``: False makes fixed-life tokens, as apps outside the service market hold.
    """

    app_key: str = "12345678"
    app_secret: str = "sandbox-secret"  # noqa: S105 - a public constant of the sandbox, guards nothing
    session: str = "sandbox-session"
    refresh_token: str = "sandbox-refresh"  # noqa: S105 - as above
    calls_per_minute: int = 100  # the default quota of issue and contract
    ban_seconds: float | None = None
    session_seconds: int = 7_776_000  # 90 days, one of the lives seen on live apps (spec section 3)
    refreshable: bool = True
    rows_behind_wall: Literal["clip", "error"] = "clip"
    page_size_over: Literal["error", "clamp"] = "error"
    forbidden: frozenset[str] = frozenset()
