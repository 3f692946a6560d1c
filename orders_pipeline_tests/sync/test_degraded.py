"""A platform that falls ill and recovers: increments stop, the newest days are read hourly, and nothing is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta

import duckdb
import pytest

from orders_pipeline.platforms.base import PlatformError
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync, degraded
from orders_pipeline_tests.reliability.tables import check_tables
from orders_pipeline_tests.sync.sickness import Dial, sick_sandbox

DAYS = 6
OpenSync = Callable[..., AbstractContextManager[ShopSync]]


@pytest.fixture
def sandbox(dial: Dial) -> Iterator[SandboxServer]:
    with sick_sandbox(DAYS, 40, dial) as server:
        yield server


def tick(sandbox: SandboxServer, open_sync: OpenSync) -> str:
    """Five minutes of the sensor of changes, which skips while the breaker is open, and one run of the schedule."""
    with open_sync(sandbox) as sync:
        ctx = sync._ctx
        for _ in range(5):
            sandbox.clock.advance(60)
            if degraded.reason(ctx.ops, ctx.shop.shop, sandbox.clock.now()) is None:
                with suppress(PlatformError):
                    sync.changed()
        try:
            report = sync.sync()
        except PlatformError as error:
            return type(error).__name__
    return "paused" if report.paused else "synced"


def calls(folder: DataFolder, api: str, since: datetime) -> int:
    with sqlite3.connect(folder.ops) as con:
        query = "SELECT count(*) FROM api_calls WHERE api = ? AND at >= ?"
        (count,) = con.execute(query, (api, since.strftime("%Y-%m-%dT%H:%M:%S"))).fetchone()
    return int(count)


def ask(folder: DataFolder, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder.published), read_only=True) as con:
        return con.execute(query).fetchall()


def test_nothing_is_lost_over_the_whole_cycle(
    folder: DataFolder, sandbox: SandboxServer, dial: Dial, open_sync: OpenSync
) -> None:
    with open_sync(sandbox) as sync:
        sync.backfill(DAYS + 1)
    assert tick(sandbox, open_sync) == "synced"

    dial.share = 0.3
    fell_ill = sandbox.clock.now()
    found = [tick(sandbox, open_sync) for _ in range(18)]  # an hour and a half
    # a part of the hot range that could not be read is no success
    assert set(found[6:]) <= {"paused", "RetryableError"}
    assert "paused" in found
    open_ones = ask(folder, "SELECT kind, subject, closed_at IS NULL FROM ops.incidents WHERE kind = 'breaker_open'")
    assert open_ones == [("breaker_open", "calls", True)]
    # increments stand still, yet orders are known up to the last hourly read of the list by creation
    ((newest,),) = ask(folder, "SELECT max(created_at) FROM core.orders")
    assert isinstance(newest, datetime)
    assert sandbox.clock.now() - newest <= timedelta(minutes=100)
    # eight windows an hour, and their retries
    assert 16 <= calls(folder, "taobao.trades.sold.get", fell_ill) <= 3 * 8 * 3

    dial.share = 0.0
    assert [tick(sandbox, open_sync) for _ in range(3)][-1] == "synced"
    check_tables(folder, sandbox.truth(), "tmall", "tea_tmall")
    closed = ask(
        folder, "SELECT kind, closed_at IS NOT NULL FROM ops.incidents WHERE kind IN ('breaker_open', 'sync_gap')"
    )
    assert all(is_closed for _, is_closed in closed)
    assert ("sync_gap", True) in closed  # orders were incomplete for more than an hour, and that was said
    with open_sync(sandbox) as sync:
        ledger = sync._ctx.ledger().covered("taobao.trades.sold.increment.get")
    behind = ledger[0].start
    for window in ledger:
        assert window.start <= behind + timedelta(seconds=1)
        behind = max(behind, window.end)


def test_a_back_fill_goes_on_while_increments_pause(
    folder: DataFolder, sandbox: SandboxServer, dial: Dial, open_sync: OpenSync
) -> None:
    dial.share = 1.0
    with open_sync(sandbox) as sync:
        for _ in range(4):
            with pytest.raises(PlatformError):
                sync.check()
        dial.share = 0.2
        sync.backfill(DAYS + 1)  # retries carry it through
        dial.share = 0.0
        sandbox.clock.advance(300)
        assert not sync.sync().paused
    check_tables(folder, sandbox.truth(), "tmall", "tea_tmall")
