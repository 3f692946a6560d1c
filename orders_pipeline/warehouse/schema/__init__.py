"""The tables: DDL and comments as .sql files, and what others ask about them without opening a warehouse.

No data and no locking here. A change to a table that exists in the field needs a script in ``migrations/``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import duckdb

from orders_pipeline.settings import UserError

RAW_TABLES = ("trade_pages", "refund_pages", "item_pages", "shipment_pages", "trace_pages", "messages")


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
    with duckdb.connect(":memory:") as con:
        _create(con, lambda _: f"({sql('raw_page.sql')})")
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


def ensure(con: duckdb.DuckDBPyConnection, raw: Path, scripts: Sequence[str] | None = None) -> bool:
    """Bring the default catalog of ``con`` to this code's version, inside the caller's transaction; True if it changed.

    ``raw`` is the raw zone that the views read. Raises UserError for a file that newer code has written.
    """
    scripts = migrations() if scripts is None else scripts
    newest = 1 + len(scripts)
    known = con.execute("SELECT 1 FROM duckdb_tables() WHERE schema_name = 'ops' AND table_name = 'meta'").fetchone()
    meta: dict[str, str] = dict(con.execute("SELECT key, value FROM ops.meta").fetchall()) if known else {}
    version = int(meta.get("schema_version", 0))
    if version > newest:
        raise UserError(
            f"The warehouse has schema version {version}, this program knows {newest}: upgrade orders-pipeline."
        )
    if version == newest and meta.get("raw_folder") == str(raw):
        return False
    if version == 0:
        for name in ("core.sql", "planning.sql", "ops.sql"):
            con.execute(sql(name))
    else:
        for script in scripts[version - 1 :]:
            con.execute(script)
    _create_raw(con, lambda table: _files_of(raw, table))
    con.execute("DELETE FROM ops.meta WHERE key IN ('schema_version', 'raw_folder')")
    con.execute("INSERT INTO ops.meta VALUES ('schema_version', ?), ('raw_folder', ?)", [str(newest), str(raw)])
    return True


def _create(con: duckdb.DuckDBPyConnection, source: Callable[[str], str]) -> None:
    for name in ("core.sql", "planning.sql", "ops.sql"):
        con.execute(sql(name))
    _create_raw(con, source)


def _create_raw(con: duckdb.DuckDBPyConnection, source: Callable[[str], str]) -> None:
    statements = re.sub(r"^--.*$", "", sql("raw.sql"), flags=re.MULTILINE)
    con.execute(re.sub(r"\{(\w+)\}", lambda match: source(match[1]), statements))


def _files_of(raw: Path, table: str) -> str:
    """The FROM item for one raw table; its empty file is written here, beside the folders of the shops."""
    folder = raw / table
    folder.mkdir(parents=True, exist_ok=True)
    empty = folder / "_empty.parquet"
    if not empty.exists():
        temporary = empty.with_suffix(".tmp")
        with duckdb.connect(":memory:") as con:
            con.execute(f"COPY ({sql('raw_page.sql')}) TO {quoted(temporary)} (FORMAT parquet)")
        temporary.rename(empty)
    return f"read_parquet({quoted(folder / '**' / '*.parquet')}, hive_partitioning = false)"


def quoted(path: Path | str) -> str:
    """A path as an SQL string literal."""
    return "'" + str(path).replace("'", "''") + "'"
