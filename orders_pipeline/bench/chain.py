"""The way of a change from the platform to the reader, step by step, from Dagster's history and the call log."""

from __future__ import annotations

import math
import sqlite3
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from orders_pipeline.bench.watching import Seen
from orders_pipeline.settings import DataFolder

CONSUME = "taobao.tmc.messages.consume"


@dataclass(frozen=True, slots=True)
class RunTimes:
    """One run of Dagster: seconds since the epoch, infinite for what has not happened yet."""

    job: str
    run_id: str
    requested: float
    launched: float
    started: float
    ended: float


def all_runs() -> list[RunTimes]:
    """Every run of the instance in force, oldest first."""
    import dagster as dg

    found = []
    with dg.DagsterInstance.get() as instance:
        for record in instance.get_run_records(ascending=True):
            stats: Any = instance.get_run_stats(record.dagster_run.run_id)
            times = (stats.launch_time or stats.start_time, stats.start_time, stats.end_time)
            found.append(
                RunTimes(
                    record.dagster_run.job_name,
                    record.dagster_run.run_id,
                    record.create_timestamp.timestamp(),
                    *(time or math.inf for time in times),
                )
            )
    return found


def slots() -> int:
    """How many runs the instance in force lets work at the same time."""
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        most: int = instance.get_concurrency_config().run_queue_config.max_concurrent_runs  # type: ignore[union-attr]
        return most


def at_work(runs: Sequence[RunTimes], at: float) -> int:
    """How many runs held a slot at that instant, seconds since the epoch."""
    return sum(run.launched <= at < run.ended for run in runs)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the log."""

    at: float
    shop: str
    api: str
    run_id: str  # empty for a sensor's


def calls_of(folder: DataFolder, since: datetime) -> list[Call]:
    """Calls that were made since then, oldest first."""
    with sqlite3.connect(folder.ops) as con:
        rows = con.execute("SELECT at, shop, api, run_id FROM api_calls ORDER BY call_id").fetchall()
    calls = [Call(datetime.fromisoformat(at).timestamp(), shop, api, run_id) for at, shop, api, run_id in rows]
    return [call for call in calls if call.at >= since.timestamp()]


STEPS = (
    "change → message received",
    "message received → run requested",
    "run requested → run launched",
    "run launched → steps begin",
    "steps begin → first call",
    "first call → published",
)


def chain(seen: Sequence[Seen], runs: Sequence[RunTimes], calls: Sequence[Call]) -> list[tuple[str, float, float]]:
    """(step, median seconds, 95th percentile) of changes that a run of their own brought: requested after the change."""
    by_run: dict[str, float] = {}
    for call in calls:
        by_run.setdefault(call.run_id, call.at)
    polls = [call.at for call in calls if call.api == CONSUME and not call.run_id]
    ways: list[list[float]] = []
    for one in seen:
        changed, visible = one.change.at.timestamp(), one.visible_at.timestamp()
        run = next((run for run in runs if run.requested > changed and run.run_id in by_run), None)
        if run is None or not run.started <= visible <= run.ended + 1:
            continue
        poll = polls[bisect_right(polls, run.requested) - 1] if polls else changed
        if poll < changed:
            continue
        times = [changed, poll, run.requested, run.launched, run.started, by_run[run.run_id], visible]
        ways.append([after - before for before, after in pairwise(times)])
    return [
        (step, median(way[index] for way in ways), percentile([way[index] for way in ways], 95))
        for index, step in enumerate(STEPS)
        if ways
    ]


def calls_a_minute(calls: Sequence[Call], seconds: float) -> list[tuple[str, str, float]]:
    """(who, api, calls a minute), most first."""
    counts = Counter(("run" if call.run_id else "sensor", call.api) for call in calls)
    return [(who, api, count * 60 / seconds) for (who, api), count in counts.most_common()]


def busiest_minute(calls: Sequence[Call]) -> int:
    """The most calls, given oldest first, within any 60 seconds: what a quota limits."""
    at = [call.at for call in calls]
    return max((bisect_left(at, begun + 60) - number for number, begun in enumerate(at)), default=0)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed; 0 where there is none."""
    ranked = sorted(values)
    return ranked[min(int(len(ranked) * percent / 100), len(ranked) - 1)] if ranked else 0.0


def history_bytes(folder: DataFolder) -> dict[str, int]:
    """Bytes of Dagster's history by kind: the runs' own files, their index, the table of runs, ticks."""
    history = folder.dagster / "history"
    sizes = {"run files": 0, "index": 0, "runs": 0, "ticks": 0}
    for file in folder.dagster.rglob("*.db"):
        with sqlite3.connect(file) as con:
            con.execute("PRAGMA wal_checkpoint(PASSIVE)")  # what is in the log beside a file counts as the file's
        sizes[_kind(file, history)] += file.stat().st_size
    return sizes


def _kind(file: Path, history: Path) -> str:
    if file.parent == history / "runs":
        return "index" if file.name.startswith("index.") else "run files"
    return "runs" if file.parent == history else "ticks"
