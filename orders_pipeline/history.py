"""The embedded run history in SQLite, with connections that stay open.

Dagster opens and closes an SQLite connection, with an engine of its own, for every single event. Each close of the last
connection writes the write-ahead log back and deletes it, each new engine compiles its statements anew: of a sync run's 2.0
CPU-seconds 0.7 went there (`orders-pipeline bench startup`). Where files live is ``instance.py``'s business.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as db
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import create_db_conn_string
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    from dagster import EventLogEntry

BUSY_SECONDS = 60
"""How long a statement waits for another process's write, as Dagster's own; writes take milliseconds."""

PAGE_BYTES = 512
"""Each run has a file of its own with some thirty tables and indexes, most of them empty, a page each at least: 127 KB at
SQLite's 4096 bytes a page, 16 KB at 512."""

KEPT_OPEN = 8
"""Files that a process keeps open: a run needs two, the daemon those of the runs that it follows at a time."""


class Connections:
    """One open connection a file, the most recently used ones. Used by one thread at a time, under ``lock``."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._engines: OrderedDict[str, db.Engine] = OrderedDict()

    def engine(self, url: str) -> db.Engine:
        """The engine of a file, made at first use."""
        engine = self._engines.pop(url, None) or _engine(url)
        self._engines[url] = engine
        while len(self._engines) > KEPT_OPEN:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    @contextmanager
    def transaction(self, url: str) -> Iterator[db.Connection]:
        """A transaction on the file; other threads wait."""
        with self.lock, self.engine(url).connect() as con, con.begin():
            yield con

    def forget(self, url: str) -> None:
        """Close the file, where it is open."""
        with self.lock:
            engine = self._engines.pop(url, None)
            if engine:
                engine.dispose()

    def close(self) -> None:
        """Close all; the last one on a file writes its log back."""
        with self.lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


def _engine(url: str) -> db.Engine:
    arguments = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    engine = db.create_engine(url, poolclass=StaticPool, connect_args=arguments)

    @db.event.listens_for(engine, "connect")
    def prepare(con: Any, _: object) -> None:
        con.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # for a file that is yet to be made
        con.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last events, never the file

    return engine


def is_complete(file: Path) -> bool:
    """Whether Dagster has made this file: its last step is to note the revision of the schema.

    Dagster finds that out by reading all its migrations, 0.02 CPU-seconds for each of the four files that a run opens.
    """
    if not file.exists():
        return False
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as con:
        try:
            return con.execute("SELECT version_num FROM alembic_version").fetchone() is not None
        except sqlite3.OperationalError:  # no such table yet
            return False


class EventLog(SqliteEventLogStorage):
    """Dagster's event log, a file a run and one index, over kept connections."""

    def __init__(self, base_dir: str) -> None:
        self._connections = Connections()
        super().__init__(base_dir)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        url = self.conn_string_for_shard(shard)
        with self._connections.lock:
            if shard not in self._initialized_dbs:
                if not is_complete(Path(self.path_for_shard(shard))):
                    self._initdb(self._connections.engine(url))
                self._initialized_dbs.add(shard)
            with self._connections.transaction(url) as con:
                yield con

    def store_event(self, event: EventLogEntry) -> None:
        """Store it, and tell who watches the run's file: what is written is in the write-ahead log beside it."""
        super().store_event(event)
        os.utime(self.path_for_shard(event.run_id))

    def delete_events(self, run_id: str) -> None:
        """Remove the run from the index, and its file: emptied, it would stay as large as it is."""
        with self.index_connection() as con:
            self.delete_events_for_run(con, run_id)
        self.free_concurrency_slots_for_run(run_id)
        file = self.path_for_shard(run_id)
        with self._connections.lock:
            self._connections.forget(self.conn_string_for_shard(run_id))
            self._initialized_dbs.discard(run_id)
            for name in (file, f"{file}-wal", f"{file}-shm"):
                Path(name).unlink(missing_ok=True)

    def dispose(self) -> None:
        super().dispose()
        self._connections.close()


class RunTable(SqliteRunStorage):
    """Dagster's table of runs over a kept connection."""

    @classmethod
    def from_local(cls, base_dir: str, inst_data: Any = None) -> RunTable:
        """Open, and on first use make, the table in this folder."""
        if is_complete(Path(base_dir) / "runs.db"):
            return cls(create_db_conn_string(base_dir, "runs"), inst_data)
        return super().from_local(base_dir, inst_data)

    def __init__(self, conn_string: str, inst_data: Any = None) -> None:
        self._connections = Connections()
        super().__init__(conn_string, inst_data)

    @contextmanager
    def connect(self) -> Iterator[db.Connection]:
        with self._connections.transaction(self._conn_string) as con:
            yield con

    def dispose(self) -> None:
        super().dispose()
        self._connections.close()


class ScheduleTable(SqliteScheduleStorage):
    """Dagster's tables of schedules, sensors and ticks over a kept connection."""

    @classmethod
    def from_local(cls, base_dir: str, inst_data: Any = None) -> ScheduleTable:
        """Open, and on first use make, the tables in this folder."""
        if is_complete(Path(base_dir) / "schedules.db"):
            return cls(create_db_conn_string(base_dir, "schedules"), inst_data)
        return cast(ScheduleTable, super().from_local(base_dir, inst_data))

    def __init__(self, conn_string: str, inst_data: Any = None) -> None:
        self._connections = Connections()
        super().__init__(conn_string, inst_data)

    @contextmanager
    def connect(self) -> Iterator[db.Connection]:
        with self._connections.transaction(self._conn_string) as con:
            yield con

    def dispose(self) -> None:
        super().dispose()
        self._connections.close()
