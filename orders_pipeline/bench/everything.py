"""Runs one benchmark after the other, each as the command that a person would type, and gathers what they found.

One that fails stops none of the others. After each of them the gathered report is written, so that an interrupted run keeps
what it has measured. Sizes are the caller's business, goals those of ``goals_speed`` and ``goals_forecast``.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orders_pipeline.bench.goals import summary
from orders_pipeline.bench.goals_forecast import FORECAST
from orders_pipeline.bench.goals_speed import SPEED
from orders_pipeline.bench.report import Report, Table, environment
from orders_pipeline.cli.children import Child, Children

NAME = "bench"
LOOK_SECONDS = 0.2
"""How often a benchmark's output is passed on."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One benchmark with its options."""

    benchmark: str
    options: tuple[str, ...]

    @property
    def command(self) -> str:
        return shlex.join(["orders-pipeline", "bench", self.benchmark, *self.options])


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended: seconds, exit code, and what it wrote. ``last_line``: the last that it said."""

    step: Step
    seconds: float
    code: int
    reports: Sequence[Report]
    last_line: str

    @property
    def text(self) -> str:
        if self.code:
            return f"failed: {self.last_line}"
        return "done" if self.reports else f"nothing measured: {self.last_line}"


def run_all(steps: Sequence[Step], out: Path, tell: Tell, *, with_unmeasured: bool) -> tuple[Report, list[Outcome]]:
    """Run the steps in turn, each with a folder of its own below ``out``, and write ``bench.json`` and ``bench.md`` there.

    ``with_unmeasured``: goals that nothing was measured for have their lines too; else a note counts them.
    """
    about, outcomes = environment(), []
    report = _gathered([], steps, about, with_unmeasured)
    for number, step in enumerate(steps, 1):
        tell(f"{number} of {len(steps)}: {step.command}")
        outcomes.append(_run(step, out / f"{number:02}-{step.benchmark}", tell))
        tell(f"{number} of {len(steps)}: {outcomes[-1].text}, {outcomes[-1].seconds:.0f} s")
        report = _gathered(outcomes, steps, about, with_unmeasured)
        report.save(out)
    return report, outcomes


def _run(step: Step, folder: Path, tell: Tell) -> Outcome:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*"):  # of an earlier run: none of it may pass for this one's
        old.unlink()
    begun = time.perf_counter()
    # what a benchmark says holds nobody's data, and a fault of it is worth its traceback
    with Children(folder, {**os.environ, "ORDERS_PIPELINE_DEBUG": "1"}) as children:
        arguments = ["bench", step.benchmark, *step.options, "--out", str(folder)]
        child = children.start("output", "orders_pipeline.cli", *arguments)
        said = _followed(child, tell)
    seconds = time.perf_counter() - begun
    code = child.process.returncode
    reports = [] if code else [Report.loaded(file) for file in sorted(folder.glob("*.json"))]
    return Outcome(step, seconds, code, reports, said)


def _followed(child: Child, tell: Tell) -> str:
    """Pass on what the process says until it ends; the last line of it."""
    last = ""
    with child.log.open(encoding="utf-8", errors="replace") as log:
        while True:
            ended = child.process.poll() is not None  # asked before reading: nothing is said after it has ended
            for line in log.read().splitlines():
                if line.strip():
                    last = line.strip()
                    tell(f"  {line}")
            if ended:
                return last
            time.sleep(LOOK_SECONDS)


def _gathered(
    outcomes: Sequence[Outcome], steps: Sequence[Step], about: dict[str, str], with_unmeasured: bool
) -> Report:
    reports = [report for outcome in outcomes for report in outcome.reports]
    asked = {step.benchmark for step in steps}
    goals = [goal for goal in (*SPEED, *FORECAST) if goal.benchmark in asked]
    shown = [goal for goal in goals if with_unmeasured or goal.look(reports) is not None]
    ended = [(outcome.step.command, outcome.seconds, outcome.text) for outcome in outcomes]
    waiting = [(step.command, None, "not run yet") for step in steps[len(outcomes) :]]
    runs = Table("Benchmarks of this run", ("command", "seconds", ""), [*ended, *waiting])
    left = len(goals) - len(shown)
    notes = [f"{left} goals are set for sizes that this run did not have, or could not be measured."] if left else []
    return Report(NAME, [summary(shown, reports), runs], notes=notes, about=about, parts=reports)
