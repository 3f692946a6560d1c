"""One window read whole against the tables: which ids are missing here, stale here, or not listed there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import Feed, Window
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.paging import WindowRead
from orders_pipeline.sync.reconciling.tables import Tables
from orders_pipeline.sync.windows import wall


@dataclass(frozen=True, slots=True)
class Segment:
    """A window, or what of a large one was read whole in one go, and when."""

    feed: Feed
    window: Window
    read: WindowRead
    fetched_at: datetime

    @property
    def short(self) -> int:
        """Rows that were counted and never shown: what stands in no page is not gone for that."""
        return 0 if self.read.complete else self.read.shortfall

    def versions(self) -> dict[str, datetime | None]:
        """The newest version met of each id; None where a row carries no date, and is compared by its id alone."""
        newest: dict[str, datetime | None] = {}
        for page in self.read.pages:
            for row_id, text in page.keys:
                version, known = _instant(text), newest.get(row_id)
                newest[row_id] = max(version, known) if version and known else version or known
        return newest


@dataclass(frozen=True, slots=True)
class Difference:
    """What one segment and the tables disagree on. Ids, with the version listed there where it is known."""

    platform_count: int
    local_count: int
    missing: dict[str, datetime | None]
    stale: dict[str, datetime | None]
    extra: dict[str, datetime | None]  # the version that is here
    excused: frozenset[str]  # changed too shortly before to be due

    @property
    def found(self) -> int:
        return len(self.missing) + len(self.stale) + len(self.extra)


def read_segments(ctx: Context, feed: Feed, window: Window) -> list[Segment]:
    """The window whole, in several segments where it holds very much. Raises PlatformError, and UserError where a segment
    could not be called complete at all."""
    fetched_at = ctx.caller.platform_now()
    return [Segment(feed, read.window, read, fetched_at) for read in ctx.segments(feed, window)]


def compare(ctx: Context, segment: Segment, settled: datetime) -> Difference:
    """Compare with the published copy. What is listed in a version after ``settled`` is not due here yet.

    A row that stands beside the wall, or of a type that the list leaves out, is no difference.
    """
    theirs = segment.versions()
    with ctx.warehouse.read() as con:
        tables = Tables(con, ctx.shop.shop, segment.feed, segment.fetched_at)
        ours = tables.listed(segment.window)
        known = tables.known(theirs)
    excused = {row_id for row_id, version in theirs.items() if version and version > settled and row_id not in known}
    missing = {i: version for i, version in theirs.items() if i not in known and i not in excused}
    stale: dict[str, datetime | None] = {}
    for row_id, version in theirs.items():
        if version and row_id in known and known[row_id].version < version:
            if version > settled:
                excused.add(row_id)
            else:
                stale[row_id] = version
    edge = wall(segment.feed, segment.fetched_at)
    return Difference(
        platform_count=len(theirs),
        local_count=len(ours),
        missing=missing,
        stale=stale,
        extra={i: row.version for i, row in ours.items() if i not in theirs and row.created_at >= edge},
        excused=frozenset(excused),
    )


def _instant(text: str) -> datetime | None:
    """A version as an aware instant; None for a blank or foreign text."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=SHOP_TZ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
