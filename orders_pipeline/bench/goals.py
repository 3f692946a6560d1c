"""What a figure is held to, and the one table that says which figures hold. The goals themselves: ``goals_speed``,
``goals_forecast``.

A figure is judged at the size for which its goal was set: a run at another size leaves it unmeasured. Figures are looked up by
the names of tables and columns, which tests hold to what the benchmarks write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from orders_pipeline.bench.find import Look, Tell
from orders_pipeline.bench.report import Report, Table


@dataclass(frozen=True, slots=True)
class Limit:
    """What a figure has to be: the words for it, and whether a figure is so."""

    text: str
    holds: Callable[[float], bool]


def at_most(limit: float) -> Limit:
    return Limit(f"≤ {_text(limit)}", lambda value: value <= limit)


def at_least(limit: float) -> Limit:
    return Limit(f"≥ {_text(limit)}", lambda value: value >= limit)


def below(limit: float) -> Limit:
    return Limit(f"< {_text(limit)}", lambda value: value < limit)


def within(middle: float, distance: float) -> Limit:
    return Limit(f"{middle:g} ± {distance:g}", lambda value: abs(value - middle) <= distance)


def _text(limit: float) -> str:
    return f"{limit:,.0f}" if limit >= 1000 else f"{limit:.3g}"


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the summary.

    ``benchmark``: whose figure it is. ``limit``: None where no number was asked for. ``beside``: what others have, as text.
    ``fine``: four digits, where what matters is in the third and fourth.
    """

    benchmark: str
    what: str
    look: Look
    limit: Limit | None = None
    beside: Tell = lambda _: ""
    fine: bool = False


def summary(goals: Sequence[Goal], reports: Sequence[Report]) -> Table:
    """A line for each goal: what, goal, measured, whether it holds, and what others have."""
    rows: list[list[Any]] = []
    for goal in goals:
        found = goal.look(reports)
        shown = f"{found:.4f}" if found is not None and goal.fine else found
        wanted = goal.limit.text if goal.limit else None
        rows.append([goal.benchmark, goal.what, wanted, shown, verdict(goal.limit, found), goal.beside(reports)])
    return Table("Summary", ["benchmark", "what", "goal", "measured", "", "beside ours"], rows)


def verdict(limit: Limit | None, found: float | None) -> str:
    """held, missed or not measured; empty where no number was asked for."""
    if found is None:
        return "not measured"
    if limit is None:
        return ""
    return "held" if limit.holds(found) else "missed"
