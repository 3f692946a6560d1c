"""The quota of an app key: at most N calls in any 60 seconds, counted over every process that uses the key.

A sliding log, not a token bucket: a bucket of 100 refilled at 100 a minute lets 199 calls through in one minute.
Who goes first when places are scarce, and bans that the platform imposes, are seen to here too, across processes.
All rules are here; where the log is kept, for one data folder or for several machines, is in ``quota_log.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from math import ceil
from uuid import uuid4

from orders_pipeline.clock import SHOP_TZ, Clock
from orders_pipeline.platforms.base import FlowControlError
from orders_pipeline.shops import Credentials, Shop
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.pauses import Pauses
from orders_pipeline.sync.quota_log import INTERVAL_MS, QuotaLog, Seen
from orders_pipeline.sync.quota_sqlite import SqliteLog

LONGEST_BAN = 900.0
"""Seconds. A longer ban (they last to the end of the day when a daily quota is spent) ends the run instead of holding it."""

_AHEAD_MS = 1_000
"""Calls logged so far ahead of the clock were made before somebody set it back; they count as made now."""

_YIELD_MS = 100
"""How long a call steps back for one that goes first and is about to wake up."""

_GRACE_MS = 1_000
"""How late a waiting call may wake up and still go first; after that it is taken to be dead."""

_LEAK_EVERY = 100
"""Expired entries are deleted once in so many calls; the delete is indexed and the table stays at a few hundred rows."""


class Priority(IntEnum):
    """Who goes first, lowest number first."""

    INCREMENTAL = 0
    MESSAGES = 1
    REFUNDS = 2
    DETAILS = 3
    RECONCILIATION = 4
    BACKFILL = 5


_URGENT = (Priority.INCREMENTAL, Priority.MESSAGES)
"""What takes any free place at once. The rest spreads its calls once half of the minute's places are gone."""


class Quota:
    """Sliding log of one app key's calls.

    Two rules let urgent calls through while a back-fill uses all that is left. Nobody takes a place while a call of a higher
    priority waits for one. And work that is not urgent spreads the second half of the places over the time until the
    oldest call leaves the minute: so places come free one by one, about every second, and never all at once a minute later.
    """

    def __init__(
        self, log: QuotaLog, calls_per_minute: int, pauses: Pauses, *, per_api: Mapping[str, int] | None = None
    ) -> None:
        self._log = log
        self._limit = calls_per_minute
        self._per_api = dict(per_api or {})
        self._pauses = pauses
        self._taken = 0

    @classmethod
    def of_shop(cls, shop: Shop, secrets: Credentials, ops: Ops, clock: Clock, pauses: Pauses) -> Quota:
        """The quota of the shop's app key, in the Postgres that its stanza names, else in ``ops.sqlite``."""
        if secrets.quota_url and shop.quota_url_env:
            from orders_pipeline.sync.quota_postgres import PostgresLog  # only who shares a key needs psycopg2

            log: QuotaLog = PostgresLog(secrets.quota_url, shop.quota_url_env, secrets.app_key)
        else:
            log = SqliteLog(ops, secrets.app_key, clock)
        return cls(log, shop.calls_per_minute, pauses, per_api=shop.api_calls_per_minute)

    def acquire(
        self, api: str = "", priority: Priority = Priority.INCREMENTAL, *, max_wait: float | None = None
    ) -> float:
        """Wait for a free place and take it. Returns the seconds waited.

        Raises FlowControlError, which says until when, where a ban lasts longer than ``max_wait`` (LONGEST_BAN where None)
        or, with a ``max_wait``, no place comes free in time; StoppedError when the run ends its waits; UserError where
        the log cannot be used.
        """
        waited = 0.0
        waiter = uuid4().hex
        try:
            while True:
                self._pauses.look()
                now, pause, banned = self.attempt(api, priority, waiter)
                if not pause:
                    return waited
                if banned and pause > (LONGEST_BAN if max_wait is None else max_wait - waited):
                    raise _refusal("the platform takes no calls of this app key", now, pause)
                if max_wait is not None and waited + pause > max_wait:
                    raise _refusal("the quota of this app key is used up", now, pause)
                self._pauses.sleep(pause)
                waited += pause
        finally:
            if waited:
                self.leave(waiter)

    def attempt(
        self, api: str = "", priority: Priority = Priority.INCREMENTAL, waiter: str = ""
    ) -> tuple[int, float, bool]:
        """Take a place if there is one. ``waiter`` names who will come back, so that lower priorities step back meanwhile.

        Returns the time of the turn, the seconds until it is worth trying again, 0 = taken, and whether a ban is why.
        """
        with self._log.turn() as now:
            if self._taken % _LEAK_EVERY == 0:
                self._log.forget(now - INTERVAL_MS, now)
            seen = self._look(now, priority)
            if seen.banned_until > now:
                return now, (seen.banned_until - now) / 1000, True
            wait, in_line = self._wait(seen, api, priority, now)
            if wait <= 0:
                self._log.add(api, now)
                self._taken += 1
                return now, 0.0, False
            if in_line and waiter:
                self._log.wait(waiter, int(priority), now + wait + _GRACE_MS)
            return now, wait / 1000, False

    def leave(self, waiter: str) -> None:
        """Who took a place, or gave up, waits no more."""
        with self._log.turn():
            self._log.leave(waiter)

    def ban(self, seconds: float) -> None:
        """The platform refuses this key for so long: nobody calls before then. A ban never gets shorter."""
        with self._log.turn() as now:
            until = now + ceil(seconds * 1000)
            if until > self._look(now, Priority.INCREMENTAL).banned_until:
                self._log.ban(until, now)

    def close(self) -> None:
        self._log.close()

    def _look(self, now: int, priority: Priority) -> Seen:
        """The log, put in terms of the clock where that was set back since: calls were made now, a ban starts anew."""
        seen = self._log.look(now - INTERVAL_MS, now, priority)
        if max(seen.newest, seen.ban_said_at) <= now + _AHEAD_MS:
            return seen
        self._log.date_back(now)
        return self._log.look(now - INTERVAL_MS, now, priority)

    def _wait(self, seen: Seen, api: str, priority: Priority, now: int) -> tuple[int, bool]:
        """Milliseconds until a try is worth while, 0 = now; and whether lower priorities are to step back meanwhile."""
        if api in self._per_api:
            used, oldest = self._log.of_api(api, now - INTERVAL_MS)
            if used >= self._per_api[api]:
                return max(oldest + INTERVAL_MS + 1 - now, 1), False  # others need not wait for this api's turn
        next_free = max(seen.oldest + INTERVAL_MS + 1 - now, 1) if seen.used else 0
        if seen.used >= self._limit:
            return next_free, True
        if priority not in _URGENT and seen.used >= self._limit / 2:
            wait = next_free // (self._limit - seen.used) - (now - seen.newest)
            if wait > 0:
                return wait, True
        return (_YIELD_MS, True) if seen.ahead else (0, False)


def _refusal(what: str, now: int, seconds: float) -> FlowControlError:
    until = datetime.fromtimestamp(now / 1000 + seconds, SHOP_TZ)
    return FlowControlError(f"Not called: {what} until {until:%Y-%m-%d %H:%M:%S} (Shanghai).", wait_seconds=seconds)
