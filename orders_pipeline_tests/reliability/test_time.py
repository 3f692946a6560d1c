"""Clocks that are wrong, borders of days and windows, seconds that hold too much, bans (section 3.2)."""

from __future__ import annotations

import itertools
import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from orders_pipeline.clock import SHOP_TZ, Clock
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.settings import UserError
from orders_pipeline.sync import offsets
from orders_pipeline_tests.conftest import NOON
from orders_pipeline_tests.reliability.scenario import scenario
from orders_pipeline_tests.reliability.scene import INCREMENTS, SYNC_TIMES, Scene
from orders_pipeline_tests.reliability.source import (
    BEFORE_NOON,
    SINCE,
    an_order,
    order_id,
    orders_before_noon,
)


class WrongClock:
    """The host's clock: the platform's plus an error, which a time service may correct at any moment."""

    def __init__(self, right: Clock, seconds: float) -> None:
        self._right = right
        self.error = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self._right.now() + self.error

    def sleep(self, seconds: float) -> None:
        self._right.sleep(seconds)


@scenario(
    2, 9, "clock skew", injected="host clock 5 minutes fast or slow, corrected in steps between and during the syncs",
    expected="windows end by the platform's clock; 0 missing; signatures accepted",
)  # fmt: skip
@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_host_clock_that_is_wrong_and_jumps(scene: Scene, seconds: int) -> None:
    with scene.serve({"kind": "slow", "seconds": 1, "apis": INCREMENTS}):
        clock = scene.clock = WrongClock(scene.sandbox.clock, seconds)
        jumps = [timedelta(seconds=seconds), timedelta(0), timedelta(seconds=-seconds)]

        def jump(number: int) -> None:
            clock.error = jumps[number]

        results = scene.syncs(between=jump)
        assert [result.error for result in results] == [None] * 3
        assert not results[-1].difference
        ends = [end for (end,) in scene.rows("SELECT window_end FROM ops.sync_windows WHERE window_end > window_start")]
        assert max(ends) <= SYNC_TIMES[2] + timedelta(minutes=1) - timedelta(minutes=3)


@scenario(
    2, 10, "midnight, month's end, DST",
    injected="host in New York over its change of clocks, orders at 23:59:59 and 00:00:00",
    expected="the same rows whatever the host's zone; days are Shanghai's",
)  # fmt: skip
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
def test_midnight_in_a_host_zone_that_changes_its_clocks(
    scene: Scene, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        change = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)  # 02:00 EDT becomes 01:00 EST; 14:00 in Shanghai
        midnight = datetime(2026, 11, 1, tzinfo=SHOP_TZ)
        moments = [midnight - timedelta(seconds=1), midnight, midnight + timedelta(seconds=1)]
        moments += [change + timedelta(minutes=minutes) for minutes in (-61, -31, -1, 0, 1, 29, 59)]
        orders = [an_order(number, moment) for number, moment in enumerate(moments)]
        with scene.serve(orders=orders, now=change):
            for hours in (1, 2, 3):
                scene.sandbox.clock.advance(
                    max((change + timedelta(hours=hours) - scene.clock.now()).total_seconds(), 0)
                )
                result = scene.sync(since=midnight - timedelta(hours=1))
                assert result.error is None
                assert not result.difference
        days = scene.rows(
            "SELECT order_id, created_on::VARCHAR FROM core.orders WHERE order_id IN (?, ?)", order_id(0), order_id(1)
        )
        assert dict(days) == {order_id(0): "2026-10-31", order_id(1): "2026-11-01"}
    finally:
        monkeypatch.undo()
        os.environ.pop("TZ", None)
        time.tzset()


@scenario(
    2, 11, "windows that share a full second",
    injected="300 orders in a window's last second, 100 of them visible only after it was read",
    expected="0 missing, 0 twice",
)  # fmt: skip
def test_adjacent_windows_that_share_a_full_second(scene: Scene) -> None:
    second = NOON - timedelta(minutes=3)  # where the first sync's window ends
    orders = [an_order(number, second) if number < 300 else order for number, order in enumerate(orders_before_noon())]
    late = [order_id(number) for number in range(100)]
    with scene.serve({"kind": "late_commit", "ids": late, "seconds": 190}, {"kind": "unstable_ties"}, orders=orders):
        results = scene.syncs(excused=late)
    assert results[0].difference.missing == set(late)
    assert not results[1].difference


@scenario(
    2, 12, "a second that cannot be paged", injected="more orders in one second than may be paged",
    expected="loud: cannot be split; nothing called complete; or split by status or type",
)  # fmt: skip
def test_a_second_that_holds_more_than_can_be_paged(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offsets, "MAX_SECOND_ROWS", 200)
    orders = [an_order(number, NOON - timedelta(minutes=20)) for number in range(BEFORE_NOON)]
    with scene.serve(orders=orders):
        result = scene.sync(since=SINCE)
        second = NOON - timedelta(minutes=20)
        covering = "SELECT count(*) FROM ops.sync_windows WHERE api LIKE '%increment%' AND ? BETWEEN window_start AND window_end"
        if result.error is None:
            assert not result.difference
        else:
            assert isinstance(result.error, UserError)
            assert "in one second than can be paged" in str(result.error)
            assert scene.rows(covering, second) == [(0,)]
    scene.facts.append("loud" if result.error else "split, nothing lost")


@scenario(
    2, 13, "bans", injected="bans that double with every call made inside; a quota shared with another app process",
    expected="0 calls inside a ban; at most 100 in any 60 s; back within a second",
)  # fmt: skip
def test_a_ban_that_grows_with_every_call_inside(scene: Scene) -> None:
    with scene.serve({"kind": "ban", "seconds": 45, "factor": 2, "apis": INCREMENTS, "calls": "2-3"}):
        results = scene.syncs()
        times = scene.call_times()
    assert [result.error for result in results] == [None] * 3
    assert "inside" not in scene.plan.memory("ban")
    waits = [(after - before).total_seconds() for before, after in itertools.pairwise(times)]
    assert [wait for wait in waits if 40 < wait < 300] == pytest.approx([45, 45], abs=1.1)


@scenario(
    2, 13, "bans", injected="a quota of 20 a minute shared by two processes of one app key",
    expected="no call refused",
)  # fmt: skip
def test_a_quota_shared_by_two_connections(scene: Scene) -> None:
    with scene.serve(options=SandboxOptions(calls_per_minute=20)) as sandbox:
        with scene.open(calls_per_minute=20) as one, scene.open(calls_per_minute=20) as two:
            for _ in range(25):
                one.check()
                two.check()
        assert sandbox.gateway.quota.refused == 0
        assert sandbox.gateway.quota.accepted == 50
    times = scene.call_times()
    assert all(later - earlier >= timedelta(seconds=60) for earlier, later in zip(times, times[20:], strict=False))
    scene.facts.append("50 calls at 20 a minute, 0 refused")
