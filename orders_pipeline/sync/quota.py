"""The quota of an app key: at most N calls in any 60 seconds, counted over every process that uses the key.

A sliding log, not a token bucket: a bucket of 100 refilled at 100 a minute lets 199 calls through in one minute.
Bans that the platform imposes are obeyed here too, across processes.
"""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta

from pyrate_limiter import Rate, RateItem, SQLiteBucket

from orders_pipeline.clock import Clock
from orders_pipeline.sync.ops import Ops

_INTERVAL_MS = 60_500
"""60 s as the platform counts, and half a second more: a call that travels faster than the one before it must not arrive
as the 101st of the platform's minute. Costs 0.8 % of the quota."""

_LEAK_EVERY = 100
"""Expired entries are deleted once in so many calls; the delete is indexed and the table stays at a few hundred rows."""


class Quota:
    """Sliding log of one app key's calls in ``ops.sqlite``."""

    def __init__(self, ops: Ops, app_key: str, calls_per_minute: int, clock: Clock) -> None:
        self._ops = ops
        self._app_key = app_key
        self._clock = clock
        self._lock = threading.Lock()  # the bucket's file lock tells processes apart, not threads
        self._taken = 0
        digest = hashlib.sha256(app_key.encode()).hexdigest()[:12]
        self._bucket = SQLiteBucket.init_from_file(
            [Rate(calls_per_minute, _INTERVAL_MS)], table=f"quota_{digest}", db_path=str(ops.path), use_file_lock=True
        )

    def acquire(self) -> float:
        """Wait for a free place and take it. Returns the seconds waited."""
        waited = 0.0
        while (pause := self._try()) > 0:
            self._clock.sleep(pause)
            waited += pause
        return waited

    def ban(self, seconds: float) -> None:
        """The platform refuses this key for so long: no process calls before then."""
        self._ops.ban(self._app_key, self._clock.now() + timedelta(seconds=seconds))

    def close(self) -> None:
        self._bucket.close()  # type: ignore[no-untyped-call]

    def _try(self) -> float:
        """Take a place and return 0, or return the seconds until it is worth trying again."""
        now = self._clock.now()
        until = self._ops.banned_until(self._app_key)
        if until is not None and until > now:
            return (until - now).total_seconds()
        now_ms = int(now.timestamp() * 1000)
        item = RateItem("call", now_ms)
        with self._lock:
            if self._taken % _LEAK_EVERY == 0:
                self._bucket.leak(now_ms)
            if self._bucket.put(item):
                self._taken += 1
                return 0.0
            wait = self._bucket.waiting(item)
        assert isinstance(wait, int)  # noqa: S101 - only async buckets return an awaitable
        return max(wait, 1) / 1000
