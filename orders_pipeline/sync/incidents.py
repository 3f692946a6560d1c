"""Incidents that reading a platform opens. A code that nobody knows lands as ``unknown``, stops no sync, and needs a person."""

from __future__ import annotations

from datetime import datetime

import duckdb

_UNKNOWN_CODES = """
INSERT INTO ops.incidents (id, kind, shop, subject, opened_at, detail)
SELECT 'unknown_code:' || $shop || ':' || seen.api || ':' || seen.subject, 'unknown_code', $shop, seen.subject, $at,
  'The platform''s ' || seen.api || ' gave a code that this version does not know: its rows are stored as unknown, with '
  || 'the code beside. Upgrade orders-pipeline, or report the code.'
FROM (SELECT DISTINCT api, field || '=' || left(code, 60) AS subject FROM memory.staged.unknown_codes) AS seen
WHERE NOT EXISTS (
  FROM ops.incidents i WHERE i.kind = 'unknown_code' AND i.shop = $shop AND i.subject = seen.subject AND i.closed_at IS NULL)
"""


def open_for_unknown_codes(con: duckdb.DuckDBPyConnection, shop: str, at: datetime) -> None:
    """One open incident for each unknown code of the staged rows, in the transaction that stores these rows."""
    con.execute(_UNKNOWN_CODES, {"shop": shop, "at": at})
