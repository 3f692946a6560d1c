"""Faults strike the calls that they name, the same ones for the same seed, and break exactly what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from orders_pipeline.cli.sandbox import sandbox as command
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sandbox.faults import FaultPlan
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import UserError
from orders_pipeline_tests.sandbox.shop import NOW, a_shop

TIME = {"method": "taobao.time.get", "app_key": "12345678"}


def statuses(calls: int, *faults: dict[str, Any], seed: int = 0, **params: str) -> list[int]:
    """HTTP states of so many calls in a row; whether the gateway likes them does not matter here."""
    plan = FaultPlan.of(*faults, seed=seed)
    with SandboxServer(a_shop(), clock=SandboxClock.stepped(NOW), faults=[plan.middleware()]) as server:
        return [httpx.post(server.gateway_url, data=TIME | params).status_code for _ in range(calls)]


@pytest.mark.parametrize(
    ("when", "struck"),
    [
        ({"calls": 2}, [200, 502, 200, 200]),
        ({"calls": "2-3"}, [200, 502, 502, 200]),
        ({"calls": "3-"}, [200, 200, 502, 502]),
        ({"calls": "2-", "times": 1}, [200, 502, 200, 200]),
        ({"apis": "taobao.trades.*"}, [200] * 4),
        ({"apis": ["taobao.trades.*", "taobao.time.get"]}, [502] * 4),
        ({"pages": [2]}, [200] * 4),
        ({"since": 1}, [200] * 4),
        ({"until": 1}, [502] * 4),
    ],
)
def test_a_fault_strikes_the_calls_it_names(when: dict[str, Any], struck: list[int]) -> None:
    assert statuses(4, {"kind": "http_status", **when}) == struck


def test_chances_repeat_with_their_seed() -> None:
    fault = {"kind": "http_status", "probability": 0.5}
    first = statuses(12, fault, seed=1)
    assert first == statuses(12, fault, seed=1) != statuses(12, fault, seed=2)
    assert {200, 502} == set(first)


@pytest.mark.parametrize(
    ("kind", "error"),
    [("reset", httpx.ReadError), ("truncated", httpx.RemoteProtocolError), ("no_answer", httpx.ReadTimeout)],
)
def test_connections_break_as_named(kind: str, error: type[Exception]) -> None:
    plan = FaultPlan.of({"kind": kind, "calls": 1})
    with SandboxServer(a_shop(), clock=SandboxClock.stepped(NOW), faults=[plan.middleware()]) as server:
        with pytest.raises(error):
            httpx.post(server.gateway_url, data=TIME, timeout=0.3)
        assert httpx.post(server.gateway_url, data=TIME).status_code == 200


def test_the_truth_is_never_struck() -> None:
    plan = FaultPlan.of({"kind": "http_status"})
    with SandboxServer(a_shop(), clock=SandboxClock.stepped(NOW), faults=[plan.middleware()]) as server:
        assert httpx.get(server.url + "/_sandbox/truth").status_code == 200
        assert httpx.post(server.token_url, data={}).status_code == 502


def test_a_file_of_faults(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(
        "seed: 3\nfaults:\n  - {kind: late_commit, share: 0.1, seconds: 1200}\n  - {kind: html, calls: 3-5}\n"
    )
    plan = FaultPlan.load(file)
    assert [fault.kind for fault in plan.faults] == ["late_commit", "html"]
    assert [fault.seed for fault in plan.faults] == [3, 4]
    assert plan.faults[1].describe().startswith("html ")


def test_numbers_of_a_file_may_stand_in_quotes(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text('faults:\n  - {kind: http_status, status: "500", probability: "0.5", times: "3", pages: ["2"]}\n')
    (fault,) = FaultPlan.load(file).faults
    assert fault.describe() == 'http_status {"status":500,"pages":[2],"probability":0.5,"times":3,"seed":0}'


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("faults: [{kind: earthquake}]", "earthquake.*kinds: ban, "),
        ("faults: [{kind: html, calls: often}]", "call number"),
        ("faults: [{kind: html, colour: red}]", "colour"),
        ("fault: []", "fault"),
        ("faults: [", "no YAML"),
    ],
)
def test_a_wrong_file_is_one_line_that_says_where(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=named) as error:
        FaultPlan.load(file)
    assert "\n" not in str(error.value)
    result = CliRunner().invoke(command, ["--faults", str(file)])
    assert isinstance(result.exception, UserError)
