"""What a comparison tells people: what was lost, why it is thought to have been missed, how it came back, what it cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Kind = Literal["missing", "stale", "extra"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that differed: what was lost, why it is thought to have been missed, how it came back ('' = it has not)."""

    kind: Kind
    what: Literal["order", "refund"]
    row_id: str
    why: str
    came_back: str

    def __str__(self) -> str:
        return f"{self.kind} {self.what} {self.row_id}: {self.why}; {self.came_back or 'not healed'}"


@dataclass(frozen=True, slots=True)
class Calls:
    """What a night cost, by what the calls were for."""

    catching_up: int = 0  # the tail, and windows that had not been read yet
    counting: int = 0
    bisecting: int = 0  # the count that confirms a difference, and halvings
    refetching: int = 0
    sampling: int = 0

    @property
    def total(self) -> int:
        return self.catching_up + self.counting + self.bisecting + self.refetching + self.sampling


@dataclass(frozen=True, slots=True)
class ReconciliationReport:
    """One shop against the platform. ``missing``, ``extra`` and ``stale`` are ids that still differ; empty = both agree.

    ``platform_count`` and ``local_count`` are orders by created; ``short`` are rows counted and never shown.
    """

    shop: str
    day: date
    platform_count: int = 0
    local_count: int = 0
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    short: int = 0
    excused: int = 0
    refetched: int = 0
    healed: int = 0
    windows: int = 1
    findings: tuple[Finding, ...] = ()
    calls: Calls = field(default_factory=Calls)

    @property
    def differs(self) -> bool:
        """Whether anything is still different."""
        return bool(self.missing or self.extra or self.stale or self.short)
