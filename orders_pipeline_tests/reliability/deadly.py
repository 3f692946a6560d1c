"""The places between which a run can die: each step of a window, from the call to the published row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from orders_pipeline.sync.caller import Caller
from orders_pipeline.sync.landing import Landing
from orders_pipeline.sync.ops import Ops
from orders_pipeline.warehouse import Warehouse

STEPS: tuple[tuple[type, str], ...] = (
    (Caller, "call"),
    (Landing, "write"),
    (Warehouse, "apply"),
    (Warehouse, "apply_tail"),
    (Warehouse, "flush"),
    (Ops, "set_tail_mark"),
)

PLACES = tuple(f"{when} {owner.__name__}.{name}" for owner, name in STEPS for when in ("before", "after"))


@contextmanager
def passing(at: Callable[[str], None]) -> Iterator[None]:
    """``at`` is told each place that is passed, and may end the run there."""

    def told(place: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def body(*args: Any, **kwargs: Any) -> Any:
            at(f"before {place}")
            result = method(*args, **kwargs)
            at(f"after {place}")
            return result

        return body

    with ExitStack() as stack:
        for owner, name in STEPS:
            stack.enter_context(patch.object(owner, name, told(f"{owner.__name__}.{name}", getattr(owner, name))))
        yield
