"""No child process outlives the command, nor what a child has started."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from orders_pipeline.cli import children as children_module
from orders_pipeline.cli.children import Children, stop_signals_interrupt
from orders_pipeline.settings import UserError

FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)  # children inherit it
if len(sys.argv) == 1:
    subprocess.Popen([sys.executable, __file__, "child"])
print("up", flush=True)
time.sleep(600)
"""


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "family.py").write_text(FAMILY)
    (tmp_path / "crash.py").write_text("print('no such table: orders'); raise SystemExit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "family"


def wait_for(log: Path, lines: int) -> None:
    """Spin until the log has so many lines: the processes are up."""
    while not log.exists() or len(log.read_text().splitlines()) < lines:
        os.sched_yield()


def test_stop_ends_stubborn_children_and_grandchildren(
    tmp_path: Path, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children_module, "GRACE_SECONDS", 0.1)
    with Children(tmp_path, os.environ) as children:
        child = children.start("family", family)
        wait_for(child.log, 2)
        members = [psutil.Process(child.process.pid), *psutil.Process(child.process.pid).children(recursive=True)]
        assert len(members) == 2
    gone, alive = psutil.wait_procs(members, timeout=10)
    assert len(gone) == 2
    assert not alive


def test_a_crashed_child_is_named_with_its_last_words(tmp_path: Path, family: str) -> None:
    with Children(tmp_path, os.environ) as children:
        child = children.start("webserver", "crash")
        child.process.wait()
        with pytest.raises(
            UserError, match=r"webserver ended with code 3 \(no such table: orders\): see .*webserver\.log"
        ):
            children.check()


def test_a_child_leads_a_session_of_its_own(tmp_path: Path, family: str) -> None:
    """So Ctrl-C in the terminal reaches us alone and the children are ended in order."""
    with Children(tmp_path, os.environ) as children:
        child = children.start("family", family)
        assert os.getsid(child.process.pid) == child.process.pid != os.getsid(0)
        wait_for(child.log, 2)
        os.killpg(child.process.pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stop_signals_interrupt(number: signal.Signals) -> None:
    """A background job of a shell is started with SIGINT ignored: it must work all the same."""
    kept = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), stop_signals_interrupt():
            signal.raise_signal(number)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, kept)
