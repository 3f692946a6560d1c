"""Waiting that another thread can end: a reader that waits minutes for its turn must not hold up Ctrl-C or a failed pull."""

from __future__ import annotations

import threading

from orders_pipeline.clock import Clock

_SLICE = 0.5
"""Seconds between two looks at whether to go on waiting: nobody notices half a second after Ctrl-C."""


class StoppedError(Exception):
    """The pull that this call belonged to has ended; nobody waits for its answer."""


class Pauses:
    """All waits of one run. Safe to use from several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ended = threading.Event()

    def sleep(self, seconds: float) -> None:
        """Wait on the run's clock. Raises StoppedError when ``end`` is called before or meanwhile."""
        left = seconds
        while left > 0:
            self.look()
            self._clock.sleep(min(left, _SLICE))
            left -= _SLICE
        self.look()

    def look(self) -> None:
        """Raises StoppedError where waiting has ended."""
        if self._ended.is_set():
            raise StoppedError

    def end(self) -> None:
        """End all waits, those to come too, until ``begin``."""
        self._ended.set()

    def begin(self) -> None:
        """Allow waits again."""
        self._ended.clear()
