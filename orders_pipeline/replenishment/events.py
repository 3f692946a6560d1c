"""Sales events that the merchant lists in ``events.yaml``, and the factor that they put on a day.

``events.yaml`` is a list (or has a key ``events`` with one) of: name, start, end, factor, and optionally platform and phase.
``factor: learn`` is accepted; it counts as 1.0 until a year of history is there to learn from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from orders_pipeline.settings import UserError

FACTOR_RANGE = (0.05, 50.0)
"""What a merchant may state: a closed week still sells a little, and the largest day of a year is below fifty ordinary ones."""


@dataclass(frozen=True, slots=True)
class Event:
    """Days ``start`` to ``end``, both included, sell ``factor`` times an ordinary day; None = to be learned."""

    name: str
    start: date
    end: date
    factor: float | None
    platform: str = ""
    phase: str = ""


def day_factor(day: date, events: Sequence[Event]) -> float:
    """The product of the factors of the events that a day lies in; 1.0 on an ordinary day."""
    factor = 1.0
    for event in events:
        if event.factor is not None and event.start <= day <= event.end:
            factor *= event.factor
    return factor


def load_events(file: Path) -> tuple[Event, ...]:
    """The events of a file. Raises UserError naming file, line and key of the first fault."""
    body = file.read_text(encoding="utf-8")
    try:
        root = yaml.compose(body, Loader=yaml.SafeLoader)
        document = yaml.safe_load(body)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{file}:{line}: not valid YAML ({error.problem}): mend this line.") from None
    if isinstance(document, dict):
        document = document.get("events")
        root = next((value for key, value in getattr(root, "value", []) if key.value == "events"), root)
    if document is None:
        return ()
    if not isinstance(document, list):
        raise UserError(f"{file}: must be a list of events, one `- name: …` each.")
    nodes = root.value if isinstance(root, yaml.SequenceNode) else []
    return tuple(
        _event(f"{file}:{node.start_mark.line + 1}", value) for node, value in zip(nodes, document, strict=True)
    )


def _event(place: str, value: Any) -> Event:
    if not isinstance(value, dict):
        raise UserError(f"{place}: an event must have name, start, end and factor.")
    unknown = set(value) - {"name", "start", "end", "factor", "platform", "phase"}
    if unknown:
        raise UserError(
            f"{place}: unknown key {sorted(map(str, unknown))[0]!r}: use name, start, end, factor, platform, phase."
        )
    start, end = (_day(place, key, value.get(key)) for key in ("start", "end"))
    if end < start:
        raise UserError(f"{place}: end {end} lies before start {start}.")
    return Event(
        name=str(value.get("name") or "event"),
        start=start,
        end=end,
        factor=_factor(place, value.get("factor", "learn")),
        platform=str(value.get("platform") or ""),
        phase=str(value.get("phase") or ""),
    )


def _day(place: str, key: str, value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise UserError(f"{place}: {key}: {str(value)[:40]!r} must be a date such as 2026-11-11.")


def _factor(place: str, value: Any) -> float | None:
    if value == "learn":
        return None
    low, high = FACTOR_RANGE
    if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
        return float(value)
    raise UserError(f"{place}: factor: {str(value)[:40]!r} must be a number from {low:g} to {high:g}, or `learn`.")
