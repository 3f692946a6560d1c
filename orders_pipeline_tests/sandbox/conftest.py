"""Fixtures of the sandbox's tests: a hand-made shop behind a real HTTP server on a stepped clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline_tests.sandbox.caller import Caller
from orders_pipeline_tests.sandbox.shop import NOW, a_shop


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    """The hand-made shop; quota out of the way."""
    options = SandboxOptions(calls_per_minute=100_000)
    with SandboxServer(a_shop(), clock=SandboxClock.stepped(NOW), options=options) as server:
        yield server


@pytest.fixture
def call(sandbox: SandboxServer) -> Iterator[Caller]:
    caller = Caller(sandbox)
    yield caller
    caller.close()
