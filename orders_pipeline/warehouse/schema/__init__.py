"""The tables: DDL and comments as .sql files, and what others ask about them without opening a warehouse.

No data and no locking here. A change to a table that exists in the field needs a script in ``migrations/``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import duckdb

from orders_pipeline.settings import UserError

RAW_TABLES = ("trade_pages", "refund_pages", "item_pages", "shipment_pages", "trace_pages", "messages")

SCRATCH_MEMORY = "64MB"
"""For tables without rows, which were made within 2 MB too; the default is 80 % of the machine's memory for each process."""

_DDL = ("core.sql", "planning.sql", "ops.sql")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. ``type`` is DuckDB's name of it."""

    name: str
    type: str
    comment: str
    nullable: bool


@lru_cache
def sql(name: str) -> str:
    """The text of a file in this folder."""
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


@lru_cache
def _described() -> dict[str, tuple[str, tuple[Column, ...]]]:
    with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": SCRATCH_MEMORY}) as con:
        _create_tables(con)
        _create_views(con, lambda _: f"({sql('raw_page.sql')})")
        comments: dict[str, str] = dict(
            con.execute(
                "SELECT schema_name || '.' || table_name, comment FROM duckdb_tables() UNION ALL "
                "SELECT schema_name || '.' || view_name, comment FROM duckdb_views() WHERE NOT internal"
            ).fetchall()
        )
        found: dict[str, list[Column]] = {table: [] for table in comments}
        for table, *column in con.execute(
            "SELECT schema_name || '.' || table_name, column_name, data_type, comment, is_nullable "
            "FROM duckdb_columns() WHERE NOT internal ORDER BY table_oid, column_index"
        ).fetchall():
            found[table].append(Column(*column))
    return {table: (comments[table], tuple(columns)) for table, columns in found.items()}


def tables() -> tuple[str, ...]:
    """Every table and view, as ``schema.table``."""
    return tuple(_described())


def columns(table: str) -> tuple[Column, ...]:
    """The columns of ``schema.table``, from the DDL. Raises KeyError for a name that is not there."""
    return _described()[table][1]


def comment(table: str) -> str:
    """What ``schema.table`` holds, from the DDL."""
    return _described()[table][0]


def migrations() -> tuple[str, ...]:
    """The scripts that bring older files up to date, in order: ``0002_<what>.sql`` leads from version 1 to 2."""
    folder = resources.files(__name__).joinpath("migrations")
    names = sorted(entry.name for entry in folder.iterdir() if re.fullmatch(r"\d{4}_\w+\.sql", entry.name))
    return tuple(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


@dataclass(frozen=True, slots=True)
class Version:
    """What a file is at: ``number`` 0 for an empty one; the raw zone that its views read."""

    number: int
    raw_folder: str | None

    def is_current(self, raw: Path) -> bool:
        return self.number == newest() and self.raw_folder == str(raw)


def newest() -> int:
    """The version that this code writes."""
    return 1 + len(migrations())


def version_of(con: duckdb.DuckDBPyConnection) -> Version:
    """The version of the default catalog of ``con``. Raises UserError for a file that newer code has written."""
    try:
        meta: dict[str, str] = dict(con.execute("SELECT key, value FROM ops.meta").fetchall())
    except duckdb.CatalogException:
        return Version(0, None)
    version = Version(int(meta["schema_version"]), meta.get("raw_folder"))
    if version.number > newest():
        raise UserError(
            f"The warehouse has schema version {version.number}, this program knows {newest()}: upgrade orders-pipeline."
        )
    return version


def step_up(con: duckdb.DuckDBPyConnection, version: Version, raw: Path) -> None:
    """Create the default catalog of ``con``, or bring it to the next version, inside the caller's transaction.

    Its views read ``raw`` then.
    """
    reached = newest() if version.number == 0 else min(version.number + 1, newest())
    if version.number == 0:
        _create_tables(con)
    else:
        for script in migrations()[version.number - 1 : reached - 1]:
            con.execute(script)
    _create_views(con, lambda table: _files_of(con, raw, table))
    con.execute("DELETE FROM ops.meta WHERE key IN ('schema_version', 'raw_folder')")
    con.execute(f"INSERT INTO ops.meta VALUES ('schema_version', '{reached}'), ('raw_folder', {quoted(raw)})")


def table_ddl(table: str) -> str:
    """The statement that creates ``schema.table``, for a place of one's own: no comments, which cost ten times as much."""
    for name in _DDL:
        if found := re.search(rf"^CREATE TABLE {re.escape(table)} \(.*?^\);", sql(name), re.MULTILINE | re.DOTALL):
            return found[0]
    raise KeyError(table)


def _create_tables(con: duckdb.DuckDBPyConnection) -> None:
    for name in _DDL:
        con.execute(sql(name))


def _create_views(con: duckdb.DuckDBPyConnection, source: Callable[[str], str]) -> None:
    statements = re.sub(r"^--.*$", "", sql("raw.sql"), flags=re.MULTILINE)
    con.execute(re.sub(r"\{(\w+)\}", lambda match: source(match[1]), statements))


def _files_of(con: duckdb.DuckDBPyConnection, raw: Path, table: str) -> str:
    """The FROM item for one raw table. What it needs where nothing has landed is written here: a file without rows, beside the
    folders of the shops, and the first list of hidden files, which hides none.

    With ``**`` last DuckDB lists no symbolic links: ``compact.py`` leaves them to queries that were told of a file before. It
    lists all else, and opens only what the constant filter lets through.
    """
    folder, empty = raw / table, raw / table / "_empty.parquet"
    _write_once(con, empty, sql("raw_page.sql"))
    _write_once(con, hidden_files(raw, table, 0), sql("hidden.sql"))
    lists = hidden_files(raw, table, 0).with_name(f"{table}-*.parquet")
    return (
        f"(SELECT * FROM read_parquet([{quoted(empty)}, {quoted(folder / '**')}], hive_partitioning = false, filename = true) "
        # behind the folder and its slash, counted from one
        f"WHERE suffix(filename, '.parquet') AND substr(filename, {len(str(folder)) + 2}) NOT IN "
        f"(SELECT file FROM read_parquet({quoted(lists)}) QUALIFY number = max(number) OVER ()))"
    )


def hidden_files(raw: Path, table: str, number: int) -> Path:
    """The list with that number of the files of a raw table that its view leaves out: ``hidden.py``."""
    return raw / "hidden" / f"{table}-{number:08d}.parquet"


def _write_once(con: duckdb.DuckDBPyConnection, path: Path, query: str) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    con.execute(f"COPY ({query}) TO {quoted(temporary)} (FORMAT parquet)")
    temporary.rename(path)


def quoted(path: Path | str) -> str:
    """A path as an SQL string literal."""
    return "'" + str(path).replace("'", "''") + "'"
