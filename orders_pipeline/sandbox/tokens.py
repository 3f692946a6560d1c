"""Apps, sign-in codes, access tokens and refresh tokens of the sandbox platform (spec section 3, decisions 24).

Rules only; the OAuth pages are in ``oauth.py``, the TOP-style calls in ``apis/system.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import quote

from orders_pipeline.sandbox.errors import TopError
from orders_pipeline.sandbox.options import SandboxOptions

CODE_LIFE = timedelta(minutes=30)  # not documented; long enough for a person to copy a code by hand


class TokenError(Exception):
    """An OAuth refusal: HTTP 400 with ``error`` and ``error_description``."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class _Grant:
    app_key: str
    until: datetime
    redirect_uri: str = ""


class TokenDesk:
    """Issues and checks tokens. A refresh replaces both; the old access token lives until its own expiry."""

    def __init__(self, options: SandboxOptions, seller_nick: str, user_id: int, now: datetime) -> None:
        self.apps = {options.app_key: options.app_secret}
        self.refreshes = 0
        self._options = options
        self._seller_nick = seller_nick
        self._user_id = user_id
        self._numbers = count(1)
        self._life = timedelta(seconds=options.session_seconds)
        until = now + self._life
        self._codes: dict[str, _Grant] = {}
        self._sessions = {options.session: _Grant(options.app_key, until)}
        self._refresh_tokens = {options.refresh_token: _Grant(options.app_key, until)} if options.refreshable else {}

    def check_session(self, session: str | None, app_key: str, now: datetime) -> None:
        """Raises TopError 26 or 27."""
        if not session:
            raise TopError(26, "isv.missing-parameter:session")
        grant = self._sessions.get(session)
        if grant is None:
            raise TopError(27, "invalid-sessionkey", about="session-not-exist")
        if grant.app_key != app_key:
            raise TopError(27, "sessionkey-not-generated-by-server")
        if grant.until <= now:
            raise TopError(27, "session-expired", about="session-expired")

    def expire_session(self, session: str, now: datetime) -> None:
        """End an access token's life now, as a seller who withdraws consent does."""
        self._sessions[session] = _Grant(self._sessions[session].app_key, now)

    def new_code(self, client_id: str, redirect_uri: str, now: datetime) -> str:
        """A one-time code for the seller's consent. Raises TokenError."""
        self._app(client_id)
        code = f"sandbox-code-{next(self._numbers)}"
        self._codes[code] = _Grant(client_id, now + CODE_LIFE, redirect_uri)
        return code

    def exchange(self, code: str, client_id: str, redirect_uri: str | None, now: datetime) -> dict[str, Any]:
        """Token fields for a code, once. ``redirect_uri`` None is not compared (TOP-style). Raises TokenError."""
        grant = self._codes.pop(code, None)
        if grant is None or grant.app_key != client_id or grant.until <= now:
            raise TokenError("invalid_grant", "code is unknown, used or expired")
        if redirect_uri is not None and redirect_uri != grant.redirect_uri:
            raise TokenError("invalid_grant", "redirect_uri differs from the one the code was issued for")
        return self._issue(client_id, now)

    def refresh(self, refresh_token: str, client_id: str, now: datetime) -> dict[str, Any]:
        """New token fields; the refresh token is spent. Raises TokenError."""
        grant = self._refresh_tokens.get(refresh_token)
        if grant is None or grant.app_key != client_id or grant.until <= now:
            raise TokenError("invalid_grant", "refresh_token is unknown, used or expired")
        del self._refresh_tokens[refresh_token]
        self.refreshes += 1
        return self._issue(client_id, now)

    def authenticate(self, client_id: str, client_secret: str) -> None:
        """Raises TokenError where the app or its secret is wrong."""
        if self._app(client_id) != client_secret:
            raise TokenError("invalid_client", "client_secret is wrong")

    def _app(self, client_id: str) -> str:
        secret = self.apps.get(client_id)
        if secret is None:
            raise TokenError("invalid_client", "client_id is unknown")
        return secret

    def _issue(self, app_key: str, now: datetime) -> dict[str, Any]:
        number = next(self._numbers)
        grant = _Grant(app_key, now + self._life)
        fields: dict[str, Any] = {
            "access_token": f"sandbox-session-{number}",
            "token_type": "Bearer",
            "expires_in": self._options.session_seconds,
            "re_expires_in": self._options.session_seconds if self._options.refreshable else 0,
        }
        self._sessions[fields["access_token"]] = grant
        if self._options.refreshable:
            fields["refresh_token"] = f"sandbox-refresh-{number}"
            self._refresh_tokens[fields["refresh_token"]] = grant
        for risk in ("r1", "r2", "w1", "w2"):
            fields[f"{risk}_expires_in"] = self._options.session_seconds
        fields["taobao_user_id"] = str(self._user_id)
        fields["taobao_user_nick"] = quote(self._seller_nick)  # URL-encoded on the wire
        return fields
