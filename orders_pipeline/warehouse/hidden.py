"""Which files the views over the raw zone leave out, so that rows which lie in two files are shown once, at every moment.

``raw/hidden/<table>-<number>.parquet`` is a list of files; the one with the highest number counts. A list appears whole, by one
rename, and never changes: a query that was bound before keeps reading the one it found. What is hidden, and when, is
``compact.py``'s business; the views that ask are made in ``schema``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from orders_pipeline.warehouse.raw_zone import EPOCH
from orders_pipeline.warehouse.schema import hidden_files, quoted

KEPT_LISTS = 8
"""Lists that stay, the newest among them. A day writes three at most, and no query lasts two days."""


def read(con: duckdb.DuckDBPyConnection, raw: Path, table: str) -> dict[str, datetime]:
    """File, relative to the table's folder -> since when it is hidden."""
    lists = _lists(raw, table)
    if not lists:
        return {}
    rows = con.execute(
        f"SELECT file, epoch_us(since) FROM read_parquet({quoted(lists[-1])}) WHERE file <> ''"
    ).fetchall()
    return {file: EPOCH + timedelta(microseconds=since) for file, since in rows}


def write(con: duckdb.DuckDBPyConnection, raw: Path, table: str, hidden: Mapping[str, datetime]) -> None:
    """From now on these are hidden, and no others. Raises OSError, duckdb.Error where the disk refuses: then nothing changes."""
    lists = _lists(raw, table)
    number = int(lists[-1].stem.rpartition("-")[2]) + 1 if lists else 0
    path = hidden_files(raw, table, number)
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_suffix(".tmp")
    con.execute("CREATE OR REPLACE TEMP TABLE hidden (number BIGINT, file VARCHAR, since TIMESTAMPTZ)")
    rows = ", ".join(
        f"({number}, {quoted(file)}, {_literal(since)})" for file, since in [("", EPOCH), *sorted(hidden.items())]
    )  # the empty name says that there is a list where nothing is hidden
    con.execute(f"INSERT INTO hidden VALUES {rows}")
    con.execute(f"COPY hidden TO {quoted(temporary)} (FORMAT parquet)")
    place(temporary, path)
    for old in lists[: 1 - KEPT_LISTS]:
        old.unlink(missing_ok=True)


def place(temporary: Path, path: Path) -> None:
    """Give a file that is written its name, and see that both survive a power cut."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    os.rename(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _literal(instant: datetime) -> str:
    return f"TIMESTAMPTZ '{instant.isoformat()}'"


def _lists(raw: Path, table: str) -> list[Path]:
    return sorted(hidden_files(raw, table, 0).parent.glob(f"{table}-*.parquet"))
