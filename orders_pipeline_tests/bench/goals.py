"""Whether the goals of the benchmarks find their figures in what a benchmark has written at a size that a test can afford."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from orders_pipeline.bench.goals_speed import SPEED
from orders_pipeline.bench.report import Report, Table


def unfound(
    benchmark: str, file: Path, sizes: Sequence[tuple[Any, ...]] = (), title: tuple[str, str] = ("", "")
) -> set[str]:
    """Goals of that benchmark that find nothing in the report.

    ``sizes``: first cells of rows as they would be at the goals' sizes; the report's first row stands for each of them.
    ``title``: what of the tables' titles is replaced by what, for the same reason.
    """
    report = Report.loaded(file)
    tables = [
        Table(
            table.title.replace(*title),
            table.columns,
            [[*first, *table.rows[0][len(first) :]] for first in sizes] if sizes else table.rows,
        )
        for table in report.tables
    ]
    goals = [goal for goal in SPEED if goal.benchmark == benchmark]
    return {goal.what for goal in goals if goal.look([replace(report, tables=tables)]) is None}
