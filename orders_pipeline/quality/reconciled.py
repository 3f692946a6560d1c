"""What comparisons with the platform left different: read from ``ops.reconciliations``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal

from orders_pipeline.clock import SHOP_TZ, shop_day
from orders_pipeline.platforms.base import Window

if TYPE_CHECKING:
    import duckdb

CHECKED_DAYS = 90
"""A difference stays red until a later comparison clears it, as long as the platform lists what it is about: three months."""

# A difference is over when each shop day of its window has been compared again, later, at least as closely: what was found
# by ids is not cleared by counts, which cannot see it. Days behind the platform's wall cannot be compared any more.
_OPEN = """
WITH near AS (FROM ops.reconciliations WHERE checked_at >= $since),
wrong AS (FROM near WHERE missing + extra + stale > healed)
SELECT shop, api, axis, method, window_start, window_end, checked_at, platform_count, local_count, missing, extra, stale,
  (SELECT count(DISTINCT a.checked_at) FROM wrong AS a WHERE a.shop = w.shop AND a.api = w.api AND a.axis = w.axis
     AND a.window_start <= w.window_end AND a.window_end >= w.window_start),
  coalesce(detail, '')
FROM wrong AS w
WHERE EXISTS (
  SELECT 1 FROM (SELECT unnest(generate_series(
      timezone('Asia/Shanghai', w.window_start)::DATE::TIMESTAMP,
      timezone('Asia/Shanghai', w.window_end)::DATE::TIMESTAMP, INTERVAL 1 DAY)) AS midnight) AS d
  WHERE midnight >= $wall AND NOT EXISTS (
    FROM near AS n WHERE n.shop = w.shop AND n.api = w.api AND n.axis = w.axis AND n.checked_at > w.checked_at
      AND (n.method = 'ids' OR w.method = 'count')
      AND n.window_start <= greatest(w.window_start, timezone('Asia/Shanghai', midnight))
      AND n.window_end >= least(w.window_end, timezone('Asia/Shanghai', midnight + INTERVAL 1 DAY) - INTERVAL 1 SECOND)))
ORDER BY window_start, shop, api
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """A window of a shop in which platform and tables disagreed when last compared, and were not healed since."""

    shop: str
    api: str
    axis: Literal["created", "modified"]
    method: Literal["count", "ids"]
    window: Window
    checked_at: datetime
    platform_count: int
    local_count: int
    missing: int
    extra: int
    stale: int
    times_checked: int  # comparisons that found something different within this window
    detail: str  # ids by kind, why they were missed, how they came back

    @property
    def day(self) -> date:
        """The window's first shop day."""
        return shop_day(self.window.start)

    @property
    def one_day(self) -> bool:
        """Orders of one whole day by created: what ``reconcile --day`` compares."""
        return self.axis == "created" and self.method == "ids" and shop_day(self.window.end) == self.day

    def __str__(self) -> str:
        where = f"{self.day}"
        if not self.one_day:
            start, end = (instant.astimezone(SHOP_TZ) for instant in (self.window.start, self.window.end))
            where = f"{self.api.removeprefix('taobao.')} {self.axis} {start:%Y-%m-%d %H:%M:%S} to {end:%m-%d %H:%M:%S}"
        return (
            f"{self.shop} {where}: platform {self.platform_count}, here {self.local_count}; "
            f"{self.missing} missing, {self.extra} extra, {self.stale} stale"
            + (f" ({self.detail})" if self.detail else "")
        )


def differences(con: duckdb.DuckDBPyConnection, today: date) -> list[Difference]:
    """Differences of the last ``CHECKED_DAYS`` days that nothing has cleared, oldest window first."""
    since = datetime.combine(today - timedelta(days=CHECKED_DAYS), time(), SHOP_TZ)
    named = {"since": since, "wall": datetime.combine(today - timedelta(days=CHECKED_DAYS - 1), time())}
    return [
        Difference(
            shop, api, axis, method, Window(start.astimezone(UTC), end.astimezone(UTC)), at.astimezone(UTC), *rest
        )
        for shop, api, axis, method, start, end, at, *rest in con.execute(_OPEN, named).fetchall()
    ]
