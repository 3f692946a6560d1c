"""``orders-pipeline`` commands as processes of their own, as a shell or cron starts them, some with little room or patience."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orders_pipeline_tests.cli.conftest import Merchant

Done = subprocess.CompletedProcess[str]

LONGEST = 120  # seconds; the longest of these takes three on an idle machine

_IMPATIENT = (
    "from orders_pipeline.warehouse import lock; lock.WAIT_SECONDS = 0.5; from orders_pipeline.cli import main; main()"
)

_HOLD = """
import sys
from pathlib import Path
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse
with Warehouse(DataFolder(Path(sys.argv[1]))).write("somebody's long report"):
    print("held", flush=True)
    sys.stdin.read()
"""


def run(
    of: Merchant, command: str, *, largest_file: int | None = None, environment: Mapping[str, str] | None = None
) -> Done:
    """A command. ``largest_file``: bytes beyond which no file of the process may grow: a disk that is full there."""

    def limit() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    return _run([sys.executable, "-m", "orders_pipeline.cli", command, "--data", str(of.data)], environment, limit)


def run_impatiently(of: Merchant, command: str) -> Done:
    """A command that waits half a second for the warehouse instead of a minute."""
    return _run([sys.executable, "-c", _IMPATIENT, command, "--data", str(of.data)], None, None)


@contextmanager
def warehouse_held(data: Path) -> Iterator[int]:
    """Another process holds the warehouse while the block runs; yields its id."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder.pid
    finally:
        holder.communicate(timeout=LONGEST)


def must_fail_in_one_line(done: Done) -> str:
    """The line; whatever progress said before it."""
    assert done.returncode == 1, done.stdout + done.stderr
    *before, line = done.stderr.strip().splitlines()
    assert line.startswith("Error: ")
    assert all(one.startswith("[") for one in before), done.stderr  # progress: no second error, no traceback
    assert "fault of the program" not in line
    return line


def _run(words: list[str], environment: Mapping[str, str] | None, limit: Callable[[], None] | None) -> Done:
    return subprocess.run(
        words,
        env=None if environment is None else {**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        preexec_fn=limit,
    )
