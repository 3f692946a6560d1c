"""What became of each compared window: its findings, and its row of ``ops.reconciliations``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

import duckdb

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import Feed, FeedName, Window
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.reconciling import reasons
from orders_pipeline.sync.reconciling.healing import Mended, moved_since
from orders_pipeline.sync.reconciling.report import Calls, Finding, Kind, ReconciliationReport
from orders_pipeline.sync.reconciling.tables import Row, Tables

Method = Literal["count", "ids"]

NAMED = 20
"""Findings written out in a row's detail; the counts tell the rest."""

_INSERT = """
INSERT INTO ops.reconciliations (shop, api, axis, window_start, window_end, checked_at, platform_count, local_count,
  missing, extra, stale, refetched, healed, detail, method, excused)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_FORGET = "DELETE FROM ops.reconciliations WHERE shop = ? AND checked_at = ? AND api = ? AND window_start = ? AND window_end = ?"


@dataclass
class Outcome:
    """What became of one compared window."""

    feed: Feed
    window: Window
    method: Method
    platform_count: int
    local_count: int
    findings: list[Finding] = field(default_factory=list)
    short: int = 0  # counted and never shown
    unexplained: int = 0  # platform less here, while nobody has looked at the ids yet
    excused: int = 0
    refetched: int = 0
    listed: set[str] = field(default_factory=set)  # ids that the list showed where it was read
    unlisted: set[str] = field(default_factory=set)  # ids that it left out and that the platform answers singly

    def ids(self, kind: Kind, *, healed: bool | None = None) -> list[str]:
        """Ids of a kind, all or by whether they are mended."""
        return [f.row_id for f in self.findings if f.kind == kind and healed in (None, bool(f.came_back))]

    def take(self, ctx: Context, mended: Mended, settled: datetime, before: reasons.Ledger) -> None:
        """Add what mending one segment of this window brought to light."""
        moved = moved_since(ctx, mended, settled)
        stale = {**mended.before.stale, **{i: v for i, v in mended.stale_by_id.items() if i not in moved}}
        extra = {i: v for i, v in mended.before.extra.items() if i not in stale and i not in moved}
        self.short += mended.segment.short
        self.excused += len(mended.before.excused | moved)
        self.refetched += mended.refetched
        if self.method == "ids":  # else the window was counted, which says more than its segments
            self.platform_count += mended.after.platform_count
            self.local_count += mended.after.local_count
        self.listed.update(mended.segment.versions())
        self.unlisted |= (mended.answered & mended.after.extra.keys()) - moved
        ids = [*mended.before.missing, *stale, *extra]
        if not ids:
            return
        with ctx.warehouse.read() as con:
            here = Tables(con, ctx.shop.shop, mended.segment.feed, mended.segment.fetched_at).known(ids)
            set_aside = reasons.quarantined(con, ctx.shop.shop, ids)
        back = f"read again with its window {_span(mended.segment.window)}"
        for row_id, version in mended.before.missing.items():
            way = "" if row_id in mended.after.missing else back
            self._add("missing", row_id, before.why(version, here.get(row_id), set_aside.get(row_id)), way)
        for row_id, version in stale.items():
            row: Row | None = here.get(row_id)
            by_id = row_id in mended.stale_by_id
            way = "read again by its id" if by_id else "" if row_id in mended.after.stale else back
            newest = row.version if by_id and row else version
            self._add("stale", row_id, before.why(newest, row, set_aside.get(row_id)), way)
        for row_id in extra:
            gone = row_id in mended.vanished
            why = "the platform does not know its id any more" if gone else "the list leaves it out"
            why += ", the platform answers it by its id" if row_id in mended.answered else ""
            self._add("extra", row_id, why, "kept and marked vanished" if gone else "")

    def _add(self, kind: Kind, row_id: str, why: str, came_back: str) -> None:
        what: Literal["order", "refund"] = "refund" if self.feed.table == "refund_pages" else "order"
        self.findings.append(Finding(kind, what, row_id, why, came_back))

    def row(self, shop: str, at: datetime) -> list[object]:
        """Its row of ``ops.reconciliations``. Rows that were counted and never shown are missing, without an id."""
        missing = len(self.ids("missing")) + self.short + max(self.unexplained, 0)
        counts = [missing, len(self.ids("extra")) + max(-self.unexplained, 0), len(self.ids("stale"))]
        healed = sum(bool(finding.came_back) for finding in self.findings)
        lines = [str(finding) for finding in self.findings[:NAMED]]
        lines += [f"and {len(self.findings) - NAMED} more"] if len(self.findings) > NAMED else []
        lines += [f"{self.short} rows counted and never shown"] if self.short else []
        return [
            shop, self.feed.api, self.feed.axis, self.window.start, self.window.end, at, self.platform_count,
            self.local_count, *counts, self.refetched, healed, "; ".join(lines) or None, self.method, self.excused,
        ]  # fmt: skip


def summed(shop: str, day: date, outcomes: Sequence[Outcome], calls: Calls) -> ReconciliationReport:
    """All outcomes as one report."""
    created = [
        outcome for outcome in outcomes if outcome.feed.axis == "created" and outcome.method == outcomes[0].method
    ]
    found = [finding for outcome in outcomes for finding in outcome.findings]

    def left(kind: Kind) -> tuple[str, ...]:
        return tuple(sorted({f.row_id for f in found if f.kind == kind and not f.came_back}))

    return ReconciliationReport(
        shop=shop,
        day=day,
        platform_count=sum(outcome.platform_count for outcome in created),
        local_count=sum(outcome.local_count for outcome in created),
        missing=left("missing"),
        extra=left("extra"),
        stale=left("stale"),
        short=sum(outcome.short for outcome in outcomes),
        excused=sum(outcome.excused for outcome in outcomes),
        refetched=sum(outcome.refetched for outcome in outcomes),
        healed=sum(bool(finding.came_back) for finding in found),
        windows=len(outcomes),
        findings=tuple(found),
        calls=calls,
    )


def ledger_before(ctx: Context, feed: Feed) -> reasons.Ledger:
    """The ledger that explains rows of ``feed``, to be taken before anything is mended."""
    refunds = feed.table == "refund_pages"
    modified = ctx.feed(FeedName.REFUNDS_BY_MODIFIED if refunds else FeedName.ORDERS_BY_MODIFIED)
    created = None if refunds else ctx.feed(FeedName.ORDERS_BY_CREATED)
    with ctx.warehouse.read() as con:
        return reasons.Ledger(con, ctx.shop.shop, modified, created)


def record(ctx: Context, outcomes: Sequence[Outcome], at: datetime | None = None) -> datetime:
    """Write these outcomes, at the moment ``at`` of an earlier record, whose rows they replace, or at a new one.

    Returns the moment. It is later than any before it, so that the newest comparison of a window is never in doubt.
    """
    with ctx.warehouse.write(ctx.holder) as con:
        moment = at or _next_moment(con, ctx.shop.shop, ctx.caller.platform_now())
        for outcome in outcomes:
            values = outcome.row(ctx.shop.shop, moment)
            con.execute(_FORGET, [ctx.shop.shop, moment, outcome.feed.api, outcome.window.start, outcome.window.end])
            con.execute(_INSERT, values)
    return moment


def _next_moment(con: duckdb.DuckDBPyConnection, shop: str, now: datetime) -> datetime:
    (last,) = con.execute("SELECT max(checked_at) FROM ops.reconciliations WHERE shop = ?", [shop]).fetchone() or (
        None,
    )
    return max(now, last.astimezone(now.tzinfo) + timedelta(microseconds=1)) if last else now


def _span(window: Window) -> str:
    start, end = (instant.astimezone(SHOP_TZ) for instant in (window.start, window.end))
    return f"{start:%m-%d %H:%M:%S} to {end:%m-%d %H:%M:%S}"
