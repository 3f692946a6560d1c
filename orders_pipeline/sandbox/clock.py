"""The sandbox platform's own clock: real time, faster, or stepped by a test.

It is what the ``Date`` header, the living shop and every rule about time read. Clients keep a clock of their own.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

from orders_pipeline.clock import SHOP_TZ


class SandboxClock:
    """Wall time of the platform, in UTC, whole seconds aside. Safe to read and step from several threads.

    ``speed`` 1 is real time, 60 makes a minute a second, 0 stands still until ``advance``. ``start`` defaults to now.
    It is a ``orders_pipeline.clock.Clock``: given to a client as well, a stepped clock turns its waits into steps.
    """

    def __init__(self, start: datetime | None = None, *, speed: float = 1.0) -> None:
        if speed < 0:
            raise ValueError(f"speed is {speed}: time does not run backwards")
        self.speed = speed
        self._start = (start or datetime.now(UTC)).astimezone(UTC)
        self._began = time.monotonic()
        self._lock = threading.Lock()

    @classmethod
    def stepped(cls, start: datetime) -> SandboxClock:
        """A clock that stands at ``start`` (aware) until it is advanced."""
        return cls(start, speed=0)

    def now(self) -> datetime:
        with self._lock:
            return self._start + timedelta(seconds=(time.monotonic() - self._began) * self.speed)

    def advance(self, seconds: float) -> datetime:
        """Jump forward, on a running clock too; returns the new time."""
        if seconds < 0:
            raise ValueError(f"cannot advance by {seconds} seconds: time does not run backwards")
        with self._lock:
            self._start += timedelta(seconds=seconds)
        return self.now()

    def sleep(self, seconds: float) -> None:
        """Wait for ``seconds`` of this clock; a stepped clock jumps instead."""
        if self.speed == 0:
            self.advance(max(seconds, 0.0))
        else:
            time.sleep(max(seconds, 0.0) / self.speed)


def to_wire(instant: datetime) -> str:
    """An aware instant as the platform writes it: "yyyy-MM-dd HH:mm:ss", GMT+8."""
    return instant.astimezone(SHOP_TZ).strftime("%Y-%m-%d %H:%M:%S")


def from_wire(text: str) -> datetime:
    """The aware instant of a wire date. Raises ValueError where the text is not exactly one."""
    instant = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHOP_TZ)
    if len(text) != 19:  # strptime also takes "2026-1-5 1:2:3", which sorts wrongly as text
        raise ValueError(f"{text!r} is not yyyy-MM-dd HH:mm:ss")
    return instant
