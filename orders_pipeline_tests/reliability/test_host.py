"""Trouble on our side of the wire: two runs at once, a full disk, a locked warehouse, tokens and secrets that change (3.2)."""

from __future__ import annotations

import errno
import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orders_pipeline.platforms.base import PlatformError
from orders_pipeline.settings import UserError
from orders_pipeline.sync import ShopBusyError, shop_sync
from orders_pipeline.sync.landing import Landing
from orders_pipeline.warehouse import store
from orders_pipeline_tests.conftest import NOON
from orders_pipeline_tests.reliability.scenario import scenario
from orders_pipeline_tests.reliability.scene import INCREMENTS, Scene
from orders_pipeline_tests.reliability.source import SINCE


@scenario(
    2, 3, "two runs at once", injected="a second sync and a back-fill of one shop while a sync runs",
    expected="the second sync refuses and names the first; the back-fill runs; 0 missing, 0 twice",
)  # fmt: skip
def test_two_runs_of_one_shop_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop_sync, "LEASE_WAIT_SECONDS", 0.05)
    inside, done = threading.Event(), threading.Event()
    errors: list[Exception] = []
    with scene.serve():

        def first() -> None:
            try:
                with scene.open() as sync:
                    lease = sync._lease("sync")  # the run is stopped in the middle: what it holds is its lease
                    with lease:
                        inside.set()
                        done.wait(30)
                    sync.sync(since=SINCE)
            except Exception as error:
                errors.append(error)

        run = threading.Thread(target=first)
        run.start()
        assert inside.wait(30)
        refused = scene.sync(since=SINCE)
        with scene.open() as sync:
            sync.backfill(1)
        done.set()
        run.join(60)
        assert isinstance(refused.error, ShopBusyError)
        assert f"process {os.getpid()}" in str(refused.error)
        assert not errors
        assert not scene.difference()
    scene.facts.append("second sync refused by name, back-fill beside it went on")


@scenario(
    2, 18, "disk full", injected="no space left while a window is written",
    expected="the run fails, the window is not marked read; the next run heals",
)  # fmt: skip
def test_a_disk_that_is_full_while_a_window_lands(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene.serve():

        def write(self: Landing, path: Path, *args: Any) -> None:
            path.with_name(f".{path.name}.tmp").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as full:
            full.setattr(Landing, "write", write)
            refused = scene.sync(since=SINCE)
        assert "The disk refused a file" in str(refused.error)
        assert scene.covered_until() is None
        results = scene.syncs()
    assert not results[-1].difference
    assert [result.error for result in results] == [None] * 3


@scenario(
    2, 18, "out of memory at COMMIT", injected="the transaction that stores a window fails before it commits",
    expected="the run fails, nothing of the window is in the tables or the ledger; the next run applies it without a call",
)  # fmt: skip
def test_a_transaction_that_fails_before_it_commits(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with scene.serve():
        honest = store.upsert

        def upsert(con: duckdb.DuckDBPyConnection, *args: Any, **named: Any) -> None:
            honest(con, *args, **named)
            raise duckdb.OutOfMemoryException("failed to allocate")

        with monkeypatch.context() as broken:
            broken.setattr(store, "upsert", upsert)
            with pytest.raises(duckdb.OutOfMemoryException):
                scene.sync(since=SINCE)
        assert scene.covered_until() is None
        assert scene.rows("SELECT count(*) FROM core.orders") == [(0,)]
        calls = scene.sandbox.gateway.quota.accepted
        with scene.open() as sync:
            sync.apply_landed("trade_pages")
        assert scene.sandbox.gateway.quota.accepted == calls
        assert not scene.difference()


@scenario(
    2, 19, "token refreshed", injected="the access token is refused between two calls of a sync, and to two connections at once",
    expected="one refresh, no lost window, no secret in what is written (rotated secrets: tests of calling)",
)  # fmt: skip
def test_a_token_that_is_refused_in_the_middle_of_a_sync(scene: Scene) -> None:
    with scene.serve({"kind": "session_expired", "apis": INCREMENTS, "calls": 2}) as sandbox:
        result = scene.sync(since=SINCE)
        assert result.error is None
        assert scene.outcomes().count("session") == 1
        assert sandbox.gateway.tokens.refreshes == 1
    assert not result.difference
    secrets = [text.encode() for text in ("sandbox-secret", "sandbox-session", "sandbox-refresh")]
    for file in scene.folder.root.rglob("*"):  # ops.sqlite keeps the tokens, readable for nobody else
        if file.is_file() and not file.name.startswith("ops.sqlite"):
            assert not any(secret in file.read_bytes() for secret in secrets), file
    assert scene.folder.ops.stat().st_mode & 0o077 == 0
    scene.facts.append("1 refresh, nothing lost")


@scenario(2, 19, "token refreshed", injected="the token is refused to two connections", expected="one refresh")
def test_a_token_that_is_refused_to_two_connections(scene: Scene) -> None:
    refused = {"kind": "session_expired", "apis": "taobao.*"}
    with scene.serve({**refused, "calls": 1}, {**refused, "calls": 3}) as sandbox:
        with scene.open() as one, scene.open() as two:
            one.check()  # refused, refreshes, asks again
            two.check()  # refused, finds the other's token, asks again
        assert sandbox.gateway.tokens.refreshes == 1
        assert scene.outcomes().count("session") == 2
        assert scene.outcomes()[-1] == "ok"


@scenario(
    2, 14, "flapping platform", injected="every call fails with a chance of 30 % for ten minutes, then none does",
    expected="no loss over the whole cycle (open, closed, half-open: `sync/test_breaker.py`)",
)  # fmt: skip
def test_a_platform_that_flaps(scene: Scene) -> None:
    fault = {"kind": "http_status", "status": 503, "probability": 0.3, "until": NOON + timedelta(minutes=15)}
    with scene.serve(fault):
        results = [scene.sync(since=SINCE)]
        for minutes in (10, 20, 30, 90):
            scene.until(NOON + timedelta(minutes=minutes))
            results.append(scene.sync())
        assert scene.plan.struck("http_status") >= 3
        assert all(result.error is None or isinstance(result.error, PlatformError | UserError) for result in results)
        for result in results:
            assert result.error is not None or result.paused or not result.difference
        assert results[-1].error is None
        assert not results[-1].paused
    assert not results[-1].difference
    said = [type(result.error).__name__ if result.error else "paused" if result.paused else "ok" for result in results]
    scene.facts.append(f"syncs: {', '.join(said)}; nothing lost")
