"""When the breaker opens and closes: a pure function of the call log."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orders_pipeline.sync import breaker
from orders_pipeline.sync.breaker import COOL_OFF, LEAST_CALLS, LOOK_BACK, WINDOW, Breaker, derive
from orders_pipeline.sync.ops import Ops

START = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
Calls = list[tuple[datetime, str]]


def spread(outcomes: Iterable[str], start: datetime = START, over: timedelta = timedelta(minutes=9)) -> Calls:
    """Calls at even distances."""
    listed = list(outcomes)
    return [(start + over * index / len(listed), outcome) for index, outcome in enumerate(listed)]


def failing(count: int, failures: int) -> list[str]:
    """Outcomes with the failures at even distances, the last of them at the end."""
    return ["retryable" if (i + 1) * failures // count > i * failures // count else "ok" for i in range(count)]


def after(calls: Calls, seconds: float = 1) -> Breaker:
    return derive(calls, calls[-1][0] + timedelta(seconds=seconds))


def opened(at: datetime = START) -> Calls:
    return spread(["retryable"] * LEAST_CALLS, at - timedelta(minutes=5), timedelta(minutes=5))


def test_below_and_above_five_per_cent() -> None:
    below, above = failing(1_000, 49), failing(1_000, 51)
    assert (below.count("retryable"), above.count("retryable")) == (49, 51)
    assert after(spread(below)).state == "closed"
    assert after(spread(above)).state == "open"
    assert after(spread(failing(1_000, 50))).state == "closed"  # five per cent is not above five per cent


def test_nineteen_failures_are_too_few_calls_to_tell() -> None:
    assert after(spread(["retryable"] * (LEAST_CALLS - 1))).state == "closed"
    assert after(spread(["retryable"] * LEAST_CALLS)).state == "open"
    assert after(spread(["ok"] * (LEAST_CALLS - 2) + ["retryable"] * 2)).state == "open"
    assert after(spread(["ok"] * (LEAST_CALLS - 3) + ["retryable"] * 2)).state == "closed"


def test_calls_older_than_ten_minutes_do_not_count() -> None:
    old = spread(["retryable"] * 19)
    late = old[-1][0] + WINDOW
    assert derive([*old, (late, "retryable")], late).state == "closed"
    assert derive([*old, (START + WINDOW - timedelta(seconds=1), "retryable")], late).is_open


@pytest.mark.parametrize("outcome", ["flow_control", "session", "clock", "permission", "request", "crash"])
def test_what_is_no_fault_of_the_platform_says_nothing(outcome: str) -> None:
    assert after(spread([outcome] * 100)).state == "closed"
    assert after(spread([outcome] * 100)).calls == 0
    # nor does it make a rate look smaller
    assert after(spread([outcome] * 500 + ["retryable"] * 2 + ["ok"] * 18)).state == "open"


def test_an_id_that_is_not_listed_is_an_answer_and_an_unknown_code_is_none() -> None:
    assert after(spread(["not_listed"] * 100)).state == "closed"
    assert after(spread(["unknown"] * 20)).state == "open"
    assert after(spread(["not_listed"] * 98 + ["unknown"] * 2)).state == "closed"


def test_open_then_probing_then_closed() -> None:
    calls = opened()
    began = calls[-1][0]
    assert derive(calls, began + COOL_OFF - timedelta(seconds=1)).state == "open"
    found = derive(calls, began + COOL_OFF)
    assert (found.state, found.opened_at, found.failures, found.calls) == ("probing", began, 20, 20)
    # calls that were on their way when it opened decide nothing
    calls += [(began + timedelta(seconds=i), "ok") for i in range(1, 50)]
    assert derive(calls, began + timedelta(seconds=50)).state == "open"
    calls += [(began + COOL_OFF + timedelta(seconds=i), "ok") for i in range(LEAST_CALLS - 1)]
    assert derive(calls, began + timedelta(minutes=2)).state == "probing"
    calls.append((began + timedelta(minutes=2), "ok"))
    found = derive(calls, began + timedelta(minutes=2))
    assert (found.state, found.opened_at) == ("closed", None)


def test_a_second_failure_among_the_probes_opens_it_again_at_once() -> None:
    calls = opened()
    began = calls[-1][0]
    calls += [(began + COOL_OFF, "retryable")]
    assert derive(calls, calls[-1][0]).state == "probing"  # one of twenty is five per cent
    calls += [(began + COOL_OFF, "retryable")]
    found = derive(calls, calls[-1][0])
    assert (found.state, found.opened_at, found.probe_at) == ("open", began, began + 2 * COOL_OFF)


def test_failures_from_before_it_closed_do_not_open_it_again() -> None:
    calls = opened()
    began = calls[-1][0]
    calls += [(began + COOL_OFF, "ok")] * LEAST_CALLS
    calls += [(began + COOL_OFF, "ok")] * 30 + [(began + COOL_OFF, "retryable")]
    assert derive(calls, began + COOL_OFF).state == "closed"


def test_a_platform_that_comes_and_goes_is_left_alone_most_of_the_time() -> None:
    """Half of the calls fail, for six hours, a call every ten seconds: increments are never resumed by luck."""
    dice = random.Random(3)
    calls: Calls = []
    states = []
    for step in range(2_160):
        calls.append((START + step * timedelta(seconds=10), "retryable" if dice.random() < 0.5 else "ok"))
        if step % 6 == 0:
            states.append(after(calls, 0).state)
    assert states.count("closed") <= 4  # until the first twenty calls are made
    assert set(states[4:]) <= {"open", "probing"}


def test_a_clock_set_back_does_not_hold_it_open() -> None:
    calls = [*spread(["ok"] * 30), *opened(START + timedelta(hours=2))]
    assert derive(calls, START + timedelta(minutes=10)).state == "closed"


@pytest.mark.parametrize("seed", range(20))
def test_the_part_of_the_log_that_is_read_tells_as_much_as_a_whole_day(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    ops = Ops(tmp_path / "ops.sqlite")
    at, calls = START, []
    for _ in range(dice.randrange(1, 6)):
        share, pause = dice.choice([0.0, 0.02, 0.2, 0.9]), dice.choice([1, 20, 120])
        for _ in range(dice.randrange(1, 80)):
            at += timedelta(seconds=dice.random() * pause)
            calls.append((at, "retryable" if dice.random() < share else dice.choice(["ok", "ok", "session"])))
            ops.log_call(at, "tea", "some.api", "", 1.0, calls[-1][1], "", "")
            ops.log_call(at, "other", "some.api", "", 1.0, "retryable", "", "")
    now = at + timedelta(seconds=dice.choice([0, 45, 700]))
    with ops.reading() as con:
        assert breaker.read(con, "tea", now) == derive(calls, now)
        assert breaker.read(con, "tea", now + LOOK_BACK + timedelta(hours=1)) == Breaker()
    ops.close()
