"""The two ways a DuckDB file is opened. Who may do so, and when, is decided elsewhere (``store.py``)."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import duckdb

from orders_pipeline.warehouse.schema import quoted

WRITER_THREADS = 1
"""25,000 orders cost 1.1 CPU s with one thread and 1.9 with two, for half a second of waiting less; and a platform's quota,
not this, decides how long a first load takes."""

READER_THREADS = 2
"""Forecasts read ten million lines at a time, where a second core halves the wait; several processes share the machine."""

MEMORY_LIMIT = 2_000_000_000
"""Bytes. The default is 80 % of the machine's memory for each process; a million orders were staged within 1 GB."""

STORAGE_VERSION = "v1.5.0"
"""Files stay readable for the 1.5 clients that merchants have, whichever duckdb writes them."""


_LEFT_SECONDS = 86_400
"""What has lain in the spill folder for so long was left by a process that was killed: no transaction takes a day."""


def open_memory(spill: Path) -> duckdb.DuckDBPyConnection:
    """An in-memory database for staging. What exceeds the memory limit goes into a folder of its own below ``spill``."""
    spill.mkdir(parents=True, exist_ok=True)
    for left in spill.iterdir():
        with contextlib.suppress(FileNotFoundError):  # its owner has just closed
            if time.time() - left.stat().st_mtime > _LEFT_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
    con = _connect(WRITER_THREADS, spill)
    con.execute("SET TimeZone = 'Asia/Shanghai'")
    return con


def _connect(threads: int, spill: Path) -> duckdb.DuckDBPyConnection:
    """An instance that spills into a folder of its own, which DuckDB makes and removes: two processes that shared one would
    overwrite each other's files, as their names are the same."""
    folder = spill / uuid4().hex
    return duckdb.connect(
        ":memory:", config={"threads": threads, "memory_limit": f"{MEMORY_LIMIT}B", "temp_directory": str(folder)}
    )


def attach_warehouse(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Attach the live file as ``warehouse`` and make it the default catalog; it is created if absent.

    Naming the type keeps duckdb from reading the file's header before it has the file's lock, which loses commits in 2.0.0.
    """
    con.execute(f"ATTACH {quoted(file)} AS warehouse (TYPE duckdb, STORAGE_VERSION '{STORAGE_VERSION}')")
    con.execute("USE warehouse")


@contextlib.contextmanager
def open_copy(file: Path, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A published copy, read-only, its schemas by their plain names. Pass the version's own name, not the link: ``publish.py``.

    All reads of a process share one instance of DuckDB: to make one costs 10 ms, to attach a file to it 2, and a sync reads
    half a dozen times. Threads may read at the same time, one file or several. Memory and settings of the instance are
    everybody's, so a reader sets none; and a cursor of the connection would not know the file.
    """
    with _READERS.attached(file, spill) as con:
        con.execute("SET TimeZone = 'Asia/Shanghai'")
        yield con


class _Readers:
    """The instance that reads, and which files are attached to it for how many readers: it takes a file once only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._instance: duckdb.DuckDBPyConnection | None = None
        self._names: dict[Path, str] = {}
        self._readers: Counter[Path] = Counter()
        self._numbers = itertools.count()

    @contextlib.contextmanager
    def attached(self, file: Path, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection whose default catalog is the file. Raises duckdb.Error where it cannot be opened."""
        with self._lock:
            if self._instance is None:
                with contextlib.suppress(OSError):  # who may not write there reads all the same, what fits into memory
                    spill.mkdir(exist_ok=True)
                self._instance = _connect(READER_THREADS, spill)
            con = self._instance.cursor()
            try:
                if not self._readers[file]:
                    name = f"copy_{next(self._numbers)}"
                    con.execute(f"ATTACH {quoted(file)} AS {name} (TYPE duckdb, READ_ONLY)")
                    self._names[file] = name
                con.execute(f"USE {self._names[file]}")
            except BaseException:
                con.close()
                raise
            self._readers[file] += 1
        try:
            yield con
        finally:
            con.close()
            with self._lock:
                self._readers[file] -= 1
                if not self._readers[file]:
                    del self._readers[file]
                    self._instance.execute(f"DETACH {self._names.pop(file)}")


_READERS = _Readers()
