"""The warehouse anew from ``raw/``: built beside the live file, swapped in under the writer's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import duckdb

from orders_pipeline.clock import Clock
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse.lock import writer_lock
from orders_pipeline.warehouse.open import open_memory
from orders_pipeline.warehouse.publish import Publisher
from orders_pipeline.warehouse.purge import newest_sums
from orders_pipeline.warehouse.raw_zone import sources, window_count
from orders_pipeline.warehouse.report import ApplyReport
from orders_pipeline.warehouse.schema import columns, quoted, tables
from orders_pipeline.warehouse.session import log_of, session
from orders_pipeline.warehouse.stage import Stage
from orders_pipeline.warehouse.upsert import upsert

BATCH_BYTES = 4_000_000
"""Parquet bytes a transaction: about 45 MB of JSON or 20,000 orders, which are staged within 500 MB of memory."""

BATCH_WINDOWS = 40
"""Windows a transaction before it is called full: very even data compresses so well that bytes do not bound the work."""

FROM_RAW = ("core.", "raw.", "ops.sync_windows", "ops.quarantine", "ops.meta")
"""Tables that ``raw/`` gives, by the beginning of their names. All others are carried over."""


def rebuild_file(
    folder: DataFolder, clock: Clock, lock: Path, publisher: Publisher, progress: Callable[[int, int], None]
) -> ApplyReport:
    """Build, catch up with what landed meanwhile, carry over, swap, publish. Raises UserError where a lock is held."""
    fresh = folder.root / "rebuild.duckdb"
    report = ApplyReport()
    with writer_lock(folder.locks / "rebuild.lock", "rebuild", clock):
        _remove(fresh)  # of a rebuild that was killed
        files = _raw_files(folder)
        done = 0
        for batch in _batches(files):
            report += _apply(folder, fresh, batch, clock)
            done += len(batch)
            progress(done, len(files))
        with writer_lock(lock, "rebuild", clock):
            # whoever fetched meanwhile landed first and applied to the old file: nothing lands unseen under the lock
            report += _apply(folder, fresh, sorted(set(_raw_files(folder)) - set(files)), clock)
            if folder.warehouse.exists():
                _carry_over(folder, fresh)
            _bring_back_sums(folder, fresh)
            log_of(folder.warehouse).unlink(missing_ok=True)  # it belongs to the file that goes
            os.replace(fresh, folder.warehouse)
            publisher.publish()
    return report


def _apply(folder: DataFolder, fresh: Path, files: Sequence[Path], clock: Clock) -> ApplyReport:
    spill, raw = folder.root / "spill", folder.raw.resolve()
    if not files:
        with session(open_memory(spill), fresh, raw):
            return ApplyReport()
    with Stage(files, spill) as stage:
        facts = stage.facts()
        with session(stage.con, fresh, raw) as con:
            rows = upsert(con, facts.filled, clock.now(), with_ledger=True)
    return ApplyReport.of(rows, facts)


def _carry_over(folder: DataFolder, fresh: Path) -> None:
    """Copy what only the old file knows. One that cannot be read gives nothing: that is when one rebuilds."""
    spill, raw = folder.root / "spill", folder.raw.resolve()
    try:
        with session(open_memory(spill), folder.warehouse, raw):
            pass  # an older schema is brought up to date first
    except duckdb.Error:
        return
    con = open_memory(spill)
    con.execute(f"ATTACH {quoted(folder.warehouse)} AS old (TYPE duckdb, READ_ONLY)")
    with session(con, fresh, raw):
        for table in tables():
            if not table.startswith(FROM_RAW):
                names = ", ".join(f'"{column.name}"' for column in columns(table))
                con.execute(f"INSERT INTO {table} BY NAME SELECT {names} FROM old.{table}")
        for table, key in (("core.orders", "order_id"), ("core.refunds", "refund_id")):
            con.execute(
                f"UPDATE {table} AS o SET vanished_at = v.vanished_at FROM old.{table} AS v "
                f"WHERE v.vanished_at >= o.synced_at AND o.platform = v.platform AND o.shop = v.shop AND o.{key} = v.{key}"
            )


def _bring_back_sums(folder: DataFolder, fresh: Path) -> None:
    """Daily sums of days whose orders a purge has taken: ``raw/`` holds them where the old file could not be read."""
    sums = newest_sums(folder.raw)
    if sums is None:
        return
    file, kept_from = sums
    with session(open_memory(folder.root / "spill"), fresh, folder.raw.resolve()) as con:
        con.execute("INSERT INTO ops.meta VALUES ('orders_kept_from', ?)", [kept_from.isoformat()])
        con.execute("DELETE FROM planning.daily_sku_sales WHERE date < ?", [kept_from])
        con.execute(f"INSERT INTO planning.daily_sku_sales BY NAME FROM read_parquet({quoted(file)})")


def _raw_files(folder: DataFolder) -> list[Path]:
    with open_memory(folder.root / "spill") as con:
        return sources(con, folder.raw)


def _batches(files: Iterable[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    size = windows = 0
    for file in files:
        batch.append(file)
        size += file.stat().st_size
        windows += window_count(file)
        if size >= BATCH_BYTES or windows >= BATCH_WINDOWS:
            yield batch
            batch, size, windows = [], 0, 0
    if batch:
        yield batch


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
    log_of(file).unlink(missing_ok=True)
