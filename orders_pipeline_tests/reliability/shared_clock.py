"""One stepped clock for several processes, in a file: it moves on only when everybody who takes part waits for it.

So ten minutes of the platform's time pass in seconds, and none passes while a process computes: what a run makes of its
quota does not depend on the machine.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

SLOTS = 8
_DOUBLE = struct.Struct("d")
_ABSENT, _RUNNING = -1.0, 0.0  # else: the epoch second that a participant sleeps until

POLL = 0.001  # real seconds between looks at the clock
REAL_WORK = 0.1
"""Shorter waits may be for a lock that a running process holds: they end by the clock or in real time, whichever is first."""

LEAST_REAL = 0.02
"""Real seconds that even the shortest wait takes while the clock stands, as a look at a lock does: a wait of a millisecond for
the quota would else begin anew, and the quota be asked, a thousand times a second while another process computes."""


class SharedClock:
    """A ``orders_pipeline.clock.Clock`` and the sandbox's clock. Without a slot it looks on and never steps it."""

    speed = 0.0  # stands still but for the sleepers

    def __init__(self, path: Path, slot: int | None = None) -> None:
        self._file = os.open(path, os.O_RDWR)
        self._map = mmap.mmap(self._file, _DOUBLE.size * (1 + SLOTS))
        self._slot = slot
        if slot is not None:
            self._set(slot, _RUNNING)

    @classmethod
    def create(cls, path: Path, start: datetime) -> SharedClock:
        path.write_bytes(_DOUBLE.pack(start.timestamp()) + _DOUBLE.pack(_ABSENT) * SLOTS)
        return cls(path)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._get(), UTC)

    def advance(self, seconds: float) -> datetime:
        """Step the clock from outside."""
        with self._locked():
            self._put(0, self._get() + seconds)
        return self.now()

    def sleep(self, seconds: float) -> None:
        if self._slot is None:
            raise RuntimeError("a clock without a slot cannot wait: nobody would count it in")
        target = self._get() + max(seconds, 0.0)
        self._set(self._slot, target)
        enough = time.monotonic() + max(seconds, LEAST_REAL) if seconds <= REAL_WORK else math.inf
        while self._get() < target and time.monotonic() < enough:
            time.sleep(POLL)
        self._set(self._slot, _RUNNING)

    def leave(self, slot: int) -> None:
        """This participant is gone; the clock waits for it no more."""
        self._set(slot, _ABSENT)

    def join(self, slot: int) -> None:
        """A participant is about to start: until it waits, the clock stands still."""
        self._set(slot, _RUNNING)

    def _set(self, slot: int, value: float) -> None:
        with self._locked():
            self._put(1 + slot, value)
            slots = [self._get(1 + other) for other in range(SLOTS)]
            taking_part = [value for value in slots if value != _ABSENT]
            if taking_part and _RUNNING not in taking_part:
                self._put(0, max(self._get(), min(taking_part)))

    def _get(self, place: int = 0) -> float:
        (value,) = _DOUBLE.unpack_from(self._map, place * _DOUBLE.size)
        return float(value)

    def _put(self, place: int, value: float) -> None:
        _DOUBLE.pack_into(self._map, place * _DOUBLE.size, value)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
