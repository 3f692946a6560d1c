"""Reading while the breaker is open: increments pause, and once an hour the last 48 hours are read whole instead.

What the increments leave unread is no more than a hole in the ledger, and the first pull after the breaker has closed begins
with it. When to read which list is here; how, in ``pulls.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Literal

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import (
    FeedName,
    PermissionDeniedError,
    RequestError,
    RetryableError,
    UnknownAnswerError,
    Window,
)
from orders_pipeline.sync import breaker, pulls
from orders_pipeline.sync.breaker import Breaker
from orders_pipeline.sync.context import Context, PullReport
from orders_pipeline.sync.ops import Ops

EVERY = timedelta(hours=1)
"""Between two full reads of the hot range: 48 hours of 1,000 orders a day are about 30 calls."""

HOT_RANGE = timedelta(hours=48)
"""Orders are paid and mostly shipped within two days of their creation: what is older changes little within an outage."""

_PROBED_SPAN = timedelta(minutes=10)

Part = Literal["orders", "refunds"]


def look(ctx: Context) -> Breaker:
    """The shop's breaker now, once probing has decided where that is due. Raises FlowControlError, SessionError."""
    state = _of(ctx)
    for _ in range(breaker.LEAST_CALLS):
        if state.state != "probing" or not _probe(ctx):
            break
        state = _of(ctx)
    return state


def due(ops: Ops, shop: str, part: Part, now: datetime) -> bool:
    """Whether an hour has passed since that part was last read whole."""
    mark = ops.tail_mark(shop, _mark(part))
    return mark is None or now - mark >= EVERY


def pull_orders(ctx: Context) -> PullReport:
    """The hot range by creation, then the holes between increments; nothing where the hour has not passed."""
    with _hourly(ctx, "orders") as is_due:
        if not is_due:
            return PullReport(ctx.feed(FeedName.ORDERS_BY_MODIFIED).api)
        return pulls.pull_hot_range(ctx, HOT_RANGE) + pulls.pull_holes(ctx)


def pull_refunds(ctx: Context) -> PullReport:
    """Refunds have no list by creation: theirs are all holes of the ledger, read once an hour."""
    with _hourly(ctx, "refunds") as is_due:
        return pulls.pull_refunds(ctx) if is_due else PullReport(ctx.feed(FeedName.REFUNDS_BY_MODIFIED).api)


def reason(ops: Ops, shop: str, now: datetime) -> str | None:
    """Why increments of the shop pause; None where they do not."""
    with ops.reading() as con:
        state = breaker.read(con, shop, now)
    return describe(shop, state) if state.is_open else None


def idle_reason(ops: Ops, shop: str, now: datetime) -> str | None:
    """Why a sync at this moment would read nothing; None where it would read or probe."""
    with ops.reading() as con:
        state = breaker.read(con, shop, now)
    busy = state.state != "open" or due(ops, shop, "orders", now) or due(ops, shop, "refunds", now)
    return None if busy else describe(shop, state)


def describe(shop: str, state: Breaker) -> str:
    """One line for people."""
    return f"{shop}: breaker {state}. Increments pause; each hour the last 48 hours are read whole instead."


def _of(ctx: Context) -> Breaker:
    with ctx.ops.reading() as con:
        return breaker.read(con, ctx.shop.shop, ctx.clock.now())


def _probe(ctx: Context) -> bool:
    """One attempt at what the increments will ask; whether its outcome says anything of the platform's health."""
    feed = ctx.feed(FeedName.ORDERS_BY_MODIFIED)
    now = (ctx.platform.now() or ctx.clock.now()).astimezone(SHOP_TZ).replace(microsecond=0)
    request = ctx.platform.list_page(feed, Window(now - _PROBED_SPAN, now), 1, count=True)
    try:
        ctx.caller.call(request, attempts=1)
    except (PermissionDeniedError, RequestError):
        return False
    except (RetryableError, UnknownAnswerError):
        return True  # the log has it, and that is all that a probe is for
    return True


@contextmanager
def _hourly(ctx: Context, part: Part) -> Iterator[bool]:
    """Whether the part is due; noted as done when the block ends well."""
    now = ctx.clock.now()
    is_due = due(ctx.ops, ctx.shop.shop, part, now)
    yield is_due
    if is_due:
        ctx.ops.set_tail_mark(ctx.shop.shop, _mark(part), now)


def _mark(part: Part) -> str:
    return f"hot_{part}"
