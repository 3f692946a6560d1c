"""One process reads one shop at a time, by work: runs started from the UI or the shell carry none of Dagster's tags, so
Dagster's own limits cannot see to that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from orders_pipeline import locks
from orders_pipeline.clock import Clock
from orders_pipeline.settings import UserError

Work = Literal["sync", "backfill", "stock", "parcels", "messages", "channel", "reconcile"]
"""What a lease is taken for; the channel is the messages of a whole app key, under its first shop's name. A back-fill of hours
does not hold up the increments: they land different windows, and the
freshness guard makes their order irrelevant."""


class ShopBusyError(UserError):
    """Another process does this work for this shop; the message names it."""


@contextmanager
def lease(folder: Path, work: Work, shop: str, holder: str, clock: Clock, *, wait_seconds: float) -> Iterator[None]:
    """Hold the lease while the block runs. ``holder`` is what others are told, a command or a run.

    Raises ShopBusyError naming the holder when it is not free within ``wait_seconds``.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locks.hold(_file(folder, work, shop), holder, clock, wait_seconds))
        except locks.HeldError as held:
            raise ShopBusyError(
                f"{work} of {shop} is held by {held}: nothing was done here, that run does it."
            ) from None
        yield


def holder_of(folder: Path, work: Work, shop: str) -> str | None:
    """Who holds the lease now, or None where it is free."""
    return locks.holder_of(_file(folder, work, shop))


def _file(folder: Path, work: Work, shop: str) -> Path:
    return folder / f"{work}-{shop}.lock"
