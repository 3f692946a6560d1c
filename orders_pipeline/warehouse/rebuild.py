"""The warehouse made again from ``raw/``, beside the old one, which it then replaces. Calls no platform.

What ``raw/`` does not tell (forecasts that were made, decisions on suggestions, incidents, which orders vanished) is carried
over where the old file can still be read.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from orders_pipeline.clock import Clock
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.warehouse.lock import writer_lock
from orders_pipeline.warehouse.open import attach_warehouse, open_memory
from orders_pipeline.warehouse.schema import quoted
from orders_pipeline.warehouse.store import ApplyReport, Warehouse

BATCH_FILES = 40
"""Files a transaction, as in a sync: 40 days of 1,000 orders are staged in about 300 MB."""

FROM_RAW = {"ops.meta", "ops.sync_windows", "ops.quarantine"}
"""Tables of ops that the raw files fill; every other one of ops and planning is carried over."""

_SHARED_COLUMNS = """
SELECT n.schema_name || '.' || n.table_name, string_agg('"' || n.column_name || '"', ', ' ORDER BY n.column_index)
FROM duckdb_columns() n
JOIN duckdb_columns() o USING (schema_name, table_name, column_name)
WHERE n.database_name = 'warehouse' AND o.database_name = 'old' AND n.schema_name IN ('planning', 'ops')
GROUP BY 1
"""

_VANISHED = """
UPDATE core.orders AS n SET vanished_at = o.vanished_at FROM old.core.orders o
WHERE o.vanished_at IS NOT NULL AND n.platform = o.platform AND n.shop = o.shop AND n.order_id = o.order_id
"""


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What was rebuilt. ``carried_over`` False: there was no old file, or it could not be read. ``kept``: the old file."""

    files: int
    applied: ApplyReport
    carried_over: bool
    kept: Path | None


def rebuild(
    folder: DataFolder, clock: Clock, holder: str, progress: Callable[[str, int, int | None], None]
) -> RebuildReport:
    """Rebuild and publish. Raises UserError where there is nothing to build from, or another rebuild runs; the old
    warehouse then stays as it was."""
    files = list(_raw_files(folder))
    if not files:
        raise UserError(f"Nothing to rebuild from: {folder.raw} holds no raw pages; run `orders-pipeline backfill`.")
    try:
        with FileLock(folder.locks / "rebuild.lock", timeout=0):
            return _rebuild(folder, clock, holder, files, progress)
    except Timeout:
        raise UserError(f"Another rebuild of {folder.root} is running: wait for it.") from None


def _rebuild(
    folder: DataFolder, clock: Clock, holder: str, files: list[Path], progress: Callable[[str, int, int | None], None]
) -> RebuildReport:
    aside = DataFolder(folder.root / "rebuild")
    shutil.rmtree(aside.root, ignore_errors=True)  # of a rebuild that was killed
    try:
        fresh = Warehouse(aside, clock)
        fresh.prepare()
        applied = ApplyReport()
        for first in range(0, len(files), BATCH_FILES):
            applied += fresh.apply(files[first : first + BATCH_FILES], holder=holder)
            progress("raw pages to tables", min(first + BATCH_FILES, len(files)), len(files))
        with writer_lock(folder.locks / "warehouse.lock", holder, clock):
            late = sorted(set(_raw_files(folder)) - set(files))  # landed while we were at it
            if late:
                applied += fresh.apply(late, holder=holder)
            carried_over = _carry_over(folder.warehouse, aside)
            kept = _swap(folder.warehouse, aside.warehouse)
    finally:
        shutil.rmtree(aside.root, ignore_errors=True)
    Warehouse(folder, clock).prepare()
    return RebuildReport(len(files) + len(late), applied, carried_over, kept)


def _raw_files(folder: DataFolder) -> Iterator[Path]:
    """Landed windows of every table that is mapped, in a stable order."""
    for table in ("trade_pages", "refund_pages", "item_pages", "shipment_pages", "trace_pages"):
        yield from sorted((folder.raw / table).glob("shop=*/*/[!.]*.parquet"))


def _carry_over(old: Path, aside: DataFolder) -> bool:
    """Copy what raw does not tell from the old file; False where there is none or it cannot be read."""
    if not old.exists():
        return False
    con = open_memory(aside.root / "spill")
    try:
        attach_warehouse(con, aside.warehouse)
        try:
            con.execute(f"ATTACH {quoted(old)} AS old (TYPE duckdb, READ_ONLY)")
        except duckdb.Error:
            return False
        con.execute("BEGIN")
        for table, columns in con.execute(_SHARED_COLUMNS).fetchall():
            if table not in FROM_RAW:
                con.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM old.{table}")
        con.execute(_VANISHED)
        con.execute("COMMIT")
        return True
    finally:
        con.close()


def _swap(old: Path, fresh: Path) -> Path | None:
    """Put the fresh file in the old one's place; the old one stays beside it, one generation long."""
    kept = None
    if old.exists():
        kept = old.with_name(f"{old.stem}.before-rebuild.duckdb")
        log = old.with_name(f"{old.name}.wal")
        if log.exists():  # of a writer that was killed: it belongs to the old file, never to the fresh one
            log.rename(kept.with_name(f"{kept.name}.wal"))
        old.rename(kept)
    fresh.rename(old)
    return kept
