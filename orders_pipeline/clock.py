"""The one source of time: real in production, stepped in tests. Nothing else in the package reads the clock or sleeps."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

SHOP_TZ = ZoneInfo("Asia/Shanghai")
"""Days are cut here, whatever zone the host is in."""


class Clock(Protocol):
    """Wall time and sleeping, injectable."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; a test's clock steps instead."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(max(seconds, 0.0))


def shop_day(instant: datetime) -> date:
    """The calendar day in Asia/Shanghai on which an aware instant falls."""
    return instant.astimezone(SHOP_TZ).date()
