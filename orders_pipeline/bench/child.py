"""Runs one contestant as a process and says what it cost. What it does is its own business."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LONGEST_SECONDS = 1_800.0
"""A contestant that takes longer is stuck and is ended; the slowest one, ten million orders to build, needs three minutes."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process with all the processes it started and waited for."""

    cpu: float  # seconds, user and system
    wall: float  # seconds
    rss: float  # MB, of the largest process; the kernel counts what we held when we started it, too: benchmarks stay small
    output: str


def run(arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Cost:
    """Run ``python ARGUMENTS`` in ``folder``. Raises RuntimeError with the last lines of its output where it fails.

    The process does not outlive the call, whatever ends it.
    """
    with tempfile.TemporaryFile() as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        patience = threading.Timer(LONGEST_SECONDS, process.kill)
        patience.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            patience.cancel()
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}:\n{text[-2_000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, text)


@contextmanager
def server(orders: int, latency_ms: float) -> Iterator[str]:
    """The bench server while the block runs; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "orders_pipeline.bench.server", "--orders", str(orders), "--latency", str(latency_ms)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101 - asked for above
    try:
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError("the bench server did not start; its message is above")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
