"""Where the calls, the waiting calls and the ban of one app key are written down; the rules about them are in ``quota.py``.

The statements stand here once, in SQL that SQLite and Postgres both take. How one gets a turn alone, and whose clock counts,
differs: ``quota_sqlite.py`` serves one data folder, ``quota_postgres.py`` the machines that share an app key.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

INTERVAL_MS = 60_500
"""60 s as the platform counts, and half a second more: a call that travels faster than the one before it must not arrive
as the 101st of the platform's minute. Costs 0.8 % of the quota."""


class Seen(NamedTuple):
    """One look at the log. Times are milliseconds since 1970, 0 where there is nothing to tell a time of."""

    used: int
    oldest: int
    newest: int
    ahead: int
    """Waiting calls of a higher priority."""
    banned_until: int
    ban_said_at: int


class QuotaLog(ABC):
    """The log of one app key. Everything but ``turn`` and ``close`` belongs inside a turn."""

    def __init__(self, app_key: str) -> None:
        digest = hashlib.sha256(app_key.encode()).hexdigest()[:12]
        self.key_number = int(digest, 16)
        self.calls, self.waiting, self.bans = f"quota_{digest}", f"quota_waiting_{digest}", f"quota_ban_{digest}"
        self.schema = (
            f"CREATE TABLE IF NOT EXISTS {self.calls} (name VARCHAR, item_timestamp BIGINT)",
            f"CREATE INDEX IF NOT EXISTS idx_{self.calls}_rate_item_timestamp ON {self.calls} (item_timestamp)",
            f"CREATE TABLE IF NOT EXISTS {self.waiting} (waiter TEXT PRIMARY KEY, priority INTEGER, until BIGINT)",
            f"CREATE TABLE IF NOT EXISTS {self.bans} (until BIGINT, said_at BIGINT)",  # one row or none
        )
        self._look = (
            "SELECT count(*), coalesce(min(item_timestamp), 0), coalesce(max(item_timestamp), 0),"
            f" (SELECT count(*) FROM {self.waiting} WHERE priority < ? AND until >= ?),"
            f" coalesce((SELECT until FROM {self.bans}), 0), coalesce((SELECT said_at FROM {self.bans}), 0)"
            f" FROM {self.calls} WHERE item_timestamp >= ?"
        )

    @abstractmethod
    def turn(self) -> AbstractContextManager[int]:
        """Alone with the log, among all who share it. Gives the time by the clock that they go by; commits at the end."""

    @abstractmethod
    def run(self, statement: str, *values: object) -> Any:
        """A cursor over what the statement returns; ``?`` stands for a value."""

    @abstractmethod
    def close(self) -> None: ...

    def look(self, since: int, now: int, priority: int) -> Seen:
        return Seen(*self.run(self._look, priority, now, since).fetchone())

    def of_api(self, api: str, since: int) -> tuple[int, int]:
        """How many calls one api has had, and when the oldest was."""
        query = f"SELECT count(*), coalesce(min(item_timestamp), 0) FROM {self.calls} WHERE item_timestamp >= ? AND name = ?"
        used, oldest = self.run(query, since, api).fetchone()
        return used, oldest

    def add(self, api: str, at: int) -> None:
        """Write a call down."""
        self.run(f"INSERT INTO {self.calls} VALUES (?, ?)", api, at)

    def date_back(self, now: int) -> None:
        """The clock was set back: calls count as made now, a ban starts anew at full length, who still waits says so again."""
        self.run(f"UPDATE {self.calls} SET item_timestamp = ? WHERE item_timestamp > ?", now, now)
        self.run(f"UPDATE {self.bans} SET until = ? + until - said_at, said_at = ? WHERE said_at > ?", now, now, now)
        self.run(f"DELETE FROM {self.waiting}")

    def forget(self, before: int, now: int) -> None:
        """Drop calls from before then, and waiting calls that never woke up."""
        self.run(f"DELETE FROM {self.calls} WHERE item_timestamp < ?", before)
        self.run(f"DELETE FROM {self.waiting} WHERE until < ?", now)

    def wait(self, waiter: str, priority: int, until: int) -> None:
        statement = (
            f"INSERT INTO {self.waiting} VALUES (?, ?, ?) ON CONFLICT (waiter) DO UPDATE SET until = excluded.until"
        )
        self.run(statement, waiter, priority, until)

    def leave(self, waiter: str) -> None:
        self.run(f"DELETE FROM {self.waiting} WHERE waiter = ?", waiter)

    def ban(self, until: int, said_at: int) -> None:
        """The one ban that holds, in place of any before."""
        self.run(f"DELETE FROM {self.bans}")
        self.run(f"INSERT INTO {self.bans} VALUES (?, ?)", until, said_at)
