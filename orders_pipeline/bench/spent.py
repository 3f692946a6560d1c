"""The profile of a first load and of an increment of 5 %: our own commands, each under ``bench/profile.py``."""

from __future__ import annotations

import shutil
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from orders_pipeline.bench import child, ingest
from orders_pipeline.bench.ingest import PHASES, Phase
from orders_pipeline.bench.report import Table

Stacks = Counter[str]
"""``step;step`` -> CPU microseconds."""


def measure(orders: int, rounds: int, tell: Callable[[str], None]) -> dict[Phase, Stacks]:
    """Of each phase the round that took the least CPU."""
    best: dict[Phase, Stacks] = {}
    with child.server(orders, 0) as address:
        for _ in range(rounds):
            folder = Path(tempfile.mkdtemp(prefix="bench-"))
            try:
                for phase, path in PHASES.items():
                    urllib.request.urlopen(address + path, b"").read()  # noqa: S310 - our own server
                    _, _, *command = ingest.ours(address, folder, phase)
                    file = folder / f"{phase}.folded"
                    program = ["-m", "orders_pipeline.bench.profile", str(file), *command]
                    cost = child.run(program, folder, ingest.environment(folder))
                    tell(f"{phase}: {cost.cpu:.2f} CPU s, {cost.wall:.1f} s, {cost.rss:.0f} MB")
                    found = _read(file)
                    if phase not in best or found.total() < best[phase].total():
                        best[phase] = found
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    return best


def table(orders: int, spent: dict[Phase, Stacks]) -> Table:
    """CPU seconds of each step, the dearest of the load first."""
    steps = {phase: _by_step(stacks) for phase, stacks in spent.items()}
    load, increment = steps["initial"], steps["increment"]
    rows = [
        [step, load[step] / 1e6, load[step] / load.total() * 100, increment[step] / 1e6]
        for step, _ in (load + increment).most_common()
    ]
    rows.append(["all of it", load.total() / 1e6, 100, increment.total() / 1e6])
    return Table(f"{orders:,} orders: CPU s by step", ["step", "load", "load, %", "5 %"], rows)


def _read(file: Path) -> Stacks:
    lines = (line.rpartition(" ") for line in file.read_text(encoding="utf-8").splitlines())
    return Counter({stack: int(spent) for stack, _, spent in lines})


def _by_step(stacks: Stacks) -> Counter[str]:
    steps: Counter[str] = Counter()
    for stack, spent in stacks.items():
        steps[stack.rpartition(";")[2]] += spent
    return steps
