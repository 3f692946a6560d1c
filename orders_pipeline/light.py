"""Keeps commands and runs that start every few minutes from paying for libraries that they do not use."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_pandas() -> Iterator[None]:
    """Within, pandas cannot be imported, unless somebody has it already.

    At the first bound parameter duckdb 1.5.5 imports pandas (0.9 s, 60 MB) only to ask whether the value is one of its; where
    the import fails it goes on without.
    """
    if "pandas" in sys.modules:
        yield
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]  # the import system's own mark for "not to be had"
    try:
        yield
    finally:
        del sys.modules["pandas"]
