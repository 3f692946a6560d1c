"""One way to call out: retries, bans, tokens and the call log, against the real sandbox."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from orders_pipeline.platforms.base import RequestError, RetryableError, SessionError
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync
from orders_pipeline.sync.caller import ATTEMPTS
from orders_pipeline_tests.conftest import NOON

OpenSync = Callable[..., AbstractContextManager[ShopSync]]


class Sick:
    """Answers the first ``times`` calls with a web server's error page."""

    def __init__(self, app: ASGIApp, times: int) -> None:
        self.app = app
        self.left = times

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.left > 0:
            self.left -= 1
            await HTMLResponse("<html>502 Bad Gateway</html>", status_code=502)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def sandbox_with(options: SandboxOptions | None = None, sick: int = 0) -> SandboxServer:
    return SandboxServer(
        clock=SandboxClock.stepped(NOON), options=options, faults=[Middleware(Sick, times=sick)] if sick else []
    )


def outcomes(folder: DataFolder) -> list[str]:
    with sqlite3.connect(folder.ops) as con:
        return [row[0] for row in con.execute("SELECT outcome FROM api_calls ORDER BY call_id")]


@pytest.fixture
def healthy() -> Iterator[SandboxServer]:
    with sandbox_with() as server:
        yield server


def test_passing_trouble_is_ridden_out_and_every_attempt_is_logged(folder: DataFolder, open_sync: OpenSync) -> None:
    with sandbox_with(sick=3) as server, open_sync(server) as sync:
        sync.check()
    assert outcomes(folder) == ["retryable"] * 3 + ["ok"]


def test_trouble_that_stays_ends_the_run_after_a_bounded_number_of_tries(
    folder: DataFolder, open_sync: OpenSync
) -> None:
    with sandbox_with(sick=10_000) as server, open_sync(server) as sync, pytest.raises(RetryableError):
        sync.check()
    assert outcomes(folder) == ["retryable"] * ATTEMPTS


def test_a_ban_is_waited_out_and_binds_other_processes(folder: DataFolder, open_sync: OpenSync) -> None:
    with sandbox_with(SandboxOptions(calls_per_minute=5)) as server, open_sync(server) as sync:
        began = server.clock.now()
        for _ in range(12):  # our own quota is set far too high, so the platform refuses
            sync.check()
        waited = (server.clock.now() - began).total_seconds()
        assert outcomes(folder).count("ok") == 12
        assert 1 <= outcomes(folder).count("flow_control") <= 3
        assert 110 <= waited <= 130  # 12 calls at 5 a minute


def test_our_own_quota_keeps_the_platform_from_refusing(folder: DataFolder, open_sync: OpenSync) -> None:
    options = SandboxOptions(calls_per_minute=5)
    with sandbox_with(options) as server, open_sync(server, calls_per_minute=5) as sync:
        for _ in range(23):
            sync.check()
        assert outcomes(folder) == ["ok"] * 23


def test_an_expired_session_is_refreshed_once_and_the_new_tokens_are_kept(
    folder: DataFolder, open_sync: OpenSync
) -> None:
    with sandbox_with() as server:
        with open_sync(server) as sync:
            sync.check()
            server.gateway.tokens.expire_session(server.options.session, server.clock.now())
            sync.check()
        with open_sync(server) as later:  # another process starts from what was stored
            later.check()
    assert outcomes(folder) == ["ok", "session", "ok", "ok", "ok"]  # the refresh stands between


def test_an_expired_session_without_refresh_token_is_one_clear_error(
    folder: DataFolder, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOP_REFRESH_TOKEN")
    with sandbox_with() as server, open_sync(server) as sync:
        server.gateway.tokens.expire_session(server.options.session, server.clock.now())
        with pytest.raises(SessionError) as caught:
            sync.check()
    assert "\n" not in str(caught.value)
    assert "sandbox-session" not in str(caught.value)


def test_a_wrong_secret_is_not_retried(
    folder: DataFolder, healthy: SandboxServer, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOP_APP_SECRET", "wrong")
    with open_sync(healthy) as sync, pytest.raises(RequestError):
        sync.check()
    assert outcomes(folder) == ["request"]


def test_the_gateway_being_down_is_named(folder: DataFolder, open_sync: OpenSync) -> None:
    with sandbox_with() as server:
        gone = server.gateway_url
    with sandbox_with() as server, open_sync(server, gateway_url=gone) as sync, pytest.raises(RetryableError):
        sync.check()


def test_secrets_lie_in_a_file_that_only_its_owner_reads(
    folder: DataFolder, healthy: SandboxServer, open_sync: OpenSync
) -> None:
    with open_sync(healthy) as sync:
        sync.check()
    assert folder.ops.stat().st_mode & 0o077 == 0
