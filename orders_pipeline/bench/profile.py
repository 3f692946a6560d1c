"""Where the CPU seconds of a real command go, step by step: wraps the rooms' own functions and runs the command line.

A program of its own: ``python -m orders_pipeline.bench.profile FILE backfill --data DIR`` runs the command and writes FILE,
folded stacks (``step;step CPU-microseconds``) of all its threads, as flame graph tools read them. ``thread_time`` sees what
DuckDB does as well: it writes with one thread, the caller's. What a step's functions call without a step of its own counts
as the step's. Start-up is what has been spent before the command runs.
"""

from __future__ import annotations

import functools
import importlib
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEPS = {
    "http": "platforms.taobao.exchange:Exchange.post",
    "request and signature": "platforms.taobao.client:TopPlatform._form",
    "allow-list": "platforms.taobao.allow_list:AllowList.reduce",
    "texts of the allow-list": "platforms.taobao.texts:Texts.fit",
    "keys and times of a page": "platforms.taobao.pages:ListAnswer.parse",
    "quota": "sync.quota:Quota.acquire",
    "call log": "sync.ops:Ops.log_call",
    "a call, the rest": "sync.caller:Caller.call",
    "paging": "sync.context:Context.read_and_land",
    "raw files": "sync.landing:Landing.write",
    "reading the ledger": "sync.context:Context.ledger",
    "connecting": "platforms:connect",
    "schema": "warehouse.schema:step_up",
    "staging": "warehouse.stage:Stage.__init__",
    "upsert": "warehouse.upsert:_run",
    "checks": "warehouse.upsert:_check",
    "call log and incidents to tables": "sync.applying:_record",
    "commit and close": "warehouse.store:Warehouse._apply",
    "publishing": "warehouse.publish:Publisher.publish",
    "incidents": "sync.incidents:settle",
    "the command, the rest": "cli.sync:_each_shop",
}
"""What is told apart -> module and function. Of a nested step only its own time counts for it."""

START = "start and imports"


class Clock:
    """CPU time by stack of steps, over all threads."""

    def __init__(self) -> None:
        self.spent: Counter[tuple[str, ...]] = Counter()
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._here = threading.local()

    def timed(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **named: Any) -> Any:
            stack: list[tuple[str, float]] = self._here.__dict__.setdefault("stack", [])
            began = time.thread_time()
            stack.append((step, 0.0))
            try:
                return function(*args, **named)
            finally:
                whole = time.thread_time() - began
                _, below = stack.pop()
                path = (*(name for name, _ in stack), step)
                if stack:
                    stack[-1] = stack[-1][0], stack[-1][1] + whole
                with self._lock:
                    self.spent[path] += int((whole - below) * 1e6)
                    self.calls[step] += 1

        return wrapper


def wrap(clock: Clock) -> None:
    """Put the clock around every step, also where its function has been imported by name."""
    for step, place in STEPS.items():
        module_name, path = place.split(":")
        owner: Any = importlib.import_module(f"orders_pipeline.{module_name}")
        *outer, name = path.split(".")
        for part in outer:
            owner = getattr(owner, part)
        function = getattr(owner, name)
        timed = clock.timed(step, function)
        setattr(owner, name, timed)
        for module in [one for key, one in sys.modules.items() if key.startswith("orders_pipeline.")]:
            if getattr(module, name, None) is function:
                setattr(module, name, timed)


def main(file: str, *arguments: str) -> None:
    from orders_pipeline.cli import main as command_line

    importlib.import_module("orders_pipeline.sync")
    clock = Clock()
    wrap(clock)
    started = time.process_time()
    try:
        command_line(list(arguments), prog_name="orders-pipeline")
    finally:
        clock.spent[(START,)] = int(started * 1e6)
        rest = time.process_time() - sum(clock.spent.values()) / 1e6
        clock.spent[("between the steps",)] = max(int(rest * 1e6), 0)
        lines = [f"{';'.join(path)} {spent}" for path, spent in sorted(clock.spent.items())]
        Path(file).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
