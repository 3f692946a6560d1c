"""A running ``orders-pipeline demo`` for tests: started as a person would, watched through its output, ended by a signal."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

import psutil

SMALL = ("--days", "10", "--orders-per-day", "40")
"""Enough orders for forecasts and suggestions, little enough for a test."""

PATIENCE_SECONDS = 120.0  # a small demo takes 20 s on idle cores; a loaded machine several times that


class Demo:
    """The command in a process of its own, as a context manager; ``lines`` holds what it has printed so far."""

    url = ""  # of the UI, once it is up

    def __init__(self, data: Path, *options: str, **env: str) -> None:
        self.data = data
        self.lines: list[str] = []
        self._options = options
        self._env = {**os.environ, **env}
        self._queue: queue.Queue[str | None] = queue.Queue()

    def __enter__(self) -> Demo:
        command = [sys.executable, "-m", "orders_pipeline.cli", "demo", "--data", str(self.data), *self._options]
        self.process = subprocess.Popen(
            command, env=self._env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop(signal.SIGTERM)
        for left_over in self.left_over():
            left_over.kill()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def wait_for(self, text: str) -> str:
        """The first line that holds ``text``. Fails when the command ends, or keeps silent, before."""
        while True:
            line = self._queue.get(timeout=PATIENCE_SECONDS)
            assert line is not None, f"ended before {text!r}:\n" + "\n".join(self.lines)
            self.lines.append(line)
            if text in line:
                return line

    def wait(self) -> int:
        """The exit code, once it has ended by itself."""
        while (line := self._queue.get(timeout=PATIENCE_SECONDS)) is not None:
            self.lines.append(line)
        return self.process.wait(PATIENCE_SECONDS)

    def stop(self, number: signal.Signals) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def left_over(self) -> list[psutil.Process]:
        """Living processes that carry this demo's data folder in their environment or arguments."""
        found = []
        for process in psutil.process_iter():
            try:
                marks = [*process.cmdline(), process.environ().get("ORDERS_PIPELINE_DATA", "")]
                if process.status() != psutil.STATUS_ZOMBIE and str(self.data) in marks:
                    found.append(process)
            except psutil.Error:
                continue  # it ended meanwhile, or is not ours
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
