"""At most N calls in any 60 seconds of an app key, however many threads and processes share it."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders_pipeline.clock import SystemClock
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.quota import Quota

START = datetime(2026, 1, 1, tzinfo=UTC)


def busiest_minute(times: list[datetime]) -> int:
    return max(sum(start <= other < start + timedelta(seconds=60) for other in times) for start in times)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 30), pauses=st.lists(st.floats(0, 30), min_size=1, max_size=120))
def test_no_minute_holds_more_than_the_quota(tmp_path: Path, limit: int, pauses: list[float]) -> None:
    clock = SandboxClock.stepped(START)
    ops = Ops(tmp_path / f"{datetime.now(UTC).timestamp()}.sqlite")
    quota = Quota(ops, "key", limit, clock)
    times = []
    for pause in pauses:
        clock.advance(pause)
        quota.acquire()
        times.append(clock.now())
    assert busiest_minute(times) <= limit
    quota.close()
    ops.close()


def test_nearly_all_of_the_quota_is_used(tmp_path: Path) -> None:
    clock = SandboxClock.stepped(START)
    quota = Quota(Ops(tmp_path / "ops.sqlite"), "key", 100, clock)
    for _ in range(1_000):
        quota.acquire()
    minutes = (clock.now() - START).total_seconds() / 60
    assert (
        1_000 / (100 * (minutes + 1)) >= 0.97
    )  # the first hundred start at once: ten minutes' worth in nine and a bit


def test_threads_share_it(tmp_path: Path) -> None:
    clock = SandboxClock.stepped(START)
    quota = Quota(Ops(tmp_path / "ops.sqlite"), "key", 10, clock)

    def take(_: int) -> datetime:
        quota.acquire()
        return clock.now()

    with ThreadPoolExecutor(8) as pool:
        times = list(pool.map(take, range(60)))
    # a thread may read the clock after another has stepped it, so the log is asked, not the threads
    assert len(times) == 60
    assert (clock.now() - START).total_seconds() >= 5 * 60


def _grab(path: str, tries: int) -> int:
    """In a process of its own: places taken without waiting."""
    quota = Quota(Ops(Path(path)), "key", 50, SystemClock())
    return sum(quota._try() == 0.0 for _ in range(tries))


def test_processes_share_it(tmp_path: Path) -> None:
    path = tmp_path / "ops.sqlite"
    Ops(path).close()
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        taken = pool.starmap(_grab, [(str(path), 40)] * 3)
    assert sum(taken) == 50


def test_a_ban_holds_for_everybody_and_never_gets_shorter(tmp_path: Path) -> None:
    clock = SandboxClock.stepped(START)
    mine = Quota(Ops(tmp_path / "ops.sqlite"), "key", 10, clock)
    theirs = Quota(Ops(tmp_path / "ops.sqlite"), "key", 10, clock)
    mine.ban(30)
    mine.ban(5)
    theirs.acquire()
    assert (clock.now() - START).total_seconds() >= 30
