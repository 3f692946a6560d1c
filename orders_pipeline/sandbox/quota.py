"""Calls per app key in any 60 seconds, and bans (decisions 23)."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime, timedelta

from orders_pipeline.sandbox.errors import TopError

SPAN = timedelta(seconds=60)  # decisions 23: a sliding minute


class Quota:
    """A sliding log of the accepted calls of each app key.

    Refused calls do not count and do not prolong a ban.
    """

    def __init__(self, calls_per_minute: int, ban_seconds: float | None = None) -> None:
        self.calls_per_minute = calls_per_minute
        self.ban_seconds = ban_seconds
        self.accepted = 0
        self.refused = 0
        self._log: dict[str, deque[datetime]] = {}
        self._banned_until: dict[str, datetime] = {}

    def take(self, app_key: str, now: datetime) -> None:
        """Count one call. Raises TopError 7 with the seconds left where there is no room."""
        until = self._banned_until.get(app_key)
        log = self._log.setdefault(app_key, deque())
        while log and log[0] <= now - SPAN:
            log.popleft()
        if until is None or until <= now:
            if len(log) < self.calls_per_minute:
                log.append(now)
                self.accepted += 1
                return
            until = log[0] + SPAN if self.ban_seconds is None else now + timedelta(seconds=self.ban_seconds)
            self._banned_until[app_key] = until
        self.refused += 1
        seconds = max(math.ceil((until - now).total_seconds()), 1)
        raise TopError(
            7,
            "accesscontrol.limited-by-app-access-count",
            f"This ban will last for {seconds} more seconds",
        )
