"""One forecast of one origin in a process of its own: how good it is, what it costs, how much memory the process holds.

A program: ``python -m orders_pipeline.bench.forecast.one FOLDER ORIGIN METHOD SEED SAMPLE`` opens the panel that ``kept``
wrote and prints JSON. Libraries are imported, and compiled where they compile themselves, before the clock starts.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np

from orders_pipeline.bench.forecast import kept
from orders_pipeline.bench.forecast.methods import OWN, PRODUCT, Method, Prediction
from orders_pipeline.bench.forecast.metrics import measure
from orders_pipeline.bench.forecast.peers import forecasts_all, peer

LIBRARIES = ("pandas", "scipy.stats", "sklearn.ensemble", "orders_pipeline.forecasting")
"""The product and what it imports when it forecasts."""

WARM_SERIES = 20
"""Of a forecast beforehand, where a library compiles what it needs at the first one; so few that they cost nothing."""

DRAW = 20_240_501  # seed of the sample: any, but always the same


def method_of(name: str) -> Method:
    """The method of that name, ours or a peer."""
    return OWN[name] if name in OWN else peer(name)


def main(folder: str, day: str, name: str, seed: str, sample: str) -> None:
    for library in LIBRARIES:
        importlib.import_module(library)
    method = method_of(name)
    bare = _peak()
    panel, origin = kept.opened(Path(folder)), date.fromisoformat(day)
    eligible = panel.eligible(origin)
    asked = np.arange(len(eligible))
    if 0 < int(sample) < len(eligible):
        asked = np.sort(np.random.default_rng(DRAW).choice(len(eligible), int(sample), replace=False))
    whole = name in PRODUCT or forecasts_all(name)  # what learns from all series forecasts all of them
    rows = eligible if whole else eligible[asked]
    opened = _peak()
    if name not in OWN:
        method(panel, origin, rows[:WARM_SERIES], int(seed))
    cpu, wall = time.process_time(), time.perf_counter()
    prediction = method(panel, origin, rows, int(seed))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = _peak()
    if whole:
        prediction = _part(prediction, asked)
    found = measure(panel, origin, eligible[asked], prediction)
    cost = {"cpu_seconds": cpu, "wall_seconds": wall, "mb": peak, "mb_panel": opened - bare}
    sizes = {"eligible": len(eligible), "measured": len(asked), "stored": kept.stored_skus(Path(folder))}
    sys.stdout.write(json.dumps({"metrics": found, **cost, **sizes}))


def _part(prediction: Prediction, at: np.ndarray) -> Prediction:
    parts = (prediction.mean, prediction.days, prediction.totals, prediction.ties)
    mean, days, totals, ties = (None if part is None else part[at] for part in parts)
    assert mean is not None  # noqa: S101 - every method gives one
    return Prediction(mean, days, totals, ties)


def _peak() -> float:
    """MB that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
