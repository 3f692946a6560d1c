"""What a full or failing disk says, in one line that tells what to do. Nothing is mended here: what was stored stays."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import duckdb

from orders_pipeline.settings import UserError

P = ParamSpec("P")
T = TypeVar("T")


def disk_errors_named(work: Callable[P, Iterator[T]]) -> Callable[P, Iterator[T]]:
    """For the generator behind a context manager: a database or file that cannot be written ends its block as a UserError.

    The text of the foreign error is left out: which file it was is no news, and what else it holds nobody knows.
    """

    @functools.wraps(work)
    def named(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        try:
            yield from work(*args, **kwargs)
        except (duckdb.IOException, duckdb.FatalException, sqlite3.OperationalError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            raise UserError(
                f"The disk refused a file of the data folder ({reason}): free space or mend permissions, then run the same "
                "command again; what was stored stays, and nothing is lost."
            ) from None

    return named
