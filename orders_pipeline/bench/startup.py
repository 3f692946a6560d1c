"""What it costs to be there: imports, loading the code location, the first answer of the UI, a run that does nothing, and the
runs that a shop's day is made of."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orders_pipeline.bench.chain import history_bytes
from orders_pipeline.bench.platform import BusyPlatform
from orders_pipeline.bench.process import environment_set
from orders_pipeline.bench.report import Report, Table
from orders_pipeline.bench.runs import Cost, checks, cost_of, idle_rate, stop_schedules, stop_sensors, under_way
from orders_pipeline.bench.shop_folder import environment, load, stanza_file
from orders_pipeline.bench.stack import PATIENCE_SECONDS, Stack, free_port
from orders_pipeline.settings import DATA_ENV, DataFolder
from orders_pipeline.shops import SHOPS_ENV

IMPORTS = (
    ("nothing", "pass"),
    ("import dagster", "import dagster"),
    ("what `orders-pipeline sync` imports", "import orders_pipeline.cli.sync, orders_pipeline.sync"),
    (
        "code location: import and build all definitions",
        "from orders_pipeline import definitions; definitions.defs().get_repository_def()",
    ),
)
"""What is measured in a new interpreter each: label and statement."""

JOBS = ("publish", "messages_shop_1", "sync_shop_1")
"""A run that finds nothing to do; a run that finds no message; a sync of one shop."""

ORDERS, DAYS, ORDERS_PER_DAY = 100_000, 3, 1_000
"""What the shop's runs find: the stored orders of the issue, and a shop of a middling size."""

A_DAY = {"sync_shop_1": 86_400 // (5 * 60)}
"""Runs a day that every shop has, whatever it sells: a closed window is read each five minutes."""

QUIET_SECONDS = 40.0
"""Watched while sensors look and nothing happens: eight looks of the daemon, which come every five seconds."""

SETTLE_SECONDS = 10.0
"""Two rounds of the daemon: what was under way ends, and it has loaded everything; then as long to see what idling costs."""


def measure(repeats: int, say: Callable[[str], None]) -> Report:
    """Everything ``repeats`` times; the least of each counts, for a loaded machine only ever adds."""
    with tempfile.TemporaryDirectory(prefix="orders-bench-") as root:
        folder = DataFolder(Path(root)).create()
        with BusyPlatform(1, DAYS, ORDERS_PER_DAY, 1_000_000) as platform:
            secrets = environment(platform)
            with environment_set({**secrets, DATA_ENV: root, SHOPS_ENV: str(folder.root / "shops.yaml")}):
                say(f"a shop with {ORDERS:,} orders is loaded")
                load(folder, platform, DAYS, ORDERS)
                stanza_file(folder, platform, {"calls_per_minute": 1_000_000, "backfill_days": DAYS})
                say("imports")
                imports = [(label, *_import(statement, repeats)) for label, statement in IMPORTS]
            starts, quiet, costs, history = _stack(folder, platform, repeats, say)
    tables = [
        Table("Imports, in a new interpreter", ("what", "CPU s", "seconds"), imports),
        Table("Processes", ("what", "CPU s", "seconds", "MB of its own"), starts),
        Table(
            "Sensors while nothing happens", ("seconds", "checks", "runs that they asked for", "CPU s a check"), [quiet]
        ),
        Table(
            "Runs, from launch to success, process start included",
            ("job", "CPU s", "seconds", "KB of run history"),
            [
                (
                    job,
                    min(cost.cpu for cost in costs if cost.job == job),
                    min(cost.wall for cost in costs if cost.job == job),
                    history[job] / 1000,
                )
                for job in JOBS
            ],
        ),
        Table(
            "Run history of a shop and day, before old runs are deleted",
            ("job", "runs a day", "MB a day"),
            [(job, runs, runs * history[job] / 1e6) for job, runs in A_DAY.items() if job in history],
        ),
    ]
    return Report("startup", tables, {"repeats": repeats, "runs": [(one.job, one.cpu, one.wall) for one in costs]})


def _import(statement: str, repeats: int) -> tuple[float, float]:
    """Least CPU seconds and least seconds of a new interpreter that executes it, its bytecode compiled before."""
    found: list[tuple[float, float]] = []
    for _ in range(repeats + 1):  # the first writes the bytecode
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True, env=_compiled())
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        found.append((cpu, time.perf_counter() - begun))
    return min(cpu for cpu, _ in found[1:]), min(wall for _, wall in found[1:])


def _compiled() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _stack(
    folder: DataFolder, platform: BusyPlatform, repeats: int, say: Callable[[str], None]
) -> tuple[list[tuple[Any, ...]], tuple[Any, ...], list[Cost], dict[str, int]]:
    """Starts of the processes, checks of sensors while nothing happens, costs of runs, and how much each kind of run adds to
    the history."""
    port = free_port()
    starts: list[tuple[Any, ...]] = []
    costs: list[Cost] = []
    with Stack(folder, environment(platform)) as stack:
        begun, total, memory = time.perf_counter(), 0.0, 0
        for label, start in (
            ("code server: definitions served", stack.start_code_server),
            ("webserver: first answer", lambda: stack.start_webserver(port)),
        ):
            say(label)
            start()
            now, held = stack.cpu_seconds(), stack.memory()
            starts.append((label, now - total, time.perf_counter() - begun, (held - memory) / 1e6))
            begun, total, memory = time.perf_counter(), now, held
        stack.start_daemon()
        stop_schedules(port)
        say("sensors, while nothing happens")
        with platform.resting():
            _until_quiet(port)
            watched, spent, since = time.perf_counter(), stack.cpu_seconds(), time.time()
            time.sleep(QUIET_SECONDS)
            made, spent = checks(port, since), stack.cpu_seconds() - spent
            watched = time.perf_counter() - watched
        stop_sensors(port)
        time.sleep(SETTLE_SECONDS)
        starts.append(
            ("all of them and the daemon, idle, a second", idle_rate(stack, SETTLE_SECONDS), 1.0, stack.memory() / 1e6)
        )
        rate = starts[-1][1]
        quiet = (watched, len(made), sum(map(len, made)), max(spent - rate * watched, 0.0) / max(len(made), 1))
        history: dict[str, int] = {}
        for round_ in range(repeats):
            for job in JOBS:
                say(f"run {round_ + 1}: {job}")
                before = sum(history_bytes(folder).values())
                costs.append(cost_of(stack, port, job, rate))
                history[job] = sum(history_bytes(folder).values()) - before
    return starts, quiet, costs, history


def _until_quiet(port: int) -> None:
    """Wait until what had happened before is worked off, or for too long: no run is under way and sensors ask for none."""
    begun = time.monotonic()
    while time.monotonic() - begun < PATIENCE_SECONDS:
        since = time.time()
        time.sleep(SETTLE_SECONDS)
        made = checks(port, since)
        if made and not any(made) and not under_way(port):
            return
