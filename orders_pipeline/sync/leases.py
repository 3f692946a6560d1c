"""One process reads one shop at a time. A lease is a file lock: the kernel frees it when its holder is killed.

Runs started from the UI or the shell carry none of Dagster's tags, so Dagster's own limits cannot do this.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.settings import UserError


class ShopBusyError(UserError):
    """Another process holds the lease; the message names it."""


@contextmanager
def lease(folder: Path, name: str, holder: str, *, wait_seconds: float) -> Iterator[None]:
    """Hold the lease ``name`` while the block runs. ``holder`` is what others are told, e.g. a command or a run id.

    Raises ShopBusyError naming the holder when it is not free within ``wait_seconds``.
    """
    path = folder / f"{name}.lock"
    note = folder / f"{name}.holder"
    lock = FileLock(path)
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise ShopBusyError(
            f"{name}: {describe(note)}. Nothing was done here; it will be up to date when that ends."
        ) from None
    try:
        since = datetime.now(UTC).astimezone(SHOP_TZ)
        note.write_text(f"{holder} (pid {os.getpid()}) since {since:%Y-%m-%d %H:%M:%S}", encoding="utf-8")
        yield
    finally:
        lock.release()


def holder_of(folder: Path, name: str) -> str | None:
    """Who holds the lease now, or None where it is free."""
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return describe(folder / f"{name}.holder")
    lock.release()
    return None


def describe(note: Path) -> str:
    try:
        return f"held by {note.read_text(encoding='utf-8')}"
    except OSError:
        return "held by another process"
