"""The quota is exact: never more than the limit in any 60 seconds, never less where a client keeps to it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sandbox.errors import TopError
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.quota import Quota
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline_tests.sandbox.caller import Caller
from orders_pipeline_tests.sandbox.shop import NOW


@given(steps=st.lists(st.integers(0, 25), max_size=80), limit=st.integers(1, 6))
def test_sliding_minute(steps: list[int], limit: int) -> None:
    """Against the definition: a call passes exactly when fewer than ``limit`` passed in the 60 seconds before."""
    quota, now, passed = Quota(limit), NOW, []
    for step in steps:
        now += timedelta(seconds=step)
        room = sum(now - timedelta(seconds=60) < at for at in passed) < limit
        if room:
            quota.take("app", now)
            passed.append(now)
            continue
        left = int((passed[-limit] + timedelta(seconds=60) - now).total_seconds())
        with pytest.raises(TopError) as refusal:
            quota.take("app", now)
        assert refusal.value.code == 7
        assert refusal.value.sub_msg == f"This ban will last for {left} more seconds"


def test_waiting_out_the_ban_over_the_wire() -> None:
    clock = SandboxClock.stepped(NOW)
    with SandboxServer(Store(), clock=clock) as sandbox:
        call = Caller(sandbox)
        for _ in range(100):
            call("taobao.time.get")
        clock.advance(20)
        for _ in range(3):  # refused calls neither count nor prolong
            error = call.refusal("taobao.time.get")
            assert (error["code"], error["msg"]) == (7, "App Call Limited")
            assert error["sub_code"] == "accesscontrol.limited-by-app-access-count"
            assert error["sub_msg"] == "This ban will last for 40 more seconds"
        clock.advance(39)
        assert call.refusal("taobao.time.get")["sub_msg"] == "This ban will last for 1 more seconds"
        clock.advance(1)
        for _ in range(100):
            call("taobao.time.get")
        assert call.refusal("taobao.time.get")["code"] == 7
        health = call.http.get("/_sandbox/health").json()
        assert (health["accepted_calls"], health["refused_calls"]) == (200, 5)


def test_calls_with_a_wrong_signature_do_not_count() -> None:
    with SandboxServer(Store(), clock=SandboxClock.stepped(NOW), options=SandboxOptions(calls_per_minute=2)) as sandbox:
        call = Caller(sandbox)
        for _ in range(5):
            assert call.refusal("taobao.time.get", sign="WRONG")["code"] == 25
        assert call.refusal("taobao.trades.sold.get", session="stolen", fields="tid")["code"] == 27
        call("taobao.time.get")
        assert call.refusal("taobao.time.get")["code"] == 7, "an invalid session did count"


def test_fixed_ban_and_keys_apart() -> None:
    quota = Quota(1, ban_seconds=90)
    quota.take("a", NOW)
    for second, expected in ((30, "90"), (60, "60"), (119, "1")):
        with pytest.raises(TopError) as refusal:
            quota.take("a", NOW + timedelta(seconds=second))
        assert refusal.value.sub_msg == f"This ban will last for {expected} more seconds"
    quota.take("b", NOW)
    quota.take("a", NOW + timedelta(seconds=120))
