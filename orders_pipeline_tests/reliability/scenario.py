"""What a scenario of the reliability suite says about itself; the report turns it into a row of ``docs/reliability.md``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Peers:
    """What was measured of others on the same scenario (default / hardened by hand): dlt, Airbyte's CDK, the Singer SDK."""

    dlt: str
    dlt_hardened: str
    airbyte: str
    airbyte_hardened: str
    singer: str
    singer_hardened: str


OK = Peers("ok", "ok", "ok", "ok", "ok", "ok")


@dataclass(frozen=True)
class Scenario:
    """``suite`` 1: measured against the peers; 2: the further tests. ``number`` orders the rows of a suite."""

    suite: int
    number: int
    name: str
    injected: str
    expected: str
    peers: Peers | None = None


def scenario(
    suite: int, number: int, name: str, *, injected: str, expected: str, peers: Peers | None = None
) -> Callable[[F], F]:
    """Mark a test as the proof of a scenario; several tests may prove one."""

    def mark(function: F) -> F:
        function.scenario = Scenario(suite, number, name, injected, expected, peers)  # type: ignore[attr-defined]
        return function

    return mark
