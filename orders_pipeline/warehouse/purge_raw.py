"""Which raw files hold rows of orders that are gone from the tables, and the files without these rows.

Only windows that the ledger knows are touched: what has landed and is not applied yet is in no table for another reason.
"""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from orders_pipeline.warehouse.open import open_memory
from orders_pipeline.warehouse.raw_zone import sources
from orders_pipeline.warehouse.schema import quoted

_IDS = """
WITH page AS (
  SELECT filename, shop, api, window_start, window_end, fetched_at, {ids} AS ids,
    {{'window_start': window_start, 'window_end': window_end, 'fetched_at': fetched_at}} AS window_key
  FROM read_parquet({files}, filename = true, hive_partitioning = false)
  SEMI JOIN ops.sync_windows USING (shop, api, window_start, window_end, fetched_at)),
told AS (FROM (SELECT filename, window_key, shop, unnest(ids) AS id FROM page) WHERE id IS NOT NULL),
keep AS (
  SELECT shop, {key} AS id FROM core.{table} {but} UNION
  SELECT shop, row_id FROM ops.quarantine WHERE window_end >= $cutoff::TIMESTAMPTZ AND row_id IS NOT NULL),
gone AS (
  SELECT filename, window_key, list(DISTINCT id) AS gone FROM told ANTI JOIN keep USING (shop, id) GROUP BY ALL),
kept AS (SELECT filename, window_key, count(*) AS kept FROM told SEMI JOIN keep USING (shop, id) GROUP BY ALL)
SELECT filename, shop, api, window_start, window_end, fetched_at, coalesce(any_value(gone), []), coalesce(any_value(kept), 0)
FROM page LEFT JOIN gone USING (filename, window_key) LEFT JOIN kept USING (filename, window_key)
GROUP BY filename, shop, api, window_start, window_end, fetched_at
"""


@dataclass(frozen=True, slots=True)
class OldWindow:
    """One window that a purge changes: removed whole, or left without the rows ``gone``."""

    key: tuple[str, str, datetime, datetime, datetime]  # shop, api, window_start, window_end, fetched_at: the ledger's
    gone: frozenset[str]  # ids
    remove: bool


@dataclass(frozen=True, slots=True)
class RawFile:
    """One file that a purge changes, of one window or of several."""

    path: Path
    windows: tuple[OldWindow, ...]  # those that change
    remove: bool  # whether nothing of it stays
    where: tuple[str, str, str]  # plural, element, id field: see the platform's mapping


def affected(con: duckdb.DuckDBPyConnection, raw: Path, cutoff: datetime, mappings: Mapping[str, str]) -> list[RawFile]:
    """The files to change. ``con`` has the ``gone_*`` tables of ``purge.sql``; the rows may be deleted already or not."""
    found: list[RawFile] = []
    all_files = sources(con, raw)
    for api, rows in {
        api: rows
        for mapping in dict.fromkeys(mappings.values())
        for api, rows in importlib.import_module(mapping).ORDER_ROWS.items()
    }.items():
        files = [file for file in all_files if file.parent.name == api]
        if not files:
            continue
        path = ".".join(
            ("$", *([rows.plural, f"{rows.element}[*]"] if rows.plural else [rows.element] * bool(rows.element)))
        )
        ids = f"json_extract_string(body, '{path}.{rows.id_field}')"
        query = _IDS.format(
            ids=ids if rows.plural else f"[{ids}]",
            files=f"[{', '.join(map(quoted, files))}]",
            key=rows.key,
            table=rows.table,
            but=f"ANTI JOIN gone_{rows.table} USING ({', '.join(_key_columns(con, rows.table))})",
        )
        found += _decide(con.execute(query, {"cutoff": cutoff}).fetchall(), cutoff, tuple(rows[:3]))
    return found


def _key_columns(con: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [str(row[0]) for row in con.execute(f"DESCRIBE gone_{table}").fetchall()]


def _decide(rows: list[tuple[Any, ...]], cutoff: datetime, where: tuple[str, str, str]) -> list[RawFile]:
    """Windows at the old end of what is covered go whole; one between windows that stay is emptied, so that no hole appears."""
    stays: dict[str, datetime] = {}
    for _, shop, _, start, end, _, _, kept in rows:
        if start < end and (kept or end >= cutoff):
            stays[shop] = min(start, stays.get(shop, start))
    by_file: defaultdict[str, list[OldWindow]] = defaultdict(list)
    for filename, shop, api, start, end, fetched, gone, kept in rows:
        old = not kept and end < cutoff
        remove = old and (start == end or shop not in stays or start < stays[shop])
        by_file[filename].append(OldWindow((shop, api, start, end, fetched), frozenset(filter(None, gone)), remove))
    files = []
    for filename, windows in by_file.items():
        changed = tuple(window for window in windows if window.remove or window.gone)
        if changed:
            whole = all(window.remove for window in windows)
            files.append(RawFile(Path(filename), changed, whole, where))
    return sorted(files, key=lambda file: file.remove)


def rewrite(file: RawFile, spill: Path) -> None:
    """Put a file without the gone rows in its place; remove it where nothing is left. Kept rows stay byte for byte."""
    temporary = file.path.with_name(f".{file.path.name}.purge.tmp")
    windows = {window.key[2:]: window for window in file.windows}
    con = open_memory(spill)
    try:
        con.execute(f"CREATE TABLE page AS FROM read_parquet({quoted(file.path)}, hive_partitioning = false)")
        for row, body, count, *key in con.execute(
            "SELECT rowid, body, row_count, window_start, window_end, fetched_at FROM page"
        ).fetchall():
            window = windows.get(tuple(key))
            if window is None:
                continue
            left = None if window.remove else _without(body, window.gone, file.where)
            if left is None:
                con.execute("DELETE FROM page WHERE rowid = ?", [row])
            elif left != body:
                dropped = body_rows(body, file.where) - body_rows(left, file.where)
                con.execute(
                    "UPDATE page SET body = ?, row_count = ? WHERE rowid = ?", [left, max(count - dropped, 0), row]
                )
        if con.execute("SELECT 1 FROM page LIMIT 1").fetchone() is None:
            file.path.unlink()
            return
        con.execute(f"COPY page TO {quoted(temporary)} (FORMAT parquet, COMPRESSION zstd)")
    finally:
        con.close()
    temporary.replace(file.path)


def body_rows(body: str, where: tuple[str, str, str]) -> int:
    """Rows in a list's page."""
    group = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).get(where[0])
    return len(msgspec.json.decode(group, type=dict[str, list[msgspec.Raw]])[where[1]]) if group else 0


def _without(body: str, gone: frozenset[str], where: tuple[str, str, str]) -> str | None:
    """A page without the gone rows; None where the page was one row, and it is gone."""
    plural, element, id_field = where

    def is_gone(row: msgspec.Raw | bytes) -> bool:
        value = msgspec.json.decode(row)
        for name in id_field.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return str(value) in gone

    page = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    if not plural:
        return None if is_gone(page[element] if element else body.encode()) else body
    if plural not in page:
        return body
    group = msgspec.json.decode(page[plural], type=dict[str, list[msgspec.Raw]])
    kept = [row for row in group[element] if not is_gone(row)]
    if len(kept) == len(group[element]):
        return body
    encoded: bytes = msgspec.json.encode({**page, plural: {**group, element: kept}})
    return encoded.decode()
