"""What platforms send that they did not use to: noted at each answer in ``ops.sqlite``, told in ``ops.schema_drift``.

Names and JSON types only, never values. What is usual is the platform's folder's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import duckdb

from orders_pipeline.sync.ops import Ops

FORGOTTEN_AFTER = timedelta(days=7)
"""A field that no answer has shown for a week was a trial of the platform's, or an upgrade knows it: its incident closes."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS schema_drift (
  shop TEXT, api TEXT, field TEXT, change TEXT, first_seen TEXT NOT NULL, last_seen TEXT NOT NULL,
  PRIMARY KEY (shop, api, field, change))
"""

_COPY = """
INSERT INTO ops.schema_drift
SELECT $shop, unnest($api), unnest($field), unnest($change), unnest($first::VARCHAR[])::TIMESTAMPTZ,
  unnest($last::VARCHAR[])::TIMESTAMPTZ
"""

_OPEN = """
INSERT INTO ops.incidents (id, kind, shop, subject, opened_at, detail)
SELECT 'schema_drift:' || shop || ':' || api || ':' || field || ':' || epoch_ms($at::TIMESTAMPTZ), 'schema_drift', shop,
  api || ' ' || field, $at, string_agg(change, '; ') || '. Its values are not stored, the rest of its rows is. Upgrade '
  || 'orders-pipeline, or report the field.'
FROM ops.schema_drift AS d WHERE shop = $shop AND last_seen >= $limit AND NOT EXISTS (
  FROM ops.incidents AS i WHERE i.kind = 'schema_drift' AND i.shop = d.shop AND i.subject = d.api || ' ' || d.field
    AND (i.closed_at IS NULL OR i.closed_at >= d.last_seen))
GROUP BY shop, api, field
"""

_CLOSE = """
UPDATE ops.incidents AS i SET closed_at = $at WHERE kind = 'schema_drift' AND shop = $shop AND closed_at IS NULL AND NOT EXISTS (
  FROM ops.schema_drift AS d WHERE d.shop = i.shop AND i.subject = d.api || ' ' || d.field AND d.last_seen >= $limit)
"""


class DriftLog:
    """Notes of one process; each change is written once, however many answers show it."""

    def __init__(self, ops: Ops, shop: str) -> None:
        self._ops = ops
        self._shop = shop
        self._noted: set[tuple[str, str, str]] = set()

    def note(self, api: str, drift: Mapping[str, str], at: datetime) -> None:
        """``drift``: path of a field -> what is new about it."""
        fresh = {(api, field, change) for field, change in drift.items()} - self._noted
        if fresh:
            with self._ops.transaction() as con:
                con.execute(_SCHEMA)
                con.executemany(
                    "INSERT INTO schema_drift VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET last_seen = excluded.last_seen",
                    [(self._shop, *one, _text(at), _text(at)) for one in sorted(fresh)],
                )
            self._noted |= fresh


def export_drift(ops: Ops, con: duckdb.DuckDBPyConnection, shop: str, at: datetime) -> None:
    """Copy the shop's notes into the warehouse and keep one incident open for each field, in the caller's transaction."""
    if not ops.select("SELECT 1 FROM sqlite_master WHERE name = 'schema_drift'"):
        return
    rows = ops.select("SELECT api, field, change, first_seen, last_seen FROM schema_drift WHERE shop = ?", [shop])
    if not rows:
        return
    con.execute("DELETE FROM ops.schema_drift WHERE shop = ?", [shop])
    api, field, change, first, last = ([row[number] for row in rows] for number in range(5))
    con.execute(_COPY, {"shop": shop, "api": api, "field": field, "change": change, "first": first, "last": last})
    limit = at - FORGOTTEN_AFTER
    con.execute(_OPEN, {"shop": shop, "at": at, "limit": limit})
    con.execute(_CLOSE, {"shop": shop, "at": at, "limit": limit})


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
