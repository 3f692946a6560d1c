"""A run from the UI, a scheduled run and a command want the same shop at one moment: one syncs, the others say who does.

Three processes; the sandbox holds the first list call until the two others have given up, so it does not depend on luck.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DATA_ENV, DataFolder, project_root
from orders_pipeline.shops import SHOPS_ENV
from orders_pipeline_tests.conftest import PLENTY, shop_of
from orders_pipeline_tests.defs.conftest import stanza_file, stanza_of

LONGEST = 120
"""Seconds for three processes that each import Dagster on a loaded machine; nothing may wait for ever."""


class Gate:
    """Lets the first list call through when it is opened, and everything else at once."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def middleware(self, app: ASGIApp) -> Callable[..., object]:
        async def gated(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and not self.open.is_set():
                body = await Request(scope, receive).body()
                if b"increment.get" in body:
                    import anyio

                    self.reached.set()
                    await anyio.to_thread.run_sync(self.open.wait, LONGEST)

                async def again() -> dict[str, object]:
                    return {"type": "http.request", "body": body, "more_body": False}

                await app(scope, again, send)
            else:
                await app(scope, receive, send)

        return gated


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def environment(gate: Gate, folder: DataFolder, tmp_path: Path) -> Iterator[dict[str, str]]:
    server = SandboxServer(
        clock=SandboxClock(),
        options=SandboxOptions(calls_per_minute=PLENTY),
        faults=[Middleware(gate.middleware)],  # type: ignore[arg-type]
    )
    with server:
        stanzas = stanza_file(tmp_path / "shops.yaml", stanza_of(shop_of(server, "tea_tmall")))
        yield os.environ | {
            SHOPS_ENV: str(stanzas),
            DATA_ENV: str(folder.root),
            "DAGSTER_HOME": str(project_root()),
        }


def test_one_syncs_and_the_others_say_who_does(gate: Gate, environment: dict[str, str]) -> None:
    job = [
        sys.executable,
        "-m",
        "dagster",
        "job",
        "execute",
        "-m",
        "orders_pipeline.definitions",
        "-j",
        "sync_tea_tmall",
    ]
    command = [sys.executable, "-m", "orders_pipeline.cli", "sync", "--shop", "tea_tmall"]

    def start(words: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words, env=environment, cwd=project_root(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    first = start(job)  # materialized from the UI, say
    assert gate.reached.wait(LONGEST)
    others = [start(job), start(command)]  # its schedule's tick, and somebody at the shell
    said = [other.communicate(timeout=LONGEST)[0] for other in others]
    assert first.poll() is None  # it has the shop and is at work
    gate.open.set()
    output, _ = first.communicate(timeout=LONGEST)
    assert first.returncode == 0, output[-2_000:]
    for other, text in zip(others, said, strict=True):
        assert other.returncode == 1
        assert "is held by Dagster run" in text
    assert said[1].count("\n") <= 2  # one line for a person, whatever progress said before
