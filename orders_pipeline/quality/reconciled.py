"""What the last comparison with the platform left different: read from ``ops.reconciliations``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from orders_pipeline.clock import SHOP_TZ, shop_day

if TYPE_CHECKING:
    import duckdb

CHECKED_DAYS = 14
"""How far back is looked: two weeks hold the longest holiday in which nobody looks."""

_NEWEST = """
SELECT shop, window_start, max(checked_at), sum(platform_count), sum(local_count), sum(missing), sum(extra),
       sum(stale), (SELECT count(DISTINCT a.checked_at) FROM ops.reconciliations a
                    WHERE a.shop = r.shop AND a.axis = r.axis AND a.window_start = r.window_start),
       string_agg(detail, '; ' ORDER BY window_start)
FROM ops.reconciliations r
WHERE axis = 'created' AND window_start >= $since AND missing + extra + stale > healed
  AND checked_at = (SELECT max(checked_at) FROM ops.reconciliations n
                    WHERE n.shop = r.shop AND n.api = r.api AND n.axis = r.axis AND n.window_start = r.window_start)
GROUP BY shop, axis, window_start ORDER BY window_start, shop
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A day of a shop on which platform and tables disagreed when last compared, and were not healed since."""

    shop: str
    day: date
    checked_at: datetime
    platform_count: int
    local_count: int
    missing: int
    extra: int
    stale: int
    times_checked: int
    detail: str  # the ids that differ, by kind

    def __str__(self) -> str:
        return (
            f"{self.shop} {self.day}: platform {self.platform_count}, here {self.local_count}; "
            f"{self.missing} missing, {self.extra} extra, {self.stale} stale"
            + (f" ({self.detail})" if self.detail else "")
        )


def differences(con: duckdb.DuckDBPyConnection, today: date) -> list[Difference]:
    """Unhealed differences of the last ``CHECKED_DAYS`` days, oldest first."""
    since = datetime.combine(today - timedelta(days=CHECKED_DAYS), time(), SHOP_TZ)
    found = []
    for shop, start, checked, theirs, ours, missing, extra, stale, times, detail in con.execute(
        _NEWEST, {"since": since}
    ).fetchall():
        found.append(
            Difference(
                shop=shop,
                day=shop_day(start),
                checked_at=checked.astimezone(UTC),
                platform_count=int(theirs),
                local_count=int(ours),
                missing=int(missing),
                extra=int(extra),
                stale=int(stale),
                times_checked=int(times),
                detail=detail or "",
            )
        )
    return found
