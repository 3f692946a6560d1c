"""Faults on the wire: HTTP states, connections that break, bodies that are not what they should be, errors inside 200.

Each passes a sync by, or makes it fail aloud and leaves the next one to heal it (section 3.1 of the study).
"""

from __future__ import annotations

import itertools
from datetime import timedelta

import httpx
import pytest

from orders_pipeline.platforms.base import RetryableError, SessionError
from orders_pipeline.platforms.taobao import exchange
from orders_pipeline_tests.conftest import NOON
from orders_pipeline_tests.reliability.scenario import OK, Peers, scenario
from orders_pipeline_tests.reliability.scene import INCREMENTS, Scene, SyncResult

SECOND_SYNC = {"since": NOON + timedelta(minutes=10), "until": NOON + timedelta(minutes=15)}
HEALED = "retried; 0 missing, 0 twice, 0 stale"


def assert_all_succeed(results: list[SyncResult]) -> None:
    assert [result.error for result in results] == [None, None, None]
    assert not results[-1].difference


@scenario(1, 1, "clean", injected="nothing", expected="0 missing, 0 twice, 0 stale", peers=OK)
def test_nothing_goes_wrong(scene: Scene) -> None:
    assert_all_succeed(scene.three_syncs())


@scenario(1, 3, "500 twice", injected="HTTP 500 on two calls", expected=HEALED, peers=OK)
def test_two_internal_server_errors(scene: Scene) -> None:
    assert_all_succeed(scene.three_syncs({"kind": "http_status", "status": 500, "apis": INCREMENTS, "calls": "2-3"}))
    assert scene.plan.struck("http_status") == 2


@scenario(
    1, 4, "outage", injected="HTTP 502 on every call of the second sync",
    expected="that sync fails, its cursor does not move; the next heals", peers=OK,
)  # fmt: skip
def test_an_outage_of_a_whole_sync(scene: Scene) -> None:
    covered = []
    with scene.serve({"kind": "http_status", "status": 502, **SECOND_SYNC}):
        results = scene.syncs(between=lambda _: covered.append(scene.covered_until()))
    assert [type(result.error) for result in results] == [type(None), RetryableError, type(None)]
    assert covered[1] == covered[2] is not None  # before the second and before the third sync
    assert not results[-1].difference


@scenario(
    1, 5, "429", injected="HTTP 429 with Retry-After: 40", expected="no call for 40 s, then " + HEALED, peers=OK,
)  # fmt: skip
@pytest.mark.parametrize("as_date", [False, True])
def test_too_many_requests_with_retry_after(scene: Scene, as_date: bool) -> None:
    fault = {"kind": "http_status", "status": 429, "retry_after": 40, "as_date": as_date}
    with scene.serve({**fault, "apis": INCREMENTS, "calls": 2}):
        results = scene.syncs()
        times = scene.call_times()
    assert_all_succeed(results)
    pauses = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]
    assert 40 <= max(pause for pause in pauses if pause < 300) <= 41  # between two syncs there are ten minutes


@scenario(1, 6, "reset", injected="connection reset in the middle of a body", expected=HEALED, peers=OK)
def test_a_connection_reset_in_the_middle_of_a_body(scene: Scene) -> None:
    assert_all_succeed(scene.three_syncs({"kind": "reset", "apis": INCREMENTS, "calls": 2}))
    assert scene.plan.struck("reset") == 1


@scenario(1, 7, "truncated body", injected="connection closed before all promised bytes", expected=HEALED, peers=OK)
def test_a_body_shorter_than_promised(scene: Scene) -> None:
    assert_all_succeed(scene.three_syncs({"kind": "truncated", "apis": INCREMENTS, "calls": 2}))
    assert scene.plan.struck("truncated") == 1


@scenario(
    1, 8, "error on page 1", injected="error_response (isp) on the first page of an increment",
    expected="retried or loud", peers=Peers("ok¹", "ok", "ok¹", "ok", "ok¹", "ok"),
)  # fmt: skip
def test_an_error_response_on_the_first_page(scene: Scene) -> None:
    assert_all_succeed(scene.three_syncs({"kind": "error_response", "apis": INCREMENTS, "calls": 1}))
    assert scene.plan.struck("error_response") == 1


@scenario(
    1, 12, "cut JSON in 200", injected="HTTP 200 with half a JSON text", expected=HEALED,
    peers=Peers("ok²", "ok", "L251", "ok", "ok²", "ok"),
)  # fmt: skip
def test_half_a_json_text_in_http_200(scene: Scene) -> None:
    assert_all_succeed(scene.three_syncs({"kind": "cut_json", "apis": INCREMENTS, "calls": 2}))
    assert scene.plan.struck("cut_json") == 1


@scenario(
    1, 13, "HTML in 200", injected="HTTP 200 with a web page", expected=HEALED,
    peers=Peers("ok²", "ok", "L251", "ok", "ok²", "ok"),
)  # fmt: skip
def test_a_web_page_in_http_200(scene: Scene) -> None:
    assert_all_succeed(scene.three_syncs({"kind": "html", "apis": INCREMENTS, "calls": 2}))
    assert scene.plan.struck("html") == 1


@scenario(
    1, 14, "isp error in 200", injected="error_response isp.* on page 2 of an increment", expected=HEALED,
    peers=Peers("L251", "ok", "L251", "ok", "L251", "ok"),
)  # fmt: skip
def test_an_error_response_in_the_middle_of_a_list(scene: Scene) -> None:
    assert_all_succeed(scene.three_syncs({"kind": "error_response", "apis": INCREMENTS, "calls": "2-3"}))
    assert scene.plan.struck("error_response") == 2


@scenario(
    1, 15, "flow control in 200",
    injected="error_response 7 with a ban of 30 s",
    expected="0 calls inside the ban, " + HEALED,
    peers=Peers("L251", "ok", "L251", "ok", "L251", "ok"),
)  # fmt: skip
def test_flow_control_in_the_middle_of_a_list(scene: Scene) -> None:
    assert_all_succeed(scene.three_syncs({"kind": "ban", "seconds": 30, "apis": INCREMENTS, "calls": 2}))
    assert scene.plan.struck("ban") == 1
    assert "inside" not in scene.plan.memory("ban")


@scenario(
    1, 16, "session expired", injected="error_response 27 for the whole second sync",
    expected="that sync fails, its cursor does not move; the next heals", peers=Peers("q", "ok", "q", "ok", "q", "ok"),
)  # fmt: skip
def test_a_session_that_is_refused_for_a_whole_sync(scene: Scene) -> None:
    covered = []
    with scene.serve({"kind": "session_expired", "apis": "taobao.*", **SECOND_SYNC}):
        results = scene.syncs(between=lambda _: covered.append(scene.covered_until()))
    assert [type(result.error) for result in results] == [type(None), SessionError, type(None)]
    assert covered[1] == covered[2] is not None
    assert not results[-1].difference


@scenario(
    1, 25, "server never answers", injected="a call is accepted and never answered",
    expected="given up within 30 s, " + HEALED, peers=Peers("ok (60 s)", "ok", "H", "H", "H (300 s)", "H"),
)  # fmt: skip
def test_a_server_that_never_answers(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = exchange.TIMEOUTS
    assert limits.connect is not None
    assert limits.read is not None
    assert limits.connect + limits.read <= 30
    monkeypatch.setattr(
        exchange, "TIMEOUTS", httpx.Timeout(5, read=0.3)
    )  # real seconds, which a test should not wait for
    assert_all_succeed(scene.three_syncs({"kind": "no_answer", "apis": INCREMENTS, "calls": 2}))
    assert scene.plan.struck("no_answer") == 1


@scenario(
    1, 25, "server never answers", injected="an answer of 10 bytes at a time, one every 20 s",
    expected="given up within 60 s, " + HEALED,
)  # fmt: skip
def test_a_server_that_drips(scene: Scene) -> None:
    assert_all_succeed(scene.three_syncs({"kind": "drip", "seconds": 20, "apis": INCREMENTS, "calls": 2}))
    assert scene.plan.struck("drip") == 1
