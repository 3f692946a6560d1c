"""Mending one window: what was lost is stored, what the list no longer shows is asked for by its id, and then compared anew.

A row is marked vanished on one evidence only: the platform, asked for that very id, does not know it. A list that leaves it
out proves nothing, a list that was read short still less.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from orders_pipeline.platforms.base import (
    Feed,
    NotListedError,
    Page,
    PermissionDeniedError,
    Request,
    RequestError,
    UnknownAnswerError,
)
from orders_pipeline.sync.applying import apply_files
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.reconciling.comparing import Difference, Segment, compare
from orders_pipeline.sync.reconciling.tables import Tables, mark_vanished

MOST_ASKED = 100
"""Ids asked for singly in one run: a minute of the usual quota. More wait for the next comparison, and are red till then."""


@dataclass(frozen=True, slots=True)
class Mended:
    """One segment before and after. ``vanished`` and ``answered`` are ids that the list left out and that were asked for."""

    segment: Segment
    before: Difference
    after: Difference
    vanished: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()
    refetched: int = 0

    @property
    def stale_by_id(self) -> dict[str, datetime | None]:
        """Rows that stood in this window in an old version, and whose new one belongs elsewhere."""
        return {i: v for i, v in self.before.extra.items() if i in self.answered and i not in self.after.extra}

    @property
    def left(self) -> int:
        """Rows that still differ."""
        return self.after.found + self.segment.short


def mend(ctx: Context, segment: Segment, settled: datetime, *, heal: bool) -> Mended:
    """Compare a segment and, with ``heal``, store what it brought, ask for what it left out, compare again.

    Raises PlatformError.
    """
    before = compare(ctx, segment, settled)
    if not before.found or not heal:
        return Mended(segment, before, before)
    refetched = 0
    if before.missing or before.stale:
        apply_files(ctx, [ctx.land_window(segment.feed, segment.window, "refetch", segment.read, segment.fetched_at)])
        refetched = len(segment.read.ids)
    # a list that was read short may show them next time
    answered, vanished = ask(ctx, segment.feed, () if segment.short else before.extra)
    ctx.warehouse.flush()  # the comparison reads the published copy
    after = compare(ctx, segment, settled)
    return Mended(segment, before, after, vanished, answered, refetched + len(answered))


def ask(ctx: Context, feed: Feed, ids: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Ask for rows by their ids, store what is answered, mark what the platform does not know: (answered, vanished)."""
    pages: list[Page] = []
    unknown: list[str] = []
    for row_id in sorted(ids)[:MOST_ASKED]:
        try:
            pages.append(ctx.caller.call(_one(ctx, feed, row_id)))
        except NotListedError:
            unknown.append(row_id)
        except (RequestError, PermissionDeniedError, UnknownAnswerError):
            continue  # no answer about this id is no evidence, and no reason to leave the rest unhealed
    if pages:
        at = ctx.caller.platform_now()
        apply_files(ctx, [ctx.landing.land(feed.table, ctx.origin("refetch"), (at, at), pages, at, len(pages))])
    if unknown:
        with ctx.warehouse.write(ctx.holder) as con:
            mark_vanished(con, ctx.shop.shop, feed, unknown, ctx.caller.platform_now())
    return frozenset(row_id for page in pages for row_id, _ in page.keys), frozenset(unknown)


def moved_since(ctx: Context, mended: Mended, settled: datetime) -> frozenset[str]:
    """Of the ids that were asked for, those that the platform changed after ``settled``: they left the window while it was
    compared, which is no difference."""
    if not mended.answered:
        return frozenset()
    with ctx.warehouse.read() as con:
        known = Tables(con, ctx.shop.shop, mended.segment.feed, mended.segment.fetched_at).known(mended.answered)
    return frozenset(row_id for row_id, row in known.items() if row.version > settled)


def _one(ctx: Context, feed: Feed, row_id: str) -> Request[Page]:
    return ctx.platform.refund(row_id) if feed.table == "refund_pages" else ctx.platform.order(row_id)
