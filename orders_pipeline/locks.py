"""Named locks between processes and threads: a file lock, which the kernel frees when its holder is killed, and a note of
who holds it. What is done under one is decided where it is taken (``warehouse/lock.py``, ``sync/leases.py``).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from orders_pipeline.clock import SHOP_TZ, Clock

POLL_SECONDS = 0.02
"""Pause between tries: short against a write of 0.1 to 0.3 s, and 50 tries a second cost no measurable CPU."""


class HeldError(Exception):
    """Somebody else holds the lock; ``str()`` says who, for what and since when."""


@contextmanager
def hold(file: Path, holder: str, clock: Clock, wait_seconds: float) -> Iterator[None]:
    """Hold the lock ``file`` while the block runs. ``holder`` says what for, in words that another process may show.

    Raises HeldError when it is not free within ``wait_seconds``.
    """
    lock = FileLock(file, timeout=0, thread_local=False, is_singleton=False)
    begun = clock.now()
    while True:
        try:
            lock.acquire()
            break
        except Timeout:
            if (clock.now() - begun).total_seconds() >= wait_seconds:
                raise HeldError(_who(file)) from None
            clock.sleep(POLL_SECONDS)
    note = _note(file)
    try:
        temporary = note.with_suffix(".tmp")
        temporary.write_text(
            json.dumps({"pid": os.getpid(), "what": holder, "since": clock.now().isoformat()}), encoding="utf-8"
        )
        temporary.replace(note)
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def holder_of(file: Path) -> str | None:
    """Who holds the lock now, or None where it is free."""
    lock = FileLock(file, timeout=0, thread_local=False, is_singleton=False)
    try:
        lock.acquire()
    except Timeout:
        return _who(file)
    lock.release()
    return None


def _note(file: Path) -> Path:
    """Text beside the lock: the lock file itself must stay as it is, or waiters would lock another inode."""
    return file.with_suffix(".holder")


def _who(file: Path) -> str:
    try:
        holder = json.loads(_note(file).read_text(encoding="utf-8"))
        since = datetime.fromisoformat(holder["since"]).astimezone(SHOP_TZ)
        return f"{holder['what']} (process {holder['pid']}, since {since:%Y-%m-%d %H:%M:%S} Asia/Shanghai)"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that left no name"
