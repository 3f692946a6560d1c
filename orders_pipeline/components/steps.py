"""How a step ends when it fails, and who hears how far it is.

Dagster stores an exception's text for ever. So that no row content and no secret gets there, a step raises ``dg.Failure``
with one line of ours and nothing else: no cause, no foreign message.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from orders_pipeline.platforms.base import FlowControlError, PlatformError, RetryableError
from orders_pipeline.settings import UserError

if TYPE_CHECKING:
    from orders_pipeline.sync import Progress

RETRY_FETCH = dg.RetryPolicy(max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For steps that call a platform, after the caller's own retries of seconds: 20 and 40 s outlive a gateway's restart, and
a third failure is for the next tick of the schedule."""

_progress: ContextVar[Progress | None] = ContextVar("progress", default=None)


def _silent(text: str, done: int, total: int | None) -> None:
    """Runs of the daemon show their progress as events."""


def current_progress() -> Progress:
    """Who listens to long work: the console of ``demo``, or nobody."""
    return _progress.get() or _silent


@contextmanager
def progress_to(progress: Progress) -> Iterator[None]:
    """While this lasts, steps that run in this thread report to ``progress``."""
    token = _progress.set(progress)
    try:
        yield
    finally:
        _progress.reset(token)


_ON_THEIR_WAY = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING]


def on_its_way(instance: dg.DagsterInstance, job: str) -> bool:
    """Whether a run of this job has been requested and not begun: it will see whatever a second one would."""
    return instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=_ON_THEIR_WAY)) > 0


def one_line(error: BaseException) -> str:
    """What may be stored of an error: our own errors' text; of a foreign one its type and place, never its message."""
    if isinstance(error, (UserError, PlatformError)):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "orders_pipeline" in frame.filename] or frames
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return (
        f"{type(error).__name__}{place}: a fault of the pipeline, not of your settings; its text is withheld, for it may "
        "hold data. Run the step from the shell to see it."
    )


@contextmanager
def failing_in_one_line() -> Iterator[None]:
    """Turn whatever a step raises into ``dg.Failure`` with one line. Only passing trouble is worth a retry."""
    try:
        yield
    except (dg.Failure, dg.RetryRequested, dg.DagsterExecutionInterruptedError):
        raise
    except Exception as error:
        passing = isinstance(error, (RetryableError, FlowControlError))
        raise dg.Failure(one_line(error), allow_retries=passing) from None  # Dagster would store the cause's own text
