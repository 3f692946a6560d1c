"""One transaction on a warehouse file, from open to close. The caller holds the writer's lock of that file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import duckdb

from orders_pipeline.warehouse import schema
from orders_pipeline.warehouse.open import attach_warehouse


@contextlib.contextmanager
def session(con: duckdb.DuckDBPyConnection, file: Path, raw: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach ``file`` to an in-memory connection, bring its schema up to date, run the body in a transaction, close.

    The file is created if absent. An exception rolls back. Closing writes the log into the file and removes it.
    """
    try:
        attach_warehouse(con, file)
        while not (version := schema.version_of(con)).is_current(raw):
            # a transaction for each script: DuckDB commits no table that was altered after it was written to
            with _transaction(con):
                schema.step_up(con, version, raw)
        with _transaction(con):
            yield con
    finally:
        con.close()


def settle(file: Path, con: duckdb.DuckDBPyConnection) -> None:
    """Bring what a killed writer left in the log into the file."""
    try:
        attach_warehouse(con, file)
    finally:
        con.close()


def log_of(file: Path) -> Path:
    """The write-ahead log of a DuckDB file; it exists while the file is written and after its writer was killed."""
    return file.with_name(file.name + ".wal")


@contextlib.contextmanager
def _transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    con.execute("BEGIN")
    try:
        yield
    except BaseException:
        with contextlib.suppress(duckdb.Error):  # the error that matters is the one on its way
            con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")
