"""The quota's log in a Postgres: for machines that use one app key, each with a data folder of its own.

The database's clock counts, read once the turn is ours. The machines' clocks differ: a call noted by one that is ten seconds
behind would leave another's minute ten seconds early, and the platform would see 101. The platform's own time would serve too,
but each machine knows it only from answers, give or take the time these travelled, and not before its first call; of one clock
that all ask, only the pace matters, not what it shows.

pyrate-limiter does not fit, here as little as in SQLite: it counts and inserts in a transaction of its own, so that who waits
and a ban could change in between. Its PostgresBucket turns a caller away where another has the table, and needs psycopg 3 with
its pool, while dagster-postgres brings psycopg2.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2

from orders_pipeline.clock import Clock
from orders_pipeline.settings import UserError
from orders_pipeline.sync.quota_log import QuotaLog

_NETWORK = {
    "connect_timeout": 10,  # seconds: twice what a name server and a handshake between continents take
    # a server that goes dark is noticed within 20 s instead of the two hours that systems are set to
    "tcp_user_timeout": 10_000,  # milliseconds
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}

_IDLE_MS = 10_000
"""A machine that goes dark in its turn loses it after so long. A turn takes milliseconds."""

_TURN_MS = 30_000
"""Longest wait for a turn: longer than two machines that went dark one after the other can hold it."""

_BEGIN = """
BEGIN ISOLATION LEVEL READ COMMITTED;
SELECT pg_advisory_xact_lock(%s);
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"""
"""One round trip. Read committed: each statement sees what others had committed when it began, which is after the lock."""

_REFUSALS = {
    "password authentication failed": "the Postgres of the quota refuses this user or password",
    "does not exist": "the Postgres of the quota has no such database or user",
}


class PostgresLog(QuotaLog):
    """One connection, made at the first turn and made again when it is lost; usable from several threads.

    Raises UserError where the database cannot be used. It names the variable, never what is in it: libpq's own words may
    hold a part of a password that is not percent-encoded.
    """

    def __init__(self, url: str, url_env: str, app_key: str, *, clock: Clock | None = None) -> None:
        """``clock`` is for tests that step it; None = the database's."""
        super().__init__(app_key)
        self._url, self._url_env, self._clock = url, url_env, clock
        self._lock = threading.Lock()
        self._con: Any = None  # psycopg2 has no types
        self._cursor: Any = None

    @contextmanager
    def turn(self) -> Iterator[int]:
        with self._lock:
            try:
                now = self._begin()
                yield int(self._clock.now().timestamp() * 1000) if self._clock else now
                self._cursor.execute("COMMIT")
            except psycopg2.Error as error:
                self._drop()
                problem = (error.diag.message_primary or "the connection was lost").splitlines()[0]
                raise UserError(f"{self._url_env}: the Postgres of the quota failed ({problem}): try again.") from None
            except BaseException:
                self._drop()  # the server rolls back
                raise

    def run(self, statement: str, *values: object) -> Any:
        self._cursor.execute(statement.replace("?", "%s"), values)
        return self._cursor

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _begin(self) -> int:
        if self._con is not None:
            try:
                return self._locked()
            except psycopg2.Error:
                if not self._con.closed:
                    raise
                self._drop()  # the server restarted or the line was cut since the last turn
        self._connect()
        return self._locked()

    def _locked(self) -> int:
        self._cursor.execute(_BEGIN, (self.key_number,))
        return int(self._cursor.fetchone()[0])

    def _connect(self) -> None:
        if not self._url.startswith(("postgresql://", "postgres://")):
            raise UserError(f"{self._url_env}: not a postgresql:// URL.")
        try:
            self._con = psycopg2.connect(self._url, application_name="orders-pipeline", **_NETWORK)
        except psycopg2.Error as error:
            reasons = (reason for words, reason in _REFUSALS.items() if words in str(error))
            other = "no Postgres answers at this URL: check host and port, and percent-encode the password"
            raise UserError(f"{self._url_env}: {next(reasons, other)}.") from None
        self._con.autocommit = True  # BEGIN and COMMIT are ours
        self._cursor = self._con.cursor()
        self._cursor.execute(f"SET idle_in_transaction_session_timeout = {_IDLE_MS}; SET lock_timeout = {_TURN_MS}")
        # two that create one table at once would collide even with IF NOT EXISTS
        self._cursor.execute(f"SELECT pg_advisory_xact_lock(%s); {'; '.join(self.schema)}", (self.key_number,))

    def _drop(self) -> None:
        if self._con is not None:
            self._con.close()
        self._con = self._cursor = None
