"""Keeps commands and runs that start every few minutes from paying for libraries that they do not use."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager


def without_pandas() -> AbstractContextManager[None]:
    """Within, pandas cannot be imported, unless somebody has it already.

    At the first bound parameter duckdb 1.5.5 imports pandas (0.9 s, 60 MB) only to ask whether the value is one of its; where
    the import fails it goes on without.
    """
    return without("pandas")


@contextmanager
def without(module: str) -> Iterator[None]:
    """Within, this module cannot be imported, unless somebody has it already."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # the import system's own mark for "not to be had"
    try:
        yield
    finally:
        del sys.modules[module]


@contextmanager
def importing() -> Iterator[None]:
    """Within, no garbage is collected, and what is there at the end is never looked through again: modules stay.

    Else each collection of a short run goes through everything that it has imported: 0.03 s of a start, and as much of a load.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
