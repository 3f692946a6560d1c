"""Finds figures in the reports of benchmarks: cells of their tables, results of the forecast benchmark. Judges nothing.

What is not there is None: a step may have failed, or have been run at another size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from orders_pipeline.bench.report import Report, Table

Look = Callable[[Sequence[Report]], float | None]
Tell = Callable[[Sequence[Report]], str]
Key = str | int | tuple[str | int, ...] | None

FORECAST, OURS, ORIGINS = "forecast", ("ours", "fast"), 8
LEARNED = "lightgbm"
"""In the name of a peer that is a global model; the others look at one series each."""


def cell(name: str, title: str, row: Key, column: str) -> Look:
    """The figure of a report, in a table whose title begins so. ``row``: its first cell or cells, None: the first row."""
    return lambda reports: next(
        (_number(table, found, column) for table in _tables(reports, name, title) for found in _rows(table, row)), None
    )


def over(upper: Look, lower: Look) -> Look:
    """One figure divided by another."""

    def look(reports: Sequence[Report]) -> float | None:
        a, b = upper(reports), lower(reports)
        return a / b if a is not None and b else None

    return look


def plus(first: Look, second: Look) -> Look:
    """The sum of two figures."""

    def look(reports: Sequence[Report]) -> float | None:
        a, b = first(reports), second(reports)
        return a + b if a is not None and b is not None else None

    return look


def beside(name: str, title: str, row: Key, column: str) -> Tell:
    """What the other rows of the same table have in that column, as multiples of that row's figure."""

    def tell(reports: Sequence[Report]) -> str:
        ours = cell(name, title, row, column)(reports)
        table = next(_tables(reports, name, title), None)
        if table is None or not ours:
            return ""
        others = [(other[0], _number(table, other, column)) for other in table.rows if other not in _rows(table, row)]
        return "; ".join(f"{label}: {value / ours:.2f} ×" for label, value in others if value is not None)

    return tell


def result(panel: str, method: str, *path: str) -> Look:
    """A value of the first result of that method on all eligible SKUs of a panel, e.g. ``"memory", "mb"``."""

    def look(reports: Sequence[Report]) -> float | None:
        for one in _results(reports, panel):
            value: Any = one if one["method"] == method else None
            for key in path:
                value = value and value.get(key)
            if value is not None:
                return float(value)
        return None

    return look


def scored(panel: str, method: str, metric: str) -> Look:
    """A metric over all eight evaluation origins."""
    return lambda reports: next(
        (
            one["metrics"].get(metric)
            for one in _results(reports, panel)
            if one["method"] == method and len(one["origins"]) == ORIGINS
        ),
        None,
    )


def beside_best(panel: str, method: str, metric: str, *, statistical: bool) -> tuple[Look, Tell]:
    """A method's metric as a multiple of the best peer's in the same run, and which peer that is.

    ``statistical``: peers that look at one series at a time alone, and their means.
    """

    def best(reports: Sequence[Report]) -> tuple[float, str] | None:
        for report in reports:
            results = list(_results([report], panel))
            ours = next((one["metrics"][metric] for one in results if one["method"] == method), None)
            peers = {
                one["method"]: one["metrics"][metric]
                for one in results
                if one["method"] not in OURS
                and metric in one["metrics"]
                and not (statistical and LEARNED in one["method"])
            }
            if ours is not None and peers:
                name = min(peers, key=lambda peer: peers[peer])
                return ours / peers[name], f"{name} {peers[name]:.4f}, {len(results[0]['origins'])} origin(s)"
        return None

    return (lambda reports: (best(reports) or (None, ""))[0]), (lambda reports: (best(reports) or (None, ""))[1])


def _tables(reports: Sequence[Report], name: str, title: str) -> Iterator[Table]:
    return (
        table for report in reports if report.name == name for table in report.tables if table.title.startswith(title)
    )


def _rows(table: Table, row: Key) -> list[Sequence[Any]]:
    if row is None:
        return list(table.rows[:1])
    wanted = row if isinstance(row, tuple) else (row,)
    return [found for found in table.rows if tuple(found[: len(wanted)]) == wanted]


def _number(table: Table, row: Sequence[Any], column: str) -> float | None:
    value = row[list(table.columns).index(column)] if column in table.columns else None
    return float(value) if isinstance(value, int | float) else None


def _results(reports: Sequence[Report], panel: str) -> Iterator[dict[str, Any]]:
    """Results on all eligible SKUs of that panel's evaluation origins."""
    for report in reports:
        if report.name == FORECAST and report.facts.get("origins") == "evaluation":
            yield from (
                one for one in report.facts["results"] if one["panel"] == panel and one["measured"] == one["eligible"]
            )
