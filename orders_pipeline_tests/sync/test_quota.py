"""At most N calls in any 60 seconds of an app key, however many threads and processes share it."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders_pipeline.clock import SystemClock
from orders_pipeline.platforms.base import FlowControlError
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sync.changes import SENSOR_WAIT_SECONDS
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.pauses import Pauses, StoppedError
from orders_pipeline.sync.quota import LONGEST_BAN, Priority, Quota

START = datetime(2026, 1, 1, tzinfo=UTC)


def busiest_minute(times: list[datetime]) -> int:
    return max(sum(start <= other < start + timedelta(seconds=60) for other in times) for start in times)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(1, 30),
    calls=st.lists(st.tuples(st.floats(0, 30), st.sampled_from(Priority)), min_size=1, max_size=120),
)
def test_no_minute_holds_more_than_the_quota(tmp_path: Path, limit: int, calls: list[tuple[float, Priority]]) -> None:
    clock = SandboxClock.stepped(START)
    ops = Ops(tmp_path / f"{datetime.now(UTC).timestamp()}.sqlite")
    quota = Quota(ops, "key", limit, clock)
    times = []
    for pause, priority in calls:
        clock.advance(pause)
        quota.acquire("some.api", priority)
        times.append(clock.now())
    assert busiest_minute(times) <= limit
    quota.close()
    ops.close()


@pytest.mark.parametrize("priority", [Priority.INCREMENTAL, Priority.BACKFILL])
def test_nearly_all_of_the_quota_is_used_by_who_is_alone(tmp_path: Path, priority: Priority) -> None:
    clock = SandboxClock.stepped(START)
    quota = Quota(Ops(tmp_path / "ops.sqlite"), "key", 100, clock)
    times = []
    while clock.now() < START + timedelta(minutes=10):
        quota.acquire("some.api", priority)
        times.append(clock.now())
        clock.advance(0.2)  # what an answer takes
    assert len(times) >= 970
    assert busiest_minute(times) <= 100


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


def test_an_urgent_call_waits_a_moment_where_a_back_fill_takes_all(tmp_path: Path) -> None:
    """A burst of ten every 37 seconds, for ten minutes; a first-come quota lets the first of them wait most of a minute."""
    clock = SandboxClock.stepped(START)
    quota = Quota(Ops(tmp_path / "ops.sqlite"), "key", 100, clock)
    times, waits = [], []
    next_burst = START + timedelta(seconds=20)
    while clock.now() < START + timedelta(minutes=10):
        pause = quota._try("list", Priority.BACKFILL, "back-fill")
        if pause:
            clock.advance(min(pause, max((next_burst - clock.now()).total_seconds(), 0.001)))
        else:
            times.append(clock.now())
            clock.advance(0.05)
        if clock.now() >= next_burst:
            for _ in range(10):
                waits.append(quota.acquire("increment", Priority.INCREMENTAL))
                times.append(clock.now())
            next_burst = clock.now() + timedelta(seconds=37)
    assert len(waits) >= 100
    assert max(waits) <= SENSOR_WAIT_SECONDS
    assert sum(waits) / len(waits) <= 1.0
    assert len(times) >= 960  # and the back-fill takes all the rest
    assert busiest_minute(times) <= 100


def test_a_free_place_goes_to_the_highest_that_waits(tmp_path: Path) -> None:
    clock = SandboxClock.stepped(START)
    quota = Quota(Ops(tmp_path / "ops.sqlite"), "key", 6, clock)
    for _ in range(6):
        quota.acquire()
        clock.advance(1)
    waiting = sorted(Priority, reverse=True)
    assert all(quota._try("some.api", priority, priority.name) > 0 for priority in waiting)
    clock.advance(54.6)  # the first place is free, then one each second
    served = []
    while waiting:
        for priority in list(waiting):  # the lowest asks first
            if quota._try("some.api", priority, priority.name) == 0:
                quota._leave(priority.name)
                served.append(priority)
                waiting.remove(priority)
        clock.advance(0.25)
    assert served == sorted(Priority)


def test_a_waiting_process_that_was_killed_holds_nobody_up(tmp_path: Path) -> None:
    clock = SandboxClock.stepped(START)
    quota = Quota(Ops(tmp_path / "ops.sqlite"), "key", 2, clock)
    quota.acquire()
    quota.acquire()
    assert quota._try("some.api", Priority.INCREMENTAL, "killed while it waits") > 0
    assert 60 <= quota.acquire("some.api", Priority.BACKFILL) <= 95  # its own place, and the pace of a small quota


def test_an_api_with_a_lower_quota_of_its_own(tmp_path: Path) -> None:
    clock = SandboxClock.stepped(START)
    quota = Quota(Ops(tmp_path / "ops.sqlite"), "key", 100, clock, per_api={"slow": 5})
    slow, other = [], []
    for _ in range(5):
        quota.acquire("slow")
        slow.append(clock.now())
    assert quota._try("slow", Priority.INCREMENTAL, "first in line") > 50
    assert quota._try("other", Priority.BACKFILL) == 0  # its waiting is nobody else's
    for _ in range(30):
        quota.acquire("slow")
        slow.append(clock.now())
        quota.acquire("other")
        other.append(clock.now())
    assert busiest_minute(slow) == 5
    assert (clock.now() - START).total_seconds() <= 7 * 61


class Clock:
    """One that can be set back."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def test_a_clock_set_back_by_two_hours_costs_a_minute(tmp_path: Path) -> None:
    clock = Clock()
    quota = Quota(Ops(tmp_path / "ops.sqlite"), "key", 100, clock)
    for _ in range(100):
        quota.acquire()
    clock.time -= timedelta(hours=2)
    assert 60 <= quota.acquire() <= 62  # none of the hundred may be forgotten: they were made just now


def test_a_ban_outlasts_a_clock_set_back_by_its_length_only(tmp_path: Path) -> None:
    clock = Clock()
    quota = Quota(Ops(tmp_path / "ops.sqlite"), "key", 100, clock)
    quota.ban(60)
    clock.time -= timedelta(hours=2)
    assert 60 <= quota.acquire() <= 62


def test_a_long_ban_ends_every_run_that_meets_it_and_names_its_end(tmp_path: Path) -> None:
    clock = SandboxClock.stepped(START)
    Quota(Ops(tmp_path / "ops.sqlite"), "key", 100, clock).ban(36_000)
    later = Quota(Ops(tmp_path / "ops.sqlite"), "key", 100, clock)
    with pytest.raises(FlowControlError, match="2026-01-01 18:00:00"):
        later.acquire()
    assert clock.now() == START
    clock.advance(36_000 - LONGEST_BAN)
    assert later.acquire() == LONGEST_BAN


def test_a_sensor_waits_for_seconds_only(tmp_path: Path) -> None:
    clock = SandboxClock.stepped(START)
    quota = Quota(Ops(tmp_path / "ops.sqlite"), "key", 1, clock)
    quota.acquire(max_wait=5)
    with pytest.raises(FlowControlError, match="used up until 2026-01-01 08:01:0"):
        quota.acquire(max_wait=5)
    quota.ban(30)
    with pytest.raises(FlowControlError, match="no calls"):
        quota.acquire(max_wait=5)
    assert clock.now() == START


def test_waiting_ends_when_the_run_ends_it(tmp_path: Path) -> None:
    class Impatient(Clock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.time >= START + timedelta(seconds=3):
                pauses.end()

    clock = Impatient()
    pauses = Pauses(clock)
    quota = Quota(Ops(tmp_path / "ops.sqlite"), "key", 1, clock, pauses=pauses)
    quota.acquire()
    with pytest.raises(StoppedError):
        quota.acquire()
    assert clock.time <= START + timedelta(seconds=4)
    with pytest.raises(StoppedError):
        quota.acquire()  # and nobody begins to call
    pauses.begin()
    clock.time += timedelta(seconds=61)
    assert quota.acquire() == 0
