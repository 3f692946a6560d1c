"""Two runs at once, a full disk, a warehouse that somebody holds, a host whose clock changes: nothing lost, honest exits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from orders_pipeline.clock import SHOP_TZ, SystemClock
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync
from orders_pipeline.sync.leases import lease
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.cli.conftest import Merchant, merchant  # noqa: F401 - a fixture
from orders_pipeline_tests.conftest import living_sandbox, shop_of
from orders_pipeline_tests.reliability import commands
from orders_pipeline_tests.reliability.tables import check_tables

NEW_YORK = ZoneInfo("America/New_York")
CLOCKS_GO_BACK = datetime(2026, 11, 1, 2, 0, tzinfo=NEW_YORK)  # 02:00 EDT becomes 01:00 EST
CLOCKS_GO_FORWARD = datetime(2026, 3, 8, 2, 0, tzinfo=NEW_YORK)


def test_two_runs_of_one_shop_at_once(merchant: Merchant) -> None:  # noqa: F811
    with lease(
        DataFolder(merchant.data).create().locks, "backfill", "tea_tmall", "another run", SystemClock(), wait_seconds=0
    ):
        second = merchant.run("backfill")
        increments = merchant.run("sync")
    assert second.exit_code == 1
    assert "another run" in second.stderr
    assert increments.exit_code == 0  # a back-fill does not hold up what is new
    assert merchant.run("backfill").exit_code == 0
    assert merchant.run("sync").exit_code == 0
    assert merchant.orders() == merchant.sold()


def test_two_back_fills_in_two_processes(merchant: Merchant) -> None:  # noqa: F811
    runs: list[commands.Done] = []
    threads = [threading.Thread(target=lambda: runs.append(commands.run(merchant, "backfill"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # the second waits five seconds for the first: then it either finds all done, or says who is at it
    assert sorted(run.returncode for run in runs)[0] == 0
    for run in runs:
        assert run.returncode == 0 or "held by" in run.stderr
    assert merchant.orders() == merchant.sold()


@pytest.mark.parametrize("room", ["for nothing", "for the call log", "for raw files", "for half a warehouse"])
def test_a_full_disk(merchant: Merchant, room: str) -> None:  # noqa: F811
    data = DataFolder(merchant.data).create()
    Warehouse(data, merchant.clock).prepare()
    size = data.warehouse.stat().st_size
    largest = {
        "for nothing": 512,
        "for the call log": 8_192,
        "for raw files": 60_000,
        "for half a warehouse": size // 2,
    }
    commands.must_fail_in_one_line(commands.run(merchant, "backfill", largest_file=largest[room]))
    again = commands.run(merchant, "backfill")
    assert again.returncode == 0, again.stderr
    assert merchant.orders() == merchant.sold()


@contextmanager
def host_in(zone: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        yield
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("change", [CLOCKS_GO_BACK, CLOCKS_GO_FORWARD], ids=["back", "forward"])
def test_a_host_in_new_york_when_its_clocks_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: datetime
) -> None:
    """Increments every 50 minutes, from two hours before the change to three hours after it."""
    folder = DataFolder(tmp_path / "data").create()
    begin = change.astimezone(SHOP_TZ) - timedelta(hours=2)
    with living_sandbox(3, 40, now=begin) as sandbox:
        shop = shop_of(sandbox, backfill_days=4)
        with host_in("America/New_York", monkeypatch):
            _sandbox_secrets(monkeypatch)
            with ShopSync.open(shop, folder, clock=sandbox.clock) as sync:
                sync.backfill()
                for _ in range(6):
                    sandbox.clock.advance(3_000)
                    sync.sync()
                check_tables(folder, sandbox.truth(), "tmall", "tea_tmall")
                covered = sync.pull_increments().windows
    assert covered == 0  # nothing is left to read, no hole and no hour twice


def _sandbox_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("TOP_APP_KEY", "12345678"),
        ("TOP_APP_SECRET", "sandbox-secret"),
        ("TOP_SESSION", "sandbox-session"),
        ("TOP_REFRESH_TOKEN", "sandbox-refresh"),
    ):
        monkeypatch.setenv(name, value)
