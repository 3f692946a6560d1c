"""Staged rows -> core, ops: the SQL of one transaction and the order in which it runs.

Every script is idempotent and gives the same tables whatever the order in which versions arrive. No locking here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from importlib import resources

import duckdb

_SCRIPTS = {
    "orders.sql": {"orders"},
    "refunds.sql": {"refunds"},
    "early_refunds.sql": {"orders", "refunds"},
    "shipments.sql": {"shipments"},
    "traces.sql": {"traces"},
    "parcels.sql": {"orders", "shipments", "traces"},
    "items.sql": {"skus"},
}
"""Which scripts run for which staged tables, in this order: some derive from what those before them wrote."""

_REJECTED = (
    "SELECT 1 FROM (SELECT reason FROM memory.staged.rejected UNION ALL SELECT reason FROM late_rejected) LIMIT 1"
)

_TARGET = re.compile(r"^INSERT INTO ((?:core|ops)\.\w+)", re.MULTILINE)


class BrokenRuleError(RuntimeError):
    """A rule that every commit keeps was about to be broken; the transaction is rolled back. A fault of the program."""


def upsert(
    con: duckdb.DuckDBPyConnection, filled: Collection[str], now: datetime, *, with_ledger: bool
) -> dict[str, int]:
    """Write what is staged in the catalog ``memory`` of ``con`` inside the caller's transaction.

    Returns rows written per table. Raises BrokenRuleError before anything could be committed.
    """
    written: Counter[str] = Counter()
    _run(con, "begin.sql", written)
    # a literal: the first bound value makes duckdb import pandas, which costs a run 0.3 s
    con.execute(f"INSERT INTO moment VALUES (TIMESTAMPTZ '{now.isoformat()}')")
    for script, sources in _SCRIPTS.items():
        if sources & set(filled):
            _run(con, script, written)
    _run(con, "stalled.sql", written)
    if con.execute(_REJECTED).fetchone():
        _run(con, "quarantine.sql", written)
    if with_ledger:
        _run(con, "ledger.sql", written)
    _check(con)
    return {table: rows for table, rows in written.items() if rows}


def _check(con: duckdb.DuckDBPyConnection) -> None:
    broken = [rule for (rule,) in con.execute(_text("checks.sql")).fetchall()]
    if broken:
        raise BrokenRuleError(f"Nothing was written, a rule would have been broken: {'; '.join(broken)}.")


def _run(con: duckdb.DuckDBPyConnection, script: str, written: Counter[str]) -> None:
    for statement in con.extract_statements(_text(script)):
        target = _TARGET.search(statement.query)
        result = con.execute(statement).fetchone()
        if target and result:
            written[target[1]] += result[0]


@lru_cache
def _text(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
