"""The steps of several lists, from calls to tables: a sync, a first load, parcels. Leases are ``shop_sync.py``'s."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from orders_pipeline.clock import SHOP_TZ, shop_day
from orders_pipeline.platforms.base import (
    PermissionDeniedError,
    PlatformError,
    RawTable,
    RequestError,
    RetryableError,
    UnknownAnswerError,
)
from orders_pipeline.sync import applying, degraded, parcels, pulls
from orders_pipeline.sync.context import Context, PullReport
from orders_pipeline.sync.quota import Priority
from orders_pipeline.warehouse import ApplyReport

DAYS_A_BATCH = 10
"""Days that a back-fill lands before it looks whether it is time to apply them: at 1,000 orders a day and 100 calls a minute, a
minute's work."""

APPLY_AFTER = timedelta(minutes=1)
"""How long what has landed waits for more to share its transaction (each costs some 0.2 CPU s): a merchant who waits for a first
load, or after an outage, sees orders come in by the minute."""

_List = tuple[Callable[[], PullReport], RawTable, Priority]


@dataclass(frozen=True, slots=True)
class SyncReport:
    """One whole step: what was pulled and what it changed."""

    pulled: tuple[PullReport, ...]
    applied: ApplyReport
    tail: applying.TailReport | None = None
    paused: str = ""  # why increments were not read, where the breaker is open

    @property
    def rows(self) -> int:
        return sum(pull.rows for pull in self.pulled)

    @property
    def calls(self) -> int:
        return sum(pull.calls for pull in self.pulled) + (self.tail.calls if self.tail else 0)

    @property
    def covered_until(self) -> datetime | None:
        return max((pull.covered_until for pull in self.pulled if pull.covered_until), default=None)


def sync(ctx: Context, since: datetime | None = None) -> SyncReport:
    """See ``ShopSync.sync``."""
    pulled: list[PullReport] = []
    refused: list[PlatformError] = []
    tail = None
    breaker = degraded.look(ctx)
    passable: tuple[type[PlatformError], ...] = (PermissionDeniedError, RequestError, UnknownAnswerError)
    if breaker.is_open:
        passable += (RetryableError,)  # to be expected, and no list is to wait for another
    lists = _lists(ctx, since, paused=breaker.is_open)
    batch = _Batch(ctx, [table for _, table, _ in lists])
    try:
        for pull, _, priority in lists:
            try:
                with ctx.caller.at(priority):
                    pulled.append(pull())
            except passable as error:
                refused.append(error)
            batch.apply_if_due()
    finally:
        batch.apply()
    if not breaker.is_open:
        tail = applying.read_tail(ctx)
    if refused:
        raise refused[0]
    paused = degraded.describe(ctx.shop.shop, breaker) if breaker.is_open else ""
    return SyncReport(tuple(pulled), batch.applied, tail, paused)


class _Batch:
    """What lands in these tables and is applied together."""

    def __init__(self, ctx: Context, tables: Sequence[RawTable]) -> None:
        self._ctx, self._tables = ctx, tables
        self._applied_at = ctx.clock.now()
        self.applied = ApplyReport()

    def apply_if_due(self) -> None:
        if self._ctx.clock.now() - self._applied_at >= APPLY_AFTER:
            self.apply()

    def apply(self) -> None:
        self.applied += applying.apply_landed(self._ctx, self._tables)
        self._applied_at = self._ctx.clock.now()


def _lists(ctx: Context, since: datetime | None, *, paused: bool) -> tuple[_List, ...]:
    """What a sync reads: how, into which raw table, and how urgently."""
    if paused:
        return (
            (lambda: degraded.pull_orders(ctx), "trade_pages", Priority.INCREMENTAL),
            (lambda: degraded.pull_refunds(ctx), "refund_pages", Priority.REFUNDS),
        )
    return (
        (lambda: pulls.pull_increments(ctx, since), "trade_pages", Priority.INCREMENTAL),
        (lambda: pulls.pull_refunds(ctx, since), "refund_pages", Priority.REFUNDS),
        (lambda: pulls.pull_shipments(ctx), "shipment_pages", Priority.DETAILS),
    )


def backfill(ctx: Context, days: int) -> SyncReport:
    """Orders of the last ``days`` days by creation, newest first, then refunds; applied as they land."""
    pulled: list[PullReport] = []
    batch = _Batch(ctx, ("trade_pages", "refund_pages"))
    until = shop_day(ctx.caller.platform_now())
    since = until - timedelta(days=days - 1)
    oldest = datetime.combine(since, time(), SHOP_TZ)
    try:
        while until >= since:
            first = max(since, until - timedelta(days=DAYS_A_BATCH - 1))
            pulled.append(pulls.pull_full(ctx, first, until))
            batch.apply_if_due()
            until = first - timedelta(days=1)
        pulled.append(pulls.pull_refunds(ctx, oldest))
    finally:
        batch.apply()
    return SyncReport(tuple(pulled), batch.applied)


def follow_parcels(ctx: Context) -> SyncReport:
    """New shipments, and the traces of parcels that are due a look."""
    shipments = pulls.pull_shipments(ctx)
    applied = applying.apply_landed(ctx, ("shipment_pages",))
    ctx.warehouse.flush()  # which parcels are due is asked of the published copy
    traces = parcels.pull_traces(ctx)
    applied += applying.apply_landed(ctx, ("trace_pages",))
    return SyncReport((shipments, traces), applied)
