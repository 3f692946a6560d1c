"""With which options ``bench all`` runs each benchmark: sizes that the goals are set for, in about 35 minutes on two idle cores,
and small ones for eight minutes. Options alone: what is measured, and which benchmarks there are, stands elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orders_pipeline.bench.everything import Step


@dataclass(frozen=True, slots=True)
class Sizes:
    """The options of each run of a benchmark, of the whole and of the quick version."""

    full: tuple[str, ...]
    quick: tuple[str, ...]


_RULES = "--method ours --method fast --method empirical-56 --method seasonal-naive --method window-average"
_STATISTICAL = (
    "--method seasonal-window-average --method croston-sba --method tsb --method adida --method imapa --method ses"
)
_PEERS = f"{_RULES} {_STATISTICAL} --method ensemble --last 1"

SIZES = {
    "startup": Sizes(("--repeats 2",), ("--repeats 1",)),
    # a minute shows what an idle machine does, two minutes four of ten shops at their closed windows; an hour: docs/latency.md
    "latency": Sizes(
        ("--seconds 60", "--tier linger --seconds 60", "--shops 10 --orders-per-day 1000 --seconds 120"),
        ("--seconds 30 --orders 20000",),
    ),
    "ingest": Sizes(("--against dlt --latency 0 --latency 50 --rounds 2",), ("--orders 10000 --rounds 1",)),
    "upsert": Sizes(("--orders 1000000",), ("--orders 100000 --batch 100 --batch 5000",)),
    "publish": Sizes(("--orders 1000000",), ("--orders 100000 --rounds 3",)),
    # ten million are what the curve is about; once, because building them takes longest of all
    "ticks": Sizes(("--orders 100000 --orders 1000000 --orders 10000000 --rounds 1",), ("--orders 100000 --rounds 1",)),
    "raw": Sizes(("--days 12",), ("--days 2",)),
    "analytics": Sizes(("--lines 10000000",), ("--lines 1000000",)),
    "replenish": Sizes(("--skus 2600 --skus 10000",), ("--skus 2600 --rounds 1",)),
    "forecast": Sizes(
        (
            "--method ours --method fast",
            # beside the peers at one origin: LightGBM alone takes a minute at each; of its set-ups the best of each panel
            f"--panel m5 {_PEERS} --method lightgbm",
            f"--panel online-retail {_PEERS} --method lightgbm-scaled",
            f"--panel complete-journey {_PEERS} --method lightgbm",
            "--panel m5 --panel online-retail --method ours --method auto-ets --sample 100 --last 1",
            "--panel m5 --skus 100000 --last 1",
        ),
        ("--last 1",),
    ),
}
"""Benchmark -> sizes. One that is not named here runs once with the options that it has by default."""


def steps(benchmarks: Iterable[str], *, quick: bool, data_folder: Path) -> list[Step]:
    """What ``bench all`` runs of these benchmarks, in their order. ``data_folder``: where the forecasts' panels are."""
    from orders_pipeline.bench.everything import Step

    found = []
    for name in benchmarks:
        sizes = SIZES.get(name, Sizes(("",), ("",)))
        for options in sizes.quick if quick else sizes.full:
            given = options.split()
            if name == "forecast":
                given += ["--data-folder", str(data_folder)]
            found.append(Step(name, tuple(given)))
    return found
