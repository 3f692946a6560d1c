"""``kill -9`` before and after each step of a compaction, and a reader in another process all the while."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from multiprocessing.queues import SimpleQueue
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import duckdb
import pytest

from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.warehouse.conftest import SteppedClock
from orders_pipeline_tests.warehouse.small_files import Zone, days, passing
from orders_pipeline_tests.warehouse.wire import trade, trades

FORK = multiprocessing.get_context("forkserver")  # not fork: duckdb has threads
PATIENCE = 60.0  # seconds until another process has done what takes milliseconds
QUERIES = 3  # of the reader between two steps: the last of them at least was begun after the one before


@pytest.fixture
def zone(folder: DataFolder, warehouse: Warehouse) -> Zone:
    """Of two windows and one order."""
    zone = Zone(folder, warehouse)
    zone.apply(zone.land(0), zone.land(1, trades(trade())))
    return zone


def compact_and_die(folder: Path, now: datetime, passages: int) -> None:
    """One run that kills itself at a step; it ends in peace where it has fewer."""
    left = passages

    def at() -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    with passing(at):
        Warehouse(DataFolder(folder), SteppedClock(now)).compact()


def killed_at_each_step(zone: Zone, now: datetime, backup: Path) -> Iterator[int]:
    """The folder as a run leaves it that was killed at its first step, at its second, ..."""
    shutil.copytree(zone.folder.root, backup, symlinks=True)
    for passages in range(1_000):
        process = FORK.Process(target=compact_and_die, args=(zone.folder.root, now, passages))
        process.start()
        process.join(PATIENCE)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        yield passages
        shutil.rmtree(zone.folder.root)
        shutil.copytree(backup, zone.folder.root, symlinks=True)


@pytest.mark.parametrize(("step", "least"), [(1, 10), (2, 6), (3, 20), (4, 8)])
def test_killed_anywhere_rows_are_shown_once_and_later_runs_finish(
    zone: Zone, clock: SteppedClock, tmp_path: Path, step: int, least: int
) -> None:
    rows, tables = zone.shown(), zone.tables()
    days(zone.warehouse, clock, step - 1)
    killed = 0
    for _ in killed_at_each_step(zone, clock.now(), tmp_path / "backup"):
        killed += 1
        assert zone.shown() == rows
        assert zone.unapplied() == []
        zone.warehouse.rebuild()
        assert zone.tables() == tables
        later = SteppedClock(clock.now())
        for _ in days(Warehouse(zone.folder, later), later, 5):
            assert zone.shown() == rows
        assert [path.name[:6] for path in zone.folder.raw.glob("trade_pages/shop=*/*/*")] == ["joined"]
        assert not list(zone.folder.raw.rglob("*.tmp"))
    assert killed >= least


RAW = "SELECT count(*), sum(row_count), bit_xor(hash(COLUMNS(*)::VARCHAR)) FROM raw.trade_pages"


def read_on(file: str, queries: Synchronized[int], wrong: SimpleQueue[str]) -> None:
    """Ask the view again and again, by one connection that stays open and by new ones; tell what is not as at first."""
    with duckdb.connect(file, read_only=True) as lasting:
        first = lasting.execute(RAW).fetchall()
        while True:
            try:
                with duckdb.connect(file, read_only=True) as fresh:
                    for con in (lasting, fresh):
                        found = con.execute(RAW).fetchall()
                        if found != first:
                            wrong.put(f"{found} instead of {first}")
            except duckdb.Error as error:
                wrong.put(str(error))
            queries.value += 1


class ReadersClock(SteppedClock):
    """Where it moves on, the reader has begun and ended a few queries: none lasts longer than a grace or a pause."""

    def __init__(self, now: datetime, wait: Callable[[], None]) -> None:
        super().__init__(now)
        self._wait = wait

    def advance(self, **span: float) -> None:
        self._wait()
        super().advance(**span)


def test_a_reader_in_another_process_never_sees_a_row_missing_or_twice(zone: Zone, clock: SteppedClock) -> None:
    zone.fill()
    queries, wrong = FORK.Value("q", 0), FORK.SimpleQueue()
    reader = FORK.Process(target=read_on, args=(str(zone.folder.published), queries, wrong), daemon=True)
    reader.start()

    def wait() -> None:
        until, patience = queries.value + QUERIES, time.monotonic() + PATIENCE
        while queries.value < until:
            assert reader.is_alive()
            assert time.monotonic() < patience
            time.sleep(0.005)

    wait()
    steps = ReadersClock(clock.now(), wait)
    try:
        reports = days(Warehouse(zone.folder, steps), steps)
    finally:
        os.kill(reader.pid or 0, signal.SIGKILL)
        reader.join()
    assert sum(report.removed for report in reports) > 40
    assert wrong.empty(), wrong.get()
