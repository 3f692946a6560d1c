"""The quota of an app key: at most N calls in any 60 seconds, counted over every process that uses the key.

A sliding log, not a token bucket: a bucket of 100 refilled at 100 a minute lets 199 calls through in one minute.
Who goes first when places are scarce, and bans that the platform imposes, are seen to here too, across processes.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from datetime import timedelta
from enum import IntEnum
from uuid import uuid4

from pyrate_limiter import Rate, RateItem, SQLiteBucket

from orders_pipeline.clock import SHOP_TZ, Clock
from orders_pipeline.platforms.base import FlowControlError
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.pauses import Pauses

LONGEST_BAN = 900.0
"""Seconds. A longer ban (they last to the end of the day when a daily quota is spent) ends the run instead of holding it."""

_INTERVAL_MS = 60_500
"""60 s as the platform counts, and half a second more: a call that travels faster than the one before it must not arrive
as the 101st of the platform's minute. Costs 0.8 % of the quota."""

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
    """Sliding log of one app key's calls in ``ops.sqlite``.

    Two rules let urgent calls through while a back-fill uses all that is left. Nobody takes a place while a call of a higher
    priority waits for one. And work that is not urgent spreads the second half of the places over the time until the
    oldest call leaves the minute: so places come free one by one, about every second, and never all at once a minute later.
    """

    def __init__(
        self,
        ops: Ops,
        app_key: str,
        calls_per_minute: int,
        clock: Clock,
        *,
        per_api: Mapping[str, int] | None = None,
        pauses: Pauses | None = None,
    ) -> None:
        self._ops = ops
        self._app_key = app_key
        self._limit = calls_per_minute
        self._per_api = dict(per_api or {})
        self._clock = clock
        self._pauses = pauses or Pauses(clock)
        self._lock = threading.Lock()  # the bucket's file lock tells processes apart, not threads
        self._taken = 0
        digest = hashlib.sha256(app_key.encode()).hexdigest()[:12]
        self._table, self._waiting = f"quota_{digest}", f"quota_waiting_{digest}"
        self._bucket = SQLiteBucket.init_from_file(
            [Rate(calls_per_minute, _INTERVAL_MS)], table=self._table, db_path=str(ops.path), use_file_lock=True
        )
        with self._lock, self._bucket.lock:
            self._bucket.conn.execute(
                f"CREATE TABLE IF NOT EXISTS {self._waiting} (waiter TEXT PRIMARY KEY, priority INTEGER, until INTEGER)"
            )
            self._bucket.conn.commit()

    def acquire(
        self, api: str = "", priority: Priority = Priority.INCREMENTAL, *, max_wait: float | None = None
    ) -> float:
        """Wait for a free place and take it. Returns the seconds waited.

        Raises FlowControlError, which says until when, where a ban lasts longer than ``max_wait`` (LONGEST_BAN where None)
        or, with a ``max_wait``, no place comes free in time; StoppedError when the run ends its waits.
        """
        waited = 0.0
        waiter = uuid4().hex
        try:
            while True:
                self._pauses.look()
                banned = self._banned()
                if banned > (LONGEST_BAN if max_wait is None else max_wait - waited):
                    raise self._refusal("the platform takes no calls of this app key", banned)
                pause = banned or self._try(api, priority, waiter)
                if not pause:
                    return waited
                if max_wait is not None and waited + pause > max_wait:
                    raise self._refusal("the quota of this app key is used up", pause)
                self._pauses.sleep(pause)
                waited += pause
        finally:
            if waited:
                self._leave(waiter)

    def ban(self, seconds: float) -> None:
        """The platform refuses this key for so long: no process calls before then."""
        now = self._clock.now()
        self._ops.ban(self._app_key, now + timedelta(seconds=seconds), now)

    def close(self) -> None:
        self._bucket.close()  # type: ignore[no-untyped-call]

    def _banned(self) -> float:
        """Seconds that a ban still lasts. Where the clock was set back since it was imposed, it starts anew, at full length."""
        ban = self._ops.banned_until(self._app_key)
        if ban is None:
            return 0.0
        until, said_at = ban
        now = self._clock.now()
        if said_at > now + timedelta(milliseconds=_AHEAD_MS):
            until = now + (until - said_at)
            self._ops.move_ban(self._app_key, until, now)
        return max((until - now).total_seconds(), 0.0)

    def _refusal(self, what: str, seconds: float) -> FlowControlError:
        until = (self._clock.now() + timedelta(seconds=seconds)).astimezone(SHOP_TZ)
        return FlowControlError(f"Not called: {what} until {until:%Y-%m-%d %H:%M:%S} (Shanghai).", wait_seconds=seconds)

    def _try(self, api: str = "", priority: Priority = Priority.INCREMENTAL, waiter: str = "") -> float:
        """Take a place and return 0, or return the seconds until it is worth trying again."""
        with self._lock, self._bucket.lock:
            now = int(self._clock.now().timestamp() * 1000)  # under the lock: nobody's call can be later than ours
            if self._taken % _LEAK_EVERY == 0:
                self._bucket.leak(now)
                self._write(f"DELETE FROM {self._waiting} WHERE until < ?", now)
            wait, in_line = self._wait(api, priority, now)
            if wait <= 0 and self._bucket.put(RateItem(api, now)):
                self._taken += 1
                return 0.0
            if in_line and waiter:
                until = now + max(wait, 1) + _GRACE_MS
                self._write(f"INSERT OR REPLACE INTO {self._waiting} VALUES (?, ?, ?)", waiter, int(priority), until)
            return max(wait, 1) / 1000

    def _wait(self, api: str, priority: Priority, now: int) -> tuple[int, bool]:
        """Milliseconds until a try is worth while, 0 = now; and whether lower priorities are to step back meanwhile."""
        used, oldest, newest = self._calls(now)
        if newest > now + _AHEAD_MS:
            self._write(f"UPDATE {self._table} SET item_timestamp = ? WHERE item_timestamp > ?", now, now)
            used, oldest, newest = self._calls(now)
        if api in self._per_api:
            of_api, oldest_of_api, _ = self._calls(now, api)
            if of_api >= self._per_api[api]:
                return max(oldest_of_api + _INTERVAL_MS + 1 - now, 1), False  # others need not wait for this api's turn
        next_free = max(oldest + _INTERVAL_MS + 1 - now, 1) if used else 0
        if used >= self._limit:
            return next_free, True
        if priority not in _URGENT and used >= self._limit / 2:
            wait = next_free // (self._limit - used) - (now - newest)
            if wait > 0:
                return wait, True
        ahead = f"SELECT count(*) FROM {self._waiting} WHERE priority < ? AND until >= ?"
        (first,) = self._bucket.conn.execute(ahead, (int(priority), now)).fetchone()
        return (_YIELD_MS, True) if first else (0, False)

    def _calls(self, now: int, api: str | None = None) -> tuple[int, int, int]:
        """How many calls the last interval holds, the oldest's and the newest's time; of one api where it is named."""
        columns = "count(*), coalesce(min(item_timestamp), 0), coalesce(max(item_timestamp), 0)"
        query = f"SELECT {columns} FROM {self._table} WHERE item_timestamp >= ?"
        values: tuple[object, ...] = (now - _INTERVAL_MS,)
        if api is not None:  # without it the index alone answers
            query, values = f"{query} AND name = ?", (*values, api)
        used, oldest, newest = self._bucket.conn.execute(query, values).fetchone()
        return used, oldest, newest

    def _leave(self, waiter: str) -> None:
        with self._lock, self._bucket.lock:
            self._write(f"DELETE FROM {self._waiting} WHERE waiter = ?", waiter)

    def _write(self, statement: str, *values: object) -> None:
        self._bucket.conn.execute(statement, values)
        self._bucket.conn.commit()
