"""Answers that are right in form and odd in size or speed: empty or short where rows usually come, slow where calls are quick.

Compared with the same hour of the two weeks before: a shop has its nights. Numbers of the ledger and the call log only.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

DAYS = 14
"""Two of each weekday: enough for a median, little enough to follow a season."""

LEAST_DAYS = 5
"""With fewer days to compare there is no usual."""

LEAST_ROWS = 30
"""Changes in a usual hour below which nothing is said: of 30 expected, by chance fewer than 6 come once in 10 million hours."""

SHORT = 5
"""A fifth of the usual."""

LEAST_CALLS = 20
"""Calls in the hour below which its median says nothing."""

SLOW = 5
"""Times the usual median; together with a second at least, for a gateway on the same machine answers in a few milliseconds."""

_SHORT = """
WITH hour AS (
  SELECT api, floor(epoch($until::TIMESTAMPTZ - window_end) / 86400)::INTEGER AS day, sum(rows) AS rows
  FROM ops.sync_windows
  WHERE shop = $shop AND channel = 'incremental' AND window_end <= $until AND window_end > $until - to_days($days + 1)
    AND epoch($until::TIMESTAMPTZ - window_end)::BIGINT % 86400 < 3600
  GROUP BY ALL)
SELECT api, sum(rows) FILTER (day = 0)::BIGINT AS now, median(rows) FILTER (day > 0) AS usual
FROM hour GROUP BY api
HAVING count(*) FILTER (day > 0) >= $least_days AND usual >= $least_rows AND now * $short < usual ORDER BY api
"""

_SLOW = """
WITH call AS (
  SELECT api, latency_ms, floor(epoch($until::TIMESTAMPTZ - "at") / 86400)::INTEGER AS day FROM ops.api_calls
  WHERE shop = $shop AND outcome = 'ok' AND "at" <= $until AND "at" > $until - to_days($days + 1)
    AND epoch($until::TIMESTAMPTZ - "at")::BIGINT % 86400 < 3600)
SELECT api, median(latency_ms) FILTER (day = 0) AS now, median(latency_ms) FILTER (day > 0) AS usual
FROM call GROUP BY api
HAVING count(*) FILTER (day = 0) >= $least_calls AND count(DISTINCT day) FILTER (day > 0) >= $least_days
  AND now > $slow * usual AND now > 1000 ORDER BY api
"""


def unusual(con: duckdb.DuckDBPyConnection, shop: str, covered_until: datetime | None, now: datetime) -> list[str]:
    """One line for each list of the shop that is odd: rows in the last complete hour, latency in the hour before ``now``.

    A list of which nothing has been read in that hour is late, not odd: that is freshness' business.
    """
    both = {"shop": shop, "days": DAYS, "least_days": LEAST_DAYS}
    found = []
    if covered_until is not None and now - covered_until < timedelta(days=1):
        rows = con.execute(
            _SHORT, {**both, "until": covered_until, "least_rows": LEAST_ROWS, "short": SHORT}
        ).fetchall()
        found += [f"{api}: {seen} rows in the last hour, usually {usual:.0f}" for api, seen, usual in rows]
    calls = con.execute(_SLOW, {**both, "until": now, "least_calls": LEAST_CALLS, "slow": SLOW}).fetchall()
    return found + [f"{api}: {ms:.0f} ms a call, usually {usual:.0f}" for api, ms, usual in calls]
