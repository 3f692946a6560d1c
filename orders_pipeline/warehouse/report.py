"""What an apply tells its caller. Numbers only: no row contents."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orders_pipeline.warehouse.stage import StageFacts


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What an apply did. Reports of several applies add up."""

    rows: dict[str, int] = field(default_factory=dict)  # rows written per table
    quarantined: int = 0
    unknown: dict[str, dict[str, int]] = field(default_factory=dict)  # api -> "field=code" -> rows
    max_modified: datetime | None = None  # newest change that orders or refunds show
    windows: int = 0  # ledger rows that are new

    @classmethod
    def of(cls, rows: dict[str, int], facts: StageFacts) -> ApplyReport:
        return cls(
            rows, rows.get("ops.quarantine", 0), facts.unknown, facts.max_modified, rows.get("ops.sync_windows", 0)
        )

    def __add__(self, other: ApplyReport) -> ApplyReport:
        unknown = {
            api: dict(Counter(self.unknown.get(api, {})) + Counter(other.unknown.get(api, {})))
            for api in {**self.unknown, **other.unknown}
        }
        return ApplyReport(
            rows=dict(Counter(self.rows) + Counter(other.rows)),
            quarantined=self.quarantined + other.quarantined,
            unknown=unknown,
            max_modified=max((at for at in (self.max_modified, other.max_modified) if at), default=None),
            windows=self.windows + other.windows,
        )
