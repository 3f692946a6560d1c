"""At most N calls in any 60 seconds of an app key, however many threads and processes share it, in both stores."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders_pipeline.clock import SystemClock
from orders_pipeline.platforms.base import FlowControlError
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sync.changes import SENSOR_WAIT_SECONDS
from orders_pipeline.sync.pauses import Pauses, StoppedError
from orders_pipeline.sync.quota import LONGEST_BAN, Priority, Quota
from orders_pipeline_tests.sync.conftest import Quotas, Recipe

START = datetime(2026, 1, 1, tzinfo=UTC)


def busiest_minute(times: list[datetime]) -> int:
    return max(sum(start <= other < start + timedelta(seconds=60) for other in times) for start in times)


def taken(quota: Quota, api: str = "", priority: Priority = Priority.INCREMENTAL, waiter: str = "") -> bool:
    """Whether there was a place at once."""
    return quota.attempt(api, priority, waiter)[1] == 0


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(1, 30),
    calls=st.lists(st.tuples(st.floats(0, 30), st.sampled_from(Priority)), min_size=1, max_size=120),
)
def test_no_minute_holds_more_than_the_quota(quotas: Quotas, limit: int, calls: list[tuple[float, Priority]]) -> None:
    clock = SandboxClock.stepped(START)
    quota = quotas(limit, clock, key=uuid4().hex)
    times = []
    for pause, priority in calls:
        clock.advance(pause)
        quota.acquire("some.api", priority)
        times.append(clock.now())
    assert busiest_minute(times) <= limit


@pytest.mark.parametrize("priority", [Priority.INCREMENTAL, Priority.BACKFILL])
def test_nearly_all_of_the_quota_is_used_by_who_is_alone(quotas: Quotas, priority: Priority) -> None:
    clock = SandboxClock.stepped(START)
    quota = quotas(100, clock)
    times = []
    while clock.now() < START + timedelta(minutes=10):
        quota.acquire("some.api", priority)
        times.append(clock.now())
        clock.advance(0.2)  # what an answer takes
    assert len(times) >= 970
    assert busiest_minute(times) <= 100


def test_threads_share_it(quotas: Quotas) -> None:
    clock = SandboxClock.stepped(START)
    quota = quotas(10, clock)

    def take(_: int) -> datetime:
        quota.acquire()
        return clock.now()

    with ThreadPoolExecutor(8) as pool:
        times = list(pool.map(take, range(60)))
    # a thread may read the clock after another has stepped it, so the log is asked, not the threads
    assert len(times) == 60
    assert (clock.now() - START).total_seconds() >= 5 * 60


def _grab(recipe: Recipe, tries: int) -> int:
    """In a process of its own: places taken without waiting."""
    quota = recipe.open(50, SystemClock())
    return sum(taken(quota) for _ in range(tries))


def test_processes_share_it(recipe: Recipe) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        places = pool.starmap(_grab, [(recipe, 40)] * 3)
    assert sum(places) == 50


def test_a_ban_holds_for_everybody_and_never_gets_shorter(quotas: Quotas) -> None:
    clock = SandboxClock.stepped(START)
    mine = quotas(10, clock)
    theirs = quotas(10, clock)
    mine.ban(30)
    mine.ban(5)
    theirs.acquire()
    assert (clock.now() - START).total_seconds() >= 30


def test_an_urgent_call_waits_a_moment_where_a_back_fill_takes_all(quotas: Quotas) -> None:
    """A burst of ten every 37 seconds, for ten minutes; a first-come quota lets the first of them wait most of a minute."""
    clock = SandboxClock.stepped(START)
    quota = quotas(100, clock)
    times, waits = [], []
    next_burst = START + timedelta(seconds=20)
    while clock.now() < START + timedelta(minutes=10):
        _, pause, _ = quota.attempt("list", Priority.BACKFILL, "back-fill")
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


def test_a_free_place_goes_to_the_highest_that_waits(quotas: Quotas) -> None:
    clock = SandboxClock.stepped(START)
    quota = quotas(6, clock)
    for _ in range(6):
        quota.acquire()
        clock.advance(1)
    waiting = sorted(Priority, reverse=True)
    assert not any(taken(quota, "some.api", priority, priority.name) for priority in waiting)
    clock.advance(54.6)  # the first place is free, then one each second
    served = []
    while waiting:
        for priority in list(waiting):  # the lowest asks first
            if taken(quota, "some.api", priority, priority.name):
                quota.leave(priority.name)
                served.append(priority)
                waiting.remove(priority)
        clock.advance(0.25)
    assert served == sorted(Priority)


def test_a_waiting_process_that_was_killed_holds_nobody_up(quotas: Quotas) -> None:
    clock = SandboxClock.stepped(START)
    quota = quotas(2, clock)
    quota.acquire()
    quota.acquire()
    assert not taken(quota, "some.api", Priority.INCREMENTAL, "killed while it waits")
    assert 60 <= quota.acquire("some.api", Priority.BACKFILL) <= 95  # its own place, and the pace of a small quota


def test_an_api_with_a_lower_quota_of_its_own(quotas: Quotas) -> None:
    clock = SandboxClock.stepped(START)
    quota = quotas(100, clock, per_api={"slow": 5})
    slow, other = [], []
    for _ in range(5):
        quota.acquire("slow")
        slow.append(clock.now())
    assert quota.attempt("slow", Priority.INCREMENTAL, "first in line")[1] > 50
    assert taken(quota, "other", Priority.BACKFILL)  # its waiting is nobody else's
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


def test_a_clock_set_back_by_two_hours_costs_a_minute(quotas: Quotas) -> None:
    clock = Clock()
    quota = quotas(100, clock)
    for _ in range(100):
        quota.acquire()
    clock.time -= timedelta(hours=2)
    assert 60 <= quota.acquire() <= 62  # none of the hundred may be forgotten: they were made just now


def test_a_clock_set_back_leaves_nobody_in_line_for_good(quotas: Quotas) -> None:
    clock = Clock()
    quota = quotas(2, clock)
    quota.acquire()
    quota.acquire()
    assert not taken(quota, "some.api", Priority.INCREMENTAL, "killed while it waits")
    clock.time -= timedelta(hours=2)
    assert 60 <= quota.acquire("some.api", Priority.BACKFILL) <= 95


def test_a_ban_outlasts_a_clock_set_back_by_its_length_only(quotas: Quotas) -> None:
    clock = Clock()
    quota = quotas(100, clock)
    quota.ban(60)
    clock.time -= timedelta(hours=2)
    assert 60 <= quota.acquire() <= 62


def test_a_long_ban_ends_every_run_that_meets_it_and_names_its_end(quotas: Quotas) -> None:
    clock = SandboxClock.stepped(START)
    quotas(100, clock).ban(36_000)
    later = quotas(100, clock)
    with pytest.raises(FlowControlError, match="2026-01-01 18:00:00"):
        later.acquire()
    assert clock.now() == START
    clock.advance(36_000 - LONGEST_BAN)
    assert later.acquire() == LONGEST_BAN


def test_a_sensor_waits_for_seconds_only(quotas: Quotas) -> None:
    clock = SandboxClock.stepped(START)
    quota = quotas(1, clock)
    quota.acquire(max_wait=5)
    with pytest.raises(FlowControlError, match="used up until 2026-01-01 08:01:0"):
        quota.acquire(max_wait=5)
    quota.ban(30)
    with pytest.raises(FlowControlError, match="no calls"):
        quota.acquire(max_wait=5)
    assert clock.now() == START


def test_waiting_ends_when_the_run_ends_it(quotas: Quotas) -> None:
    class Impatient(Clock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.time >= START + timedelta(seconds=3):
                pauses.end()

    clock = Impatient()
    pauses = Pauses(clock)
    quota = quotas(1, clock, pauses=pauses)
    quota.acquire()
    with pytest.raises(StoppedError):
        quota.acquire()
    assert clock.time <= START + timedelta(seconds=4)
    with pytest.raises(StoppedError):
        quota.acquire()  # and nobody begins to call
    pauses.begin()
    clock.time += timedelta(seconds=61)
    assert quota.acquire() == 0
