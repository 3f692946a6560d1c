"""Runs methods over a panel's origins, one after the other in one process, and says how accurate and how costly each was."""

from __future__ import annotations

import platform
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from orders_pipeline.bench.forecast.methods import OWN, Method
from orders_pipeline.bench.forecast.metrics import measure
from orders_pipeline.bench.forecast.panels import Panel, origins
from orders_pipeline.bench.forecast.peers import peer

if TYPE_CHECKING:
    from datetime import date

LIBRARIES = ("duckdb", "numpy", "scikit-learn", "statsforecast", "mlforecast", "lightgbm")
COLUMNS = ("wrmsse", "wape", "wape7", "bias", "wspl", "wql", "t_wql", "pit_q90", "pit_q95", "day_q90", "day_q95", "total_q90",
           "total_q95", "cpu_seconds")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """One method on one panel: means over origins and seeds, and the range of the seeds' means where there are several."""

    panel: str
    method: str
    origins: tuple[str, ...]
    series: int
    seeds: tuple[int, ...]
    metrics: dict[str, float]
    spread: dict[str, float]


def method_of(name: str) -> Method:
    """The method of that name, ours or a peer."""
    return OWN[name] if name in OWN else peer(name)


def run(
    panel: Panel,
    which: str,
    methods: Sequence[str],
    seeds: Sequence[int],
    tell: Callable[[str], None],
    only: Iterable[date] = (),
) -> list[Result]:
    """Measure each method; ``only`` picks some of the origins."""
    chosen = [origin for origin in origins(panel.name, which) if not set(only) or origin in set(only)]
    results = []
    for name in methods:
        method = method_of(name)
        # only ours draws: the others are given one seed
        own_seeds = tuple(seeds) if name in ("ours", "fast") else tuple(seeds[:1])
        by_seed = []
        series = 0
        for seed in own_seeds:
            measured = []
            for origin in chosen:
                rows = panel.eligible(origin)
                series = len(rows)
                before = time.process_time()
                prediction = method(panel, origin, rows, seed)
                spent = time.process_time() - before
                measured.append(measure(panel, origin, rows, prediction) | {"cpu_seconds": spent})
                tell(f"{panel.name} {name} seed {seed} {origin}: {_line(measured[-1])}")
            by_seed.append({key: float(np.mean([one[key] for one in measured])) for key in measured[0]})
        metrics = {key: float(np.mean([one[key] for one in by_seed])) for key in by_seed[0]}
        spread = {key: float(np.ptp([one[key] for one in by_seed])) for key in by_seed[0] if len(by_seed) > 1}
        days = tuple(origin.isoformat() for origin in chosen)
        results.append(Result(panel.name, name, days, series, own_seeds, metrics, spread))
    return results


def document(results: Sequence[Result]) -> dict[str, Any]:
    """What is written as JSON: results, machine and versions. ``peak_memory_mb`` is of the process, panel included."""
    return {
        "machine": f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "versions": {name: found for name in LIBRARIES if (found := _version(name))},
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "results": [asdict(result) for result in results],
    }


def markdown(results: Sequence[Result]) -> str:
    """A table a panel; a number after ± is the range over seeds."""
    parts = []
    for panel in dict.fromkeys(result.panel for result in results):
        mine = [result for result in results if result.panel == panel]
        parts.append(f"{panel}, {mine[0].series:,} SKUs at the last of {len(mine[0].origins)} origins\n")
        parts.append("| method | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (len(COLUMNS) + 1))
        parts += [f"| {one.method} | " + " | ".join(_cell(one, key) for key in COLUMNS) + " |" for one in mine]
        parts.append("")
    return "\n".join(parts)


def _cell(result: Result, key: str) -> str:
    if key not in result.metrics:
        return ""
    digits = 2 if key == "cpu_seconds" else 4
    text = f"{result.metrics[key]:.{digits}f}"
    return f"{text} ±{result.spread[key]:.{digits}f}" if key in result.spread and key != "cpu_seconds" else text


def _line(metrics: dict[str, float]) -> str:
    return " ".join(
        f"{key} {metrics[key]:.4f}" for key in ("wrmsse", "wape7", "wspl", "t_wql", "cpu_seconds") if key in metrics
    )


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
