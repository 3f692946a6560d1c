"""Sessions and secrets that end in the middle of a run: renewed once, by whoever is first, and nothing is lost."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime

import duckdb
import pytest

from orders_pipeline.platforms.base import RetryableError, SessionError, SignatureError
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync
from orders_pipeline_tests.conftest import NOON, shop_of
from orders_pipeline_tests.reliability.tables import check_tables
from orders_pipeline_tests.sync.sickness import Dial, sick_sandbox

DAYS = 8
OpenSync = Callable[..., AbstractContextManager[ShopSync]]


@pytest.fixture
def sandbox(dial: Dial) -> Iterator[SandboxServer]:
    with sick_sandbox(DAYS, 30, dial) as server:
        yield server


def outcomes(folder: DataFolder) -> list[str]:
    with sqlite3.connect(folder.ops) as con:
        return [row[0] for row in con.execute("SELECT outcome FROM api_calls ORDER BY call_id")]


def incidents(folder: DataFolder) -> list[tuple[str, datetime, datetime | None, str]]:
    with duckdb.connect(str(folder.published), read_only=True) as con:
        return con.execute(
            "SELECT kind, opened_at, closed_at, detail FROM ops.incidents WHERE kind = 'auth_expired' ORDER BY opened_at"
        ).fetchall()


def must_be_whole(folder: DataFolder, sandbox: SandboxServer) -> None:
    assert check_tables(folder, sandbox.truth(), "tmall", "tea_tmall") > 100


def everything(sync: ShopSync, sandbox: SandboxServer) -> None:
    sync.backfill(DAYS + 1)
    sync.sync()


def expire(sandbox: SandboxServer, session: str = "") -> None:
    sandbox.gateway.tokens.expire_session(session or sandbox.options.session, sandbox.clock.now())


def test_four_readers_that_meet_an_expired_session_refresh_it_once(
    folder: DataFolder, sandbox: SandboxServer, dial: Dial, open_sync: OpenSync
) -> None:
    dial.at_call[5] = lambda: expire(sandbox)
    with open_sync(sandbox) as sync:
        everything(sync, sandbox)
    assert sandbox.gateway.tokens.refreshes == 1
    assert dial.token_calls == 1
    assert outcomes(folder).count("session") >= 1
    must_be_whole(folder, sandbox)


def test_of_three_runs_at_once_the_first_refreshes_and_the_others_take_what_it_got(
    folder: DataFolder, sandbox: SandboxServer, open_sync: OpenSync
) -> None:
    with open_sync(sandbox) as one, open_sync(sandbox) as two, open_sync(sandbox) as three:
        for run in (one, two, three):
            run.check()
        expire(sandbox)
        for run in (two, one, three):
            run.check()
    assert sandbox.gateway.tokens.refreshes == 1
    assert outcomes(folder).count("session") == 3


def test_two_expiries_in_one_run_are_two_refreshes(
    folder: DataFolder, sandbox: SandboxServer, open_sync: OpenSync
) -> None:
    with open_sync(sandbox) as sync:
        expire(sandbox)
        sync.check()
        expire(sandbox, sync._ctx.caller._tokens.session())
        sync.check()
    assert sandbox.gateway.tokens.refreshes == 2
    assert outcomes(folder) == ["session", "ok", "ok", "session", "ok", "ok"]


def test_a_refresh_that_did_not_arrive_is_asked_for_again(
    folder: DataFolder, sandbox: SandboxServer, dial: Dial, open_sync: OpenSync
) -> None:
    dial.tokens = ["unreached", "unreached"]
    with open_sync(sandbox) as sync:
        expire(sandbox)
        everything(sync, sandbox)
    assert sandbox.gateway.tokens.refreshes == 1
    assert incidents(folder) == []
    must_be_whole(folder, sandbox)


def test_a_token_page_that_is_down_is_no_reason_to_authorise_again(
    folder: DataFolder, sandbox: SandboxServer, dial: Dial, open_sync: OpenSync
) -> None:
    dial.tokens = ["unreached"] * 3
    with open_sync(sandbox) as sync:
        expire(sandbox)
        with pytest.raises(RetryableError):
            sync.sync()
    with open_sync(sandbox) as later:
        everything(later, sandbox)
    assert incidents(folder) == []
    must_be_whole(folder, sandbox)


def test_a_lost_refresh_answer_is_one_loud_incident_until_the_shop_is_authorised_again(
    folder: DataFolder, sandbox: SandboxServer, dial: Dial, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    dial.tokens = ["lost"]
    with open_sync(sandbox) as sync:
        sync.backfill(3)
        expire(sandbox)
        sandbox.clock.advance(3600)
        with pytest.raises(SessionError, match="authorise the shop again") as caught:
            sync.sync()
        assert "sandbox-" not in str(caught.value)
        for _ in range(2):  # the schedule goes on ticking
            sandbox.clock.advance(300)
            with open_sync(sandbox) as next_run, pytest.raises(SessionError, match="authorise the shop again"):
                next_run.sync()
    assert [(kind, closed) for kind, _, closed, _ in incidents(folder)] == [("auth_expired", None)]
    assert "authorise the shop again" in incidents(folder)[0][3]

    tokens = sandbox.gateway.tokens
    key, now = sandbox.options.app_key, sandbox.clock.now()
    signed_in = tokens.exchange(tokens.new_code(key, "", now), key, None, now)
    monkeypatch.setenv("TOP_SESSION", signed_in["access_token"])
    monkeypatch.setenv("TOP_REFRESH_TOKEN", signed_in["refresh_token"])
    with open_sync(sandbox) as mended:
        everything(mended, sandbox)
    ((_, opened, closed, _),) = incidents(folder)
    assert closed is not None
    assert closed > opened
    must_be_whole(folder, sandbox)


def test_many_readers_and_a_refused_refresh_are_one_question(
    folder: DataFolder, sandbox: SandboxServer, dial: Dial, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOP_REFRESH_TOKEN", "spent")
    dial.at_call[5] = lambda: expire(sandbox)
    with open_sync(sandbox) as sync, pytest.raises(SessionError):
        sync.backfill(DAYS)
    assert dial.token_calls == 1
    assert len(incidents(folder)) == 1


def test_a_secret_rotated_in_the_middle_of_a_run_loses_nothing(
    folder: DataFolder, sandbox: SandboxServer, dial: Dial, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rotate() -> None:
        sandbox.gateway.tokens.apps[sandbox.options.app_key] = "a-new-secret"
        monkeypatch.setenv("TOP_APP_SECRET", "a-new-secret")

    dial.at_call[6] = rotate
    dial.at_call[14] = lambda: expire(sandbox)  # and a refresh signs in with the new secret
    with open_sync(sandbox) as sync:
        everything(sync, sandbox)
    assert 1 <= outcomes(folder).count("request") <= 4  # one a reader
    assert sandbox.gateway.tokens.refreshes == 1
    must_be_whole(folder, sandbox)


def test_a_secret_that_nobody_told_us_ends_the_run_and_the_next_one_goes_on(
    folder: DataFolder, sandbox: SandboxServer, dial: Dial, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    dial.at_call[6] = lambda: sandbox.gateway.tokens.apps.update({sandbox.options.app_key: "a-new-secret"})
    with open_sync(sandbox) as sync, pytest.raises(SignatureError, match="app secret"):
        sync.backfill(DAYS + 1)
    monkeypatch.setenv("TOP_APP_SECRET", "a-new-secret")
    with open_sync(sandbox) as later:
        everything(later, sandbox)
    must_be_whole(folder, sandbox)


def test_readers_that_wait_for_a_place_do_not_hold_up_the_end_of_a_failed_pull(
    folder: DataFolder, sandbox: SandboxServer, dial: Dial
) -> None:
    class Frozen:
        """Time stands still, so that no place ever comes free; whoever waits waits for real."""

        def now(self) -> datetime:
            return NOON

        def sleep(self, seconds: float) -> None:
            threading.Event().wait(0.005)

    dial.at_call[3] = lambda: sandbox.gateway.tokens.apps.update({sandbox.options.app_key: "a-new-secret"})
    shop = shop_of(sandbox, calls_per_minute=5)
    with ShopSync.open(shop, folder, clock=Frozen()) as sync, pytest.raises(SignatureError):
        sync.pull_full()
    assert dial.calls <= 5
