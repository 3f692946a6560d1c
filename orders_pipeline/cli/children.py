"""Child processes that never outlive the command that started them.

Each child leads a session of its own, so that a signal from the terminal reaches us alone and what a child starts in
turn (Dagster starts code servers and run workers) is ended with it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orders_pipeline.clock import Clock, SystemClock
from orders_pipeline.settings import UserError

GRACE_SECONDS = 5.0  # an idle Dagster webserver or daemon ends within two seconds of SIGTERM
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Child:
    """A started process and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Children:
    """Starts and ends child processes; as a context manager it ends all of them on the way out."""

    def __init__(self, logs: Path, env: Mapping[str, str], clock: Clock | None = None) -> None:
        self._logs = logs
        self._env = dict(env)
        self._clock = clock or SystemClock()
        self._children: list[Child] = []

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str, module: str, *args: str, keep_open: Sequence[int] = ()) -> Child:
        """Run ``python -m module args`` with output to ``<logs>/<name>.log``. ``keep_open``: descriptors to inherit."""
        log = self._logs / f"{name}.log"
        with log.open("ab") as sink:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                [sys.executable, "-m", module, *args],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=keep_open,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def running(self) -> list[Child]:
        """The children that have not ended."""
        return [child for child in self._children if child.process.poll() is None]

    def check(self) -> None:
        """Raises UserError naming the child that has ended, its log and the log's last line."""
        for child in self._children:
            if child.process.poll() not in (None, 0):
                raise UserError(
                    f"{child.name} ended with code {child.process.returncode} "
                    f"({_last_line(child.log)}): see {child.log}."
                )

    def stop(self) -> None:
        """SIGTERM to every group, SIGKILL to what is left after GRACE_SECONDS. Signals to us wait meanwhile."""
        with _signals_ignored():
            for child in self._children:
                _signal_group(child, signal.SIGTERM)
            for _ in range(int(GRACE_SECONDS / POLL_SECONDS)):
                if not any(_group_alive(child) for child in self._children):
                    break
                self._clock.sleep(POLL_SECONDS)
            for child in self._children:
                _signal_group(child, signal.SIGKILL)
                child.process.wait()
            self._children.clear()


def _signal_group(child: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
        os.killpg(child.process.pid, number)  # the leader's pid is its group's id


def _group_alive(child: Child) -> bool:
    child.process.poll()  # reaps the leader, else it would count as alive
    try:
        os.killpg(child.process.pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no output"


@contextlib.contextmanager
def _signals_ignored() -> Iterator[None]:
    kept = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def stop_signals_interrupt() -> Iterator[None]:
    """Within, SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt, so that every ``finally`` runs.

    SIGINT is set too: a shell starts background jobs with it ignored.
    """
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    kept = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
