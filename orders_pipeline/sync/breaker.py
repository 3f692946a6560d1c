"""The breaker of a shop: whether its platform answers well enough to be read in increments. Derived from the call log, stored
nowhere; what is done while it is open is ``degraded.py``'s.

Closed: calls of the last ten minutes are counted. Open: nothing is tried for a minute. Probing: the first calls after that
minute decide, whoever makes them.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sync.ops import call_ids_since, instant_of

WINDOW = timedelta(minutes=10)
LEAST_CALLS = 20
"""Fewer calls tell no rate: one failure of nineteen would be above five per cent."""

MOST_FAILING = 0.05
"""Retries hide a few per cent of failures at little cost. Above that every fifth window of four pages meets one, and the
platform is in trouble that more calls do not mend."""

COOL_OFF = timedelta(minutes=1)
"""A gateway that restarts is back within a minute; the schedule ticks every five."""

LOOK_BACK = timedelta(hours=24)
"""Of the log. A breaker that nobody has probed for a day says nothing about now."""

FAILURES = ("retryable", "unknown")
"""Outcomes that are the platform's fault: transport, its own errors, foreign bodies, codes outside its table."""

ANSWERS = ("ok", "not_listed")
"""Outcomes that show it works. A spent quota, an expired session, a wrong clock and a wrong request of ours tell neither."""

State = Literal["closed", "open", "probing"]


@dataclass(frozen=True, slots=True)
class Breaker:
    """The state at one moment. ``failures`` of ``calls`` opened it, or are those of the last ten minutes while closed."""

    state: State = "closed"
    failures: int = 0
    calls: int = 0
    opened_at: datetime | None = None  # first opening since it was last closed
    probe_at: datetime | None = None  # from when on calls decide

    @property
    def is_open(self) -> bool:
        """Whether increments pause: it is not known that the platform works."""
        return self.state != "closed"

    def __str__(self) -> str:
        if self.opened_at is None or self.probe_at is None:
            return f"closed: {self.failures} of {self.calls} calls failed in the last 10 minutes"
        since, probe = (at.astimezone(SHOP_TZ) for at in (self.opened_at, self.probe_at))
        return (
            f"open since {since:%m-%d %H:%M}: {self.failures} of {self.calls} calls failed within 10 minutes; "
            f"tried again from {probe:%H:%M:%S} on"
        )


def derive(calls: Iterable[tuple[datetime, str]], now: datetime) -> Breaker:
    """The state at ``now`` from (time, outcome) of a shop's calls, oldest first. Pure."""
    window: deque[tuple[datetime, bool]] = deque()
    failures = 0  # in the window, or among the probes
    breaker = Breaker()
    for at, outcome in calls:
        if outcome not in FAILURES and outcome not in ANSWERS:
            continue
        if at > now:
            continue  # somebody has set the clock back: when that was is not known
        failed = outcome in FAILURES
        if breaker.probe_at is not None and at < breaker.probe_at:
            continue  # on its way when the breaker opened
        window.append((at, failed))
        failures += failed
        if breaker.probe_at is None:
            failures -= _forget(window, at)
            if len(window) >= LEAST_CALLS and failures > MOST_FAILING * len(window):
                breaker = Breaker("open", failures, len(window), at, at + COOL_OFF)
                window.clear()
                failures = 0
        elif failures > MOST_FAILING * LEAST_CALLS:
            breaker = Breaker("open", breaker.failures, breaker.calls, breaker.opened_at, at + COOL_OFF)
            window.clear()
            failures = 0
        elif len(window) >= LEAST_CALLS:
            breaker = Breaker()
            window.clear()
            failures = 0
    if breaker.probe_at is None:
        failures -= _forget(window, now)
        return Breaker("closed", failures, len(window))
    state: State = "probing" if now >= breaker.probe_at else "open"
    return Breaker(state, breaker.failures, breaker.calls, breaker.opened_at, breaker.probe_at)


def read(con: sqlite3.Connection, shop: str, now: datetime) -> Breaker:
    """The state of a shop's breaker from the call log in ``ops.sqlite``."""
    oldest = call_ids_since(now - LOOK_BACK)
    first = con.execute(
        "SELECT call_id FROM api_calls WHERE call_id >= ? AND shop = ? AND outcome IN (?, ?) LIMIT 1",
        (oldest, shop, *FAILURES),
    ).fetchone()
    # before the first failure nothing can open it, so that a log of a day is seldom read
    since = max(oldest, first[0] - WINDOW // timedelta(microseconds=1)) if first else call_ids_since(now - WINDOW)
    rows = con.execute(
        "SELECT at, outcome FROM api_calls WHERE call_id >= ? AND shop = ? ORDER BY call_id", (since, shop)
    )
    return derive(((instant_of(at), outcome) for at, outcome in rows), now)


def _forget(window: deque[tuple[datetime, bool]], now: datetime) -> int:
    """Drop calls that have left the window; how many of them had failed."""
    failed = 0
    while window and window[0][0] <= now - WINDOW:
        failed += window.popleft()[1]
    return failed
