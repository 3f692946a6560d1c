"""The writer's lock: one writer at a time, never nested, with an end to waiting. What is written under it is not its business."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from orders_pipeline.clock import Clock
from orders_pipeline.locks import HeldError, hold
from orders_pipeline.settings import UserError

WAIT_SECONDS = 60.0
"""The longest wait: writes take well under a second, so after a minute the holder is stuck and a person must know."""

_held = threading.local()


@contextmanager
def writer_lock(file: Path, holder: str, clock: Clock) -> Iterator[None]:
    """Hold the lock ``file``. ``holder`` says what for, in words that another process may show.

    Raises UserError naming the holder after WAIT_SECONDS, RuntimeError when this thread holds it already.
    """
    mine: set[Path] = _held.__dict__.setdefault("files", set())
    if file in mine:
        raise RuntimeError(f"The warehouse lock is never nested: {holder!r} asked for it inside another write.")
    with ExitStack() as stack:
        try:
            stack.enter_context(hold(file, holder, clock, WAIT_SECONDS))
        except HeldError as held:
            raise UserError(
                f"Another process has held the warehouse for over {WAIT_SECONDS:.0f} s: {held}. "
                "Try again when it has ended, or end it."
            ) from None
        mine.add(file)
        try:
            yield
        finally:
            mine.discard(file)
