"""Results of the forecast benchmark as tables for people and facts for programs. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from orders_pipeline.bench.forecast.run import Result
from orders_pipeline.bench.report import Report, Table

METRICS = {
    "wrmsse": "WRMSSE",
    "wape": "WAPE",
    "wape7": "WAPE7",
    "bias": "bias",
    "wspl": "WSPL",
    "wql": "WQL",
    "t_wql": "T_WQL",
    "pit_q90": "days ≤ q90 (PIT)",
    "pit_q95": "days ≤ q95 (PIT)",
    "day_q90": "days ≤ q90",
    "day_q95": "days ≤ q95",
    "total_q90": "weeks ≤ q90",
    "total_q95": "weeks ≤ q95",
}
"""Metric -> heading; the formulas are in ``metrics.py``."""

COSTS = ("CPU s", "× LightGBM's", "wall s", "MB", "MB of it the panel")

NOTES = (
    "CPU and wall seconds are of one origin, from tables to forecasts, libraries imported before; each forecast is made in a "
    "process of its own, methods in turns at each origin.",
    "MB: what that process held at most, and what opening the panel had added to it before.",
    "± is the range over seeds.",
)


def report(results: Sequence[Result], which: str, name: str = "forecast") -> Report:
    """A table a panel. ``which``: the name of the set of origins."""
    panels = dict.fromkeys(result.panel for result in results)
    tables = [_table([result for result in results if result.panel == panel], which) for panel in panels]
    return Report(name, tables, {"origins": which, "results": [asdict(result) for result in results]}, NOTES)


def _table(results: Sequence[Result], which: str) -> Table:
    first = results[0]
    size = f"{first.eligible:,} eligible of {first.stored:,} SKUs at the last of {len(first.origins)} {which} origins"
    if first.measured < first.eligible:
        size = f"a sample of {first.measured:,} of the {size}"
    return Table(f"{first.panel}: {size}", ["method", *METRICS.values(), *COSTS], [_row(result) for result in results])


def _row(result: Result) -> list[Any]:
    metrics = [_metric(result, key) for key in METRICS]
    costs, memory = result.costs, result.memory
    against = None if result.against_lightgbm is None else round(result.against_lightgbm, 4)
    return [
        result.method,
        *metrics,
        costs["cpu_seconds"],
        against,
        costs["wall_seconds"],
        round(memory["mb"]),
        round(memory["mb_panel"]),
    ]


def _metric(result: Result, key: str) -> str | None:
    """Four digits, as the differences that matter are in the third and fourth."""
    if key not in result.metrics:
        return None
    text = f"{result.metrics[key]:.4f}"
    return f"{text} ±{result.spread[key]:.4f}" if key in result.spread else text
