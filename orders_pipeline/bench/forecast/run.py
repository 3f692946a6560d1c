"""Runs methods over a panel's origins, each forecast in a process of its own, and says how accurate and how costly each was.

Methods take turns at each origin, so that their costs are those of the same minutes and ratios mean something.
"""

from __future__ import annotations

import importlib.util
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from orders_pipeline.bench import child
from orders_pipeline.bench.forecast.methods import OWN, PRODUCT
from orders_pipeline.bench.forecast.panels import files_folder
from orders_pipeline.bench.forecast.peers import ENSEMBLES, LIGHTGBM, library_of
from orders_pipeline.settings import UserError

COSTS = ("cpu_seconds", "wall_seconds")
MEMORY = ("mb", "mb_panel")


@dataclass(frozen=True, slots=True)
class Result:
    """One method on one panel.

    ``metrics`` and ``costs`` (seconds of one origin) are means over origins and seeds, ``spread`` the range of the seeds'
    means where there are several; ``memory`` in MB is the most of any forecast: of its process, and the panel's share of it.
    ``against_lightgbm``: CPU as a multiple of LightGBM's on the same origins, where that ran. ``eligible`` SKUs of which
    ``measured`` were forecast and compared, at the last origin; ``stored``: SKUs in the tables.
    """

    panel: str
    method: str
    origins: tuple[str, ...]
    eligible: int
    measured: int
    stored: int
    seeds: tuple[int, ...]
    metrics: dict[str, float]
    spread: dict[str, float]
    costs: dict[str, float]
    memory: dict[str, float]
    against_lightgbm: float | None


@dataclass(frozen=True, slots=True)
class _One:
    method: str
    seed: int
    sizes: dict[str, int]
    metrics: dict[str, float]
    costs: dict[str, float]
    memory: dict[str, float]


def check_libraries(methods: Sequence[str]) -> None:
    """Raises UserError where a peer's library is not installed."""
    for name in methods:
        for member in ENSEMBLES.get(name, (name,)):
            library = library_of(member)
            if member not in OWN and importlib.util.find_spec(library) is None:
                raise UserError(f"Method {name} needs {library}: pip install 'orders-pipeline[bench]'.")


@contextmanager
def kept_panel(panel: str, data_folder: Path, skus: int = 0, seed: int = 0) -> Iterator[Path]:
    """A folder that holds the panel, built in a process of its own, while the block runs. ``skus``, ``seed``: see ``kept.keep``.

    Raises UserError where the panel's files are not there.
    """
    files_folder(panel, data_folder)
    with tempfile.TemporaryDirectory(prefix="orders-bench-") as root:
        arguments = [panel, str(data_folder.resolve()), root, str(skus), str(seed)]
        child.run(["-m", "orders_pipeline.bench.forecast.kept", *arguments], Path(root))
        yield Path(root)


def run(
    panel: str,
    folder: Path,
    origins: Sequence[date],
    methods: Sequence[str],
    seeds: Sequence[int],
    sample: int,
    tell: Callable[[str], None],
) -> list[Result]:
    """Measure each method on the panel kept in ``folder``. ``sample``: so many SKUs of each origin, 0 for all."""
    ones: list[_One] = []
    for origin in origins:
        for name in methods:
            for seed in seeds if name in PRODUCT else seeds[:1]:  # only ours draws: the others are given one seed
                ones.append(_measure(folder, origin, name, seed, sample))
                tell(f"{panel} {name} seed {seed} {origin}: {_line(ones[-1])}")
    days = tuple(origin.isoformat() for origin in origins)
    yardstick = next((name for name in methods if name in LIGHTGBM), None)
    return [_result(panel, name, days, ones, yardstick) for name in methods]


def _measure(folder: Path, origin: date, name: str, seed: int, sample: int) -> _One:
    arguments = [str(folder), origin.isoformat(), name, str(seed), str(sample)]
    found = json.loads(
        child.run(["-m", "orders_pipeline.bench.forecast.one", *arguments], folder).output.splitlines()[-1]
    )
    sizes = {key: found[key] for key in ("eligible", "measured", "stored")}
    costs, memory = ({key: found[key] for key in keys} for keys in (COSTS, MEMORY))
    return _One(name, seed, sizes, found["metrics"], costs, memory)


def _result(panel: str, name: str, days: tuple[str, ...], ones: Sequence[_One], yardstick: str | None) -> Result:
    mine = [one for one in ones if one.method == name]
    seeds = tuple(dict.fromkeys(one.seed for one in mine))
    by_seed = [_mean([one.metrics for one in mine if one.seed == seed]) for seed in seeds]
    costs = _mean([one.costs for one in mine])
    against = None
    if yardstick is not None:
        theirs = _mean([one.costs for one in ones if one.method == yardstick])
        against = costs["cpu_seconds"] / theirs["cpu_seconds"]
    return Result(
        panel,
        name,
        days,
        mine[-1].sizes["eligible"],
        mine[-1].sizes["measured"],
        mine[-1].sizes["stored"],
        seeds,
        _mean(by_seed),
        {key: float(np.ptp([one[key] for one in by_seed])) for key in by_seed[0] if len(by_seed) > 1},
        costs,
        {key: max(one.memory[key] for one in mine) for key in MEMORY},
        against,
    )


def _mean(values: Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([one[key] for one in values])) for key in values[0]}


def _line(one: _One) -> str:
    accuracy = [f"{key} {one.metrics[key]:.4f}" for key in ("wrmsse", "wape7", "wspl", "t_wql") if key in one.metrics]
    return " ".join([*accuracy, f"{one.costs['cpu_seconds']:.2f} CPU s", f"{one.memory['mb']:.0f} MB"])
