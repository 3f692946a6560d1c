"""Takes data about single orders out of a data folder once it is old: tables, raw pages, published copies.

The daily sums stay (``planning.daily_sku_sales``), and so does what is about no order: products, stock, forecasts. What is left
of ``raw/`` still gives the warehouse that is left; the sums that it can no longer give lie beside it. An order's age counts
from its last change. Killed anywhere, a second purge finishes.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from importlib import resources
from pathlib import Path

import duckdb

from orders_pipeline.clock import SHOP_TZ, Clock
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.warehouse.compact import finish
from orders_pipeline.warehouse.lock import writer_lock
from orders_pipeline.warehouse.open import open_memory
from orders_pipeline.warehouse.publish import SUPERSEDED_SECONDS, Publisher
from orders_pipeline.warehouse.purge_raw import RawFile, affected, rewrite
from orders_pipeline.warehouse.schema import columns, quoted, tables
from orders_pipeline.warehouse.session import log_of, session
from orders_pipeline.warehouse.stage import MAPPING_OF_PLATFORM

LEAST_DAYS = 100
"""The platform lists orders for three months: what is purged sooner the next reconciliation would bring back."""

DEFAULT_DAYS = 180
"""Half a year: past the return and warranty disputes of an order, short of keeping people's purchases for ever."""

_KEYS = {
    "core.order_lines": ("platform", "shop", "line_id"),
    "core.line_parts": ("platform", "shop", "line_id", "part_no"),
    "core.refunds": ("platform", "shop", "refund_id"),
    "core.parcel_lines": ("platform", "shop", "order_id", "tracking_number", "line_id"),
    "core.parcels": ("platform", "shop", "order_id", "tracking_number"),
    "core.traces": ("platform", "shop", "order_id", "tracking_number"),
    "core.shipments": ("platform", "shop", "order_id", "tracking_number"),
    "core.orders": ("platform", "shop", "order_id"),
}
"""Tables that hold rows about single orders, and their keys. The order is that of deletion: orders last."""

_ALSO_OLD = {
    "ops.quarantine": "window_end < $cutoff::TIMESTAMPTZ",
    "ops.incidents": "closed_at < $cutoff::TIMESTAMPTZ",  # they name orders and parcels
}

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """What goes, or in a dry run would go."""

    kept_from: date  # the first day that is kept
    rows: dict[str, int]  # table -> rows
    files_removed: int
    files_rewritten: int


def cutoff_of(kept_from: date) -> datetime:
    """The instant before which an order's last change makes it old."""
    return datetime.combine(kept_from, time(), SHOP_TZ)


def preview(con: duckdb.DuckDBPyConnection, folder: DataFolder, kept_from: date) -> PurgeReport:
    """What a purge would take, by an open copy. Changes nothing but the connection's own temporary tables."""
    cutoff = cutoff_of(kept_from)
    rows = _find(con, cutoff)
    return _report(kept_from, rows, affected(con, folder.raw, cutoff, _mappings()))


def purge_folder(
    folder: DataFolder, clock: Clock, lock: Path, publisher: Publisher, kept_from: date, progress: Progress
) -> PurgeReport:
    """Purge, make the database file anew, publish, remove older copies. Raises UserError where a lock is held.

    Tables first, raw files after: what is then still in a file and in no table is what a second purge looks for.
    """
    spill, raw, cutoff = folder.root / "spill", folder.raw.resolve(), cutoff_of(kept_from)
    with writer_lock(folder.locks / "rebuild.lock", "purge", clock):  # a rebuild reads what is rewritten here
        with open_memory(spill) as con:
            finish(con, folder.raw, clock.now())
        with writer_lock(lock, "purge", clock), session(open_memory(spill), folder.warehouse, raw) as con:
            rows = _find(con, cutoff)
            _remember(con, raw, kept_from)
            _delete(con, cutoff)
            files = affected(con, folder.raw, cutoff, _mappings())
        for done, file in enumerate(files, start=1):
            rewrite(file, spill)
            progress("raw files", done, len(files))
        with writer_lock(lock, "purge", clock):
            with session(open_memory(spill), folder.warehouse, raw) as con:
                _correct_ledger(con, files)
            progress("database file", 0, 1)
            _make_anew(folder, raw)
            publisher.publish()
    clock.sleep(SUPERSEDED_SECONDS)  # whoever is just opening the copy before may finish doing so
    with writer_lock(lock, "purge", clock):
        publisher.remove_superseded()
    return _report(kept_from, rows, files)


def _mappings() -> dict[str, str]:
    return {
        platform: mapping
        for platform, mapping in MAPPING_OF_PLATFORM.items()
        if hasattr(importlib.import_module(mapping), "ORDER_ROWS")
    }


def _report(kept_from: date, rows: dict[str, int], files: list[RawFile]) -> PurgeReport:
    removed = sum(file.remove for file in files)
    return PurgeReport(kept_from, {name: count for name, count in rows.items() if count}, removed, len(files) - removed)


def _find(con: duckdb.DuckDBPyConnection, cutoff: datetime) -> dict[str, int]:
    """Fill the temporary tables ``gone_*``; rows that each table would lose."""
    statements = resources.files(__package__).joinpath("purge.sql").read_text(encoding="utf-8").split(";\n")
    for statement in statements:
        con.execute(statement, {"cutoff": cutoff} if "$cutoff" in statement else {})
    counts = {table: f"SELECT count(*) FROM gone_{table.removeprefix('core.')}" for table in _KEYS}
    counts |= {table: f"SELECT count(*) FROM {table} WHERE {old}" for table, old in _ALSO_OLD.items()}
    found = {}
    for table, query in counts.items():
        row = con.execute(query, {"cutoff": cutoff} if "$cutoff" in query else {}).fetchone()
        found[table] = row[0] if row else 0
    return found


def _remember(con: duckdb.DuckDBPyConnection, raw: Path, kept_from: date) -> None:
    """The daily sums that orders will no longer give: beside the raw pages, and a mark that nobody may compute them again."""
    before = purged_until(con)
    if before is not None and before > kept_from:
        raise UserError(
            f"Orders before {before} were purged already; choose an age that reaches to that day or beyond, not {kept_from}."
        )
    file = sums_file(raw, kept_from)
    file.parent.mkdir(exist_ok=True)
    temporary = file.with_suffix(".tmp")
    con.execute(
        f"COPY (FROM planning.daily_sku_sales WHERE date < '{kept_from}' ORDER BY date, merchant_sku)"
        f" TO {quoted(temporary)} (FORMAT parquet, COMPRESSION zstd)"
    )
    temporary.replace(file)
    con.execute("DELETE FROM ops.meta WHERE key = 'orders_kept_from'")
    con.execute("INSERT INTO ops.meta VALUES ('orders_kept_from', ?)", [kept_from.isoformat()])


def purged_until(con: duckdb.DuckDBPyConnection) -> date | None:
    """The first day whose orders no purge has taken; None before the first purge."""
    row = con.execute("SELECT max(value) FROM ops.meta WHERE key = 'orders_kept_from'").fetchone()
    return date.fromisoformat(row[0]) if row and row[0] else None


def sums_file(raw: Path, kept_from: date) -> Path:
    """Daily sums of the days before ``kept_from``."""
    return raw / "daily_sku_sales" / f"before-{kept_from}.parquet"


def newest_sums(raw: Path) -> tuple[Path, date] | None:
    """The sums that the last purge put aside, and the first day that they do not hold."""
    files = sorted((raw / "daily_sku_sales").glob("before-*.parquet"))
    return (files[-1], date.fromisoformat(files[-1].stem.removeprefix("before-"))) if files else None


def _delete(con: duckdb.DuckDBPyConnection, cutoff: datetime) -> None:
    for table, key in _KEYS.items():
        same = " AND ".join(f"t.{column} = gone.{column}" for column in key)
        con.execute(f"DELETE FROM {table} AS t USING gone_{table.removeprefix('core.')} AS gone WHERE {same}")
    for table, old in _ALSO_OLD.items():
        con.execute(f"DELETE FROM {table} WHERE {old}", {"cutoff": cutoff})
    con.execute("UPDATE ops.reconciliations SET detail = NULL WHERE window_end < $cutoff", {"cutoff": cutoff})


def _correct_ledger(con: duckdb.DuckDBPyConnection, files: list[RawFile]) -> None:
    """The ledger as a rebuild from the remaining files would write it."""
    same = "shop = ? AND api = ? AND window_start = ? AND window_end = ? AND fetched_at = ?"
    for file in files:
        left: dict[tuple[object, ...], tuple[int, int]] = {}
        if file.path.exists():
            rows = con.execute(
                "SELECT shop, api, window_start, window_end, fetched_at, count(*), sum(row_count)::BIGINT "
                f"FROM read_parquet({quoted(file.path)}, hive_partitioning = false) GROUP BY ALL"
            ).fetchall()
            left = {tuple(key): (pages, count) for *key, pages, count in rows}
        for window in file.windows:
            if window.key in left:
                con.execute(
                    f"UPDATE ops.sync_windows SET pages = ?, rows = ? WHERE {same}", [*left[window.key], *window.key]
                )
            else:
                con.execute(f"DELETE FROM ops.sync_windows WHERE {same}", list(window.key))


def _make_anew(folder: DataFolder, raw: Path) -> None:
    """Into a new file: DuckDB keeps what was deleted in free blocks until they are used again."""
    spill, fresh = folder.root / "spill", folder.root / "purge.duckdb"
    for left_over in (fresh, log_of(fresh)):  # of a purge that was killed
        left_over.unlink(missing_ok=True)
    con = open_memory(spill)
    con.execute(f"ATTACH {quoted(folder.warehouse)} AS old (TYPE duckdb, READ_ONLY)")
    views = {
        f"{schema}.{name}"
        for schema, name in con.execute("SELECT schema_name, view_name FROM duckdb_views()").fetchall()
    }
    with session(con, fresh, raw):
        con.execute("DELETE FROM ops.meta")
        for table in tables():
            if table not in views:
                names = ", ".join(f'"{column.name}"' for column in columns(table))
                con.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM old.{table}")
    os.replace(fresh, folder.warehouse)
