"""``ops.sqlite``: what many processes share second by second: call log, tail marks, tokens.

Losing the file costs call history, one sign-in and some repeated reads, never an order. What must survive is in ``raw/``
and the warehouse. The quota's, the messages' and the drift's own tables live in the same file (``quota_sqlite.py``,
``inbox.py``, ``drift.py``).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS api_calls (
  call_id INTEGER PRIMARY KEY, at TEXT NOT NULL, shop TEXT NOT NULL, api TEXT NOT NULL, run_id TEXT NOT NULL,
  latency_ms REAL NOT NULL, outcome TEXT NOT NULL, code TEXT NOT NULL, sub_code TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tail_marks (shop TEXT, feed TEXT, mark TEXT NOT NULL, PRIMARY KEY (shop, feed));
CREATE TABLE IF NOT EXISTS traces_asked (
  shop TEXT, order_id TEXT, tracking_number TEXT, asked_at TEXT NOT NULL, PRIMARY KEY (shop, order_id, tracking_number));
CREATE TABLE IF NOT EXISTS tokens (
  shop TEXT PRIMARY KEY, access_token TEXT NOT NULL, refresh_token TEXT, expires_at TEXT, replaces TEXT NOT NULL);
"""

_BUSY_SECONDS = 10.0
"""How long a statement waits for another process's write; writes here take milliseconds, so this is never reached."""


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """Tokens as last refreshed. ``replaces`` is the digest of the configured session they were derived from."""

    access_token: str
    refresh_token: str | None
    expires_at: datetime | None
    replaces: str

    def __repr__(self) -> str:
        return f"StoredTokens(expires_at={self.expires_at})"


class Ops:
    """One connection to ``ops.sqlite``, usable from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # tokens are in it: nobody else may read. Only a file that is not there is opened: closing one that is would drop the
        # locks of this process's other connections (POSIX locks are by process), and others would take the log from under them
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        self._lock = threading.RLock()
        self._con = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)
        self._con.execute("PRAGMA journal_mode=WAL")
        self._con.execute(
            "PRAGMA synchronous=NORMAL"
        )  # a power cut may lose the last calls of the log, which is allowed
        self._con.executescript(_SCHEMA)

    def close(self) -> None:
        self._con.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._con.execute("BEGIN IMMEDIATE")
            try:
                yield self._con
            except BaseException:
                self._con.execute("ROLLBACK")
                raise
            self._con.execute("COMMIT")

    # call log -------------------------------------------------------------------------------------------------

    def log_call(
        self, at: datetime, shop: str, api: str, run_id: str, latency_ms: float, outcome: str, code: str, sub_code: str
    ) -> None:
        """Append one call. Its id is the time in microseconds, made unique, so that ids keep rising if the file is lost."""
        with self._transaction() as con:
            con.execute(
                "INSERT INTO api_calls VALUES ((SELECT max(?, coalesce(max(call_id), 0) + 1) FROM api_calls),"
                " ?, ?, ?, ?, ?, ?, ?, ?)",
                (call_ids_since(at), _text(at), shop, api, run_id, latency_ms, outcome, code, sub_code),
            )

    def calls_after(self, call_id: int) -> list[tuple[int, str, str, str, str, float, str, str, str]]:
        """Rows of the log with a larger id, oldest first, in the order of the table's columns."""
        with self._lock:
            return self._con.execute(
                "SELECT * FROM api_calls WHERE call_id > ? ORDER BY call_id", (call_id,)
            ).fetchall()

    def forget_calls(self, before: datetime) -> int:
        """Drop the calls that were made before then; how many."""
        with self._transaction() as con:
            return con.execute("DELETE FROM api_calls WHERE call_id < ?", (call_ids_since(before),)).rowcount

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for questions only."""
        with self._lock:
            yield self._con

    # tail marks -----------------------------------------------------------------------------------------------

    def tail_mark(self, shop: str, feed: str) -> datetime | None:
        with self._lock:
            row = self._con.execute("SELECT mark FROM tail_marks WHERE shop = ? AND feed = ?", (shop, feed)).fetchone()
        return instant_of(row[0]) if row else None

    def set_tail_mark(self, shop: str, feed: str, mark: datetime) -> None:
        with self._transaction() as con:
            con.execute("INSERT OR REPLACE INTO tail_marks VALUES (?, ?, ?)", (shop, feed, _text(mark)))

    # traces ---------------------------------------------------------------------------------------------------

    def note_trace_asked(self, shop: str, parcels: Sequence[tuple[str, str]], at: datetime) -> None:
        """Remember when the traces of (order id, tracking number) were last asked for, whatever the answer was."""
        with self._transaction() as con:
            con.executemany(
                "INSERT OR REPLACE INTO traces_asked VALUES (?, ?, ?, ?)",
                [(shop, *parcel, _text(at)) for parcel in parcels],
            )

    def traces_asked(self, shop: str) -> dict[tuple[str, str], datetime]:
        """When each parcel's trace was last asked for."""
        with self._lock:
            rows = self._con.execute(
                "SELECT order_id, tracking_number, asked_at FROM traces_asked WHERE shop = ?", (shop,)
            ).fetchall()
        return {(order_id, number): instant_of(at) for order_id, number, at in rows}

    def forget_traces_asked(self, before: datetime) -> None:
        """Drop the marks of parcels that were last asked for before then."""
        with self._transaction() as con:
            con.execute("DELETE FROM traces_asked WHERE asked_at < ?", (_text(before),))

    # tokens ---------------------------------------------------------------------------------------------------

    def tokens(self, shop: str) -> StoredTokens | None:
        with self._lock:
            row = self._con.execute(
                "SELECT access_token, refresh_token, expires_at, replaces FROM tokens WHERE shop = ?", (shop,)
            ).fetchone()
        return StoredTokens(row[0], row[1], instant_of(row[2]) if row[2] else None, row[3]) if row else None

    def store_tokens(self, shop: str, tokens: StoredTokens) -> None:
        """Persist refreshed tokens; call this before they are used."""
        expires = _text(tokens.expires_at) if tokens.expires_at else None
        with self._transaction() as con:
            con.execute(
                "INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?, ?)",
                (shop, tokens.access_token, tokens.refresh_token, expires, tokens.replaces),
            )

    # tables of other modules of this room -----------------------------------------------------------------------

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Write within one transaction; another process's write is waited for."""
        return self._transaction()

    def select(self, sql: str, values: Sequence[str] = ()) -> list[sqlite3.Row]:
        """Rows with named columns."""
        with self._lock:
            cursor = self._con.cursor()
            cursor.row_factory = sqlite3.Row
            return cursor.execute(sql, values).fetchall()


def _text(instant: datetime) -> str:
    """Fixed-width UTC text, so that comparing as text is comparing as time."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def call_ids_since(at: datetime) -> int:
    """The smallest id that a call of that time can have."""
    return int(at.timestamp() * 1e6)


def instant_of(text: str) -> datetime:
    """The instant of a time as it is stored here."""
    return datetime.fromisoformat(text)
