"""The writer's lock: one at a time across processes and threads, freed by the kernel when its holder is killed.

What is written under it is not this module's business.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from orders_pipeline.clock import SHOP_TZ, Clock
from orders_pipeline.settings import UserError

WAIT_SECONDS = 60.0
"""The longest wait: writes take well under a second, so after a minute the holder is stuck and a person must know."""

POLL_SECONDS = 0.02
"""Pause between tries: short against a write of 0.1 to 0.3 s, and 50 tries a second cost no measurable CPU."""

_held = threading.local()


@contextmanager
def writer_lock(file: Path, holder: str, clock: Clock) -> Iterator[None]:
    """Hold the lock ``file``. ``holder`` says what for, in words that another process may show.

    Raises UserError naming the holder after WAIT_SECONDS, RuntimeError when this thread holds it already.
    """
    mine: set[Path] = _held.__dict__.setdefault("files", set())
    if file in mine:
        raise RuntimeError(f"The warehouse lock is never nested: {holder!r} asked for it inside another write.")
    lock = FileLock(file, timeout=0, thread_local=False, is_singleton=False)
    begun = clock.now()
    while True:
        try:
            lock.acquire()
            break
        except Timeout:
            if (clock.now() - begun).total_seconds() >= WAIT_SECONDS:
                raise UserError(
                    f"Another process has held the warehouse for over {WAIT_SECONDS:.0f} s: {_who(file)}. "
                    "Try again when it has ended, or end it."
                ) from None
            clock.sleep(POLL_SECONDS)
    mine.add(file)
    sidecar = _sidecar(file)
    try:
        temporary = sidecar.with_suffix(".tmp")
        temporary.write_text(json.dumps({"pid": os.getpid(), "what": holder, "since": clock.now().isoformat()}))
        temporary.replace(sidecar)
        yield
    finally:
        sidecar.unlink(missing_ok=True)
        mine.discard(file)
        lock.release()


def _sidecar(file: Path) -> Path:
    """Text beside the lock: the lock file itself must stay as it is, or waiters would lock another inode."""
    return file.with_suffix(".holder")


def _who(file: Path) -> str:
    try:
        holder = json.loads(_sidecar(file).read_text())
        since = datetime.fromisoformat(holder["since"]).astimezone(SHOP_TZ)
        return f"{holder['what']} (process {holder['pid']}, since {since:%Y-%m-%d %H:%M:%S} Asia/Shanghai)"
    except (OSError, ValueError, KeyError, TypeError):
        return "it left no name"
