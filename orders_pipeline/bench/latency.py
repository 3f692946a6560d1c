"""From a change on the platform to the row in ``orders.duckdb``: Dagster's real processes, real HTTP, real files.

The shops live by themselves; each version of an order is timed from the second at which it came to be to the copy in which a
reader could first see it or a later one.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from orders_pipeline.bench import chain as chains
from orders_pipeline.bench.chain import percentile
from orders_pipeline.bench.platform import BusyPlatform
from orders_pipeline.bench.plot import latency_svg
from orders_pipeline.bench.process import environment_set
from orders_pipeline.bench.report import Report, Table
from orders_pipeline.bench.shop_folder import environment, load, stanza_file, stored_orders
from orders_pipeline.bench.stack import Stack
from orders_pipeline.bench.watching import Seen, Watch
from orders_pipeline.settings import DATA_ENV, DataFolder, UserError, project_root
from orders_pipeline.shops import SHOPS_ENV

Tier = Literal["run", "linger"]

SETTINGS: dict[Tier, dict[str, object]] = {"run": {}, "linger": {"linger_seconds": 120}}
"""What a tier is in a stanza."""

DAYS = 3
"""Lived and loaded before: young orders change most, and a longer life costs the bench a minute."""

WARM_UP_SECONDS = 20.0
"""The daemon's first round, the permission calls, and the first run, which reads what changed while Dagster started."""

LOOK_SECONDS = 5.0
"""How often it says how far it is."""

LONGEST_WARM_UP_SECONDS = 180.0
"""Many shops start with a sync each; the watch begins when nothing of that time is on its way any more."""

DRAIN_SECONDS = 20.0
"""After the last change that counts, so that it can arrive; what has not by then is told as missing."""


@dataclass(frozen=True)
class Workload:
    """What is measured."""

    tier: Tier = "run"
    seconds: float = 600.0
    shops: int = 1
    orders: int = 100_000
    orders_per_day: int = 10_000
    calls_per_minute: int = 100


@dataclass
class Outcome:
    """What was seen of it from ``began`` to ``until``. ``copies``: published meanwhile; ``cpu``: seconds of all of Dagster's
    processes; ``history``: bytes by which each part of the run history grew; ``refused``: calls over the quota."""

    began: datetime
    until: datetime
    seen: list[Seen]
    missing: int
    stored: int
    copies: int
    cpu: float
    history: dict[str, int]
    refused: int


def measure(work: Workload, say: Any) -> Report:
    """Run the workload in a folder of its own and report."""
    with tempfile.TemporaryDirectory(prefix="orders-bench-") as root:
        folder = DataFolder(Path(root)).create()
        outcome = _run(work, folder, say)
        with environment_set({"DAGSTER_HOME": str(project_root()), DATA_ENV: root}):
            runs, slots = chains.all_runs(), chains.slots()
        calls = chains.calls_of(folder, outcome.began)
    return _report(work, outcome, runs, slots, [call for call in calls if call.at <= outcome.until.timestamp()])


def _run(work: Workload, folder: DataFolder, say: Any) -> Outcome:
    say(f"{work.shops} shop(s) live {DAYS} days of {work.orders_per_day:,} orders")
    with BusyPlatform(work.shops, DAYS, work.orders_per_day, work.calls_per_minute) as platform:
        secrets = environment(platform)
        with environment_set({**secrets, DATA_ENV: str(folder.root), SHOPS_ENV: str(folder.root / "shops.yaml")}):
            say(f"first load, then {work.orders:,} orders stored")
            load(folder, platform, DAYS, work.orders)
            stored = stored_orders(folder)
        quota = {"calls_per_minute": work.calls_per_minute, "backfill_days": DAYS}
        stanza_file(folder, platform, {**quota, **SETTINGS[work.tier]})
        platform.begin()
        with Stack(folder, secrets) as stack, Watch(folder, platform.changes) as watch:
            say("Dagster starts")
            stack.start_code_server()
            stack.start_daemon()
            _warm_up(watch)
            began, cpu, history = datetime.now(UTC), stack.cpu_seconds(), chains.history_bytes(folder)
            copies, refused = watch.copies, platform.mall.quota.refused
            until = began + timedelta(seconds=work.seconds)
            while datetime.now(UTC) < until:
                time.sleep(min(LOOK_SECONDS, max((until - datetime.now(UTC)).total_seconds(), 0.0)))
                say(f"{len(watch.seen):,} changes seen, {len(watch.pending)} on their way")
            cpu = stack.cpu_seconds() - cpu
            grown = {kind: size - history[kind] for kind, size in chains.history_bytes(folder).items()}
            copies, refused = watch.copies - copies, platform.mall.quota.refused - refused
            time.sleep(DRAIN_SECONDS)
    counted = [one for one in watch.seen if began <= one.change.at <= until]
    missing = [change for change in watch.pending if began <= change.at <= until]
    return Outcome(began, until, counted, len(missing), stored, copies, cpu, grown, refused)


def _warm_up(watch: Watch) -> None:
    begun = time.monotonic()
    time.sleep(WARM_UP_SECONDS)
    while watch.oldest_seconds() > WARM_UP_SECONDS and time.monotonic() - begun < LONGEST_WARM_UP_SECONDS:
        time.sleep(1)


def _report(
    work: Workload, outcome: Outcome, runs: Sequence[chains.RunTimes], slots: int, calls: Sequence[chains.Call]
) -> Report:
    latencies = [one.latency for one in outcome.seen]
    began, until = outcome.began.timestamp(), outcome.until.timestamp()
    asked = [run for run in runs if began <= run.requested <= until]
    waits = [run.launched - run.requested for run in asked if math.isfinite(run.launched)]
    launches = [began, *(run.launched for run in runs if began <= run.launched <= until)]
    queued = [run for run in asked if chains.at_work(runs, run.requested) >= slots]
    seconds, minutes = work.seconds, work.seconds / 60
    summary = Table(
        f"Latency, tier {work.tier}, {work.shops} shop(s), {outcome.stored:,} orders stored",
        ("what", "value"),
        [
            ("changes seen", len(latencies)),
            ("changes not seen", outcome.missing),
            ("changes a minute", len(latencies) / minutes),
            *((f"p{percent}, s", percentile(latencies, percent)) for percent in (50, 95, 99)),
            ("longest, s", max(latencies, default=0.0)),
            ("runs a minute", len(asked) / minutes),
            ("slots for runs", slots),
            ("most runs at work at once", max(chains.at_work(runs, at) for at in launches)),
            ("runs that found every slot taken", len(queued)),
            ("runs never launched", len(asked) - len(waits)),
            ("longest from request to launch of a run, s", max(waits, default=0.0)),
            ("copies for readers a minute", outcome.copies / minutes),
            ("CPU seconds a second, all Dagster processes", outcome.cpu / seconds),
            ("calls a minute", len(calls) / minutes),
            ("calls of the busiest minute", chains.busiest_minute(calls)),
            ("calls a minute that the app key allows", work.calls_per_minute),
            ("calls that the platform refused", outcome.refused),
        ],
    )
    steps = Table("Step by step", ("step", "median, s", "p95, s"), chains.chain(outcome.seen, runs, calls))
    spent = Table("Calls", ("who", "api", "calls a minute"), chains.calls_a_minute(calls, seconds))
    grown = Table(
        "Growth of the run history",
        ("part", "bytes a run", "MB a day at this rate"),
        [
            (kind, size / len(asked) if asked else None, size / seconds * 86_400 / 1e6)
            for kind, size in outcome.history.items()
        ],
    )
    facts: Mapping[str, Any] = {
        "workload": vars(work),
        "points": [((one.change.at - outcome.began).total_seconds(), round(one.latency, 3)) for one in outcome.seen],
        "runs": [(run.job, *map(_known, (run.requested, run.launched, run.started, run.ended))) for run in runs],
    }
    return Report(f"latency-{work.tier}-{work.shops}", [summary, steps, spent, grown], facts)


def _known(instant: float) -> float | None:
    return instant if math.isfinite(instant) else None


def plot_of(report: Report) -> str:
    """The report's points as SVG. Raises UserError where no change was seen: there is nothing to draw then."""
    points, work = report.facts["points"], report.facts["workload"]
    if not points:
        raise UserError("No change was seen: watch for longer with --seconds, or let shops sell more.")
    return latency_svg(points, f"Latency, tier {work['tier']}, {work['shops']} shop(s): change to row, seconds")
