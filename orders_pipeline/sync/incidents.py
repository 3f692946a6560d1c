"""Incidents that reading a platform opens, and closes where it can tell that they are over.

Failed runs are ``components/incidents.py``'s; what people see of an incident is others' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import FeedName, Window
from orders_pipeline.sync import breaker
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.windows import closed_end, holes, wall

GAP_AFTER = timedelta(hours=1)
"""A hole in the ledger that is this old after a sync is an incident; younger ones the next ticks fill."""

_UNKNOWN_CODES = """
INSERT INTO ops.incidents (id, kind, shop, subject, opened_at, detail)
SELECT 'unknown_code:' || $shop || ':' || seen.api || ':' || seen.subject, 'unknown_code', $shop, seen.subject, $at,
  'The platform''s ' || seen.api || ' gave a code that this version does not know: its rows are stored as unknown, with '
  || 'the code beside. Upgrade orders-pipeline, or report the code.'
FROM (SELECT DISTINCT api, field || '=' || left(code, 60) AS subject FROM memory.staged.unknown_codes) AS seen
WHERE NOT EXISTS (
  FROM ops.incidents i WHERE i.kind = 'unknown_code' AND i.shop = $shop AND i.subject = seen.subject AND i.closed_at IS NULL)
"""


def open_for_unknown_codes(con: duckdb.DuckDBPyConnection, shop: str, at: datetime) -> None:
    """One open incident for each unknown code of the staged rows, in the transaction that stores these rows."""
    con.execute(_UNKNOWN_CODES, {"shop": shop, "at": at})


_READ_SINCE = """
UPDATE ops.incidents AS i SET closed_at = $at
WHERE kind = 'message_unread' AND shop = $shop AND closed_at IS NULL AND (
  EXISTS (FROM core.orders AS o WHERE o.shop = $shop AND o.order_id = i.subject AND o.synced_at >= i.opened_at)
  OR EXISTS (FROM core.refunds AS r WHERE r.shop = $shop AND r.refund_id = i.subject AND r.synced_at >= i.opened_at))
"""


def open_for_unread_message(con: duckdb.DuckDBPyConnection, shop: str, subject: str, error: str, at: datetime) -> None:
    """One open incident for an order (or refund) that messages name and that cannot be read by its id."""
    detail = f"A message named it, and it could not be read: {error} The next closed window that holds it closes this."
    open_one(con, shop, "message_unread", subject, detail, at)


def close_for_read_since(con: duckdb.DuckDBPyConnection, shop: str, at: datetime) -> None:
    """Close the incidents of what has been read after all."""
    con.execute(_READ_SINCE, {"shop": shop, "at": at})


@dataclass(frozen=True, slots=True)
class _Fact:
    """What a step knows at its end: an incident of this kind and subject is open, or is over. One ``for_good`` is past
    mending: it is written down once, already closed, since nobody could ever close it."""

    kind: str
    subject: str
    is_open: bool
    detail: str
    for_good: bool = False

    def is_news(self, known: bool | None) -> bool:
        """``known``: whether its incident is open by what is published; None where it never had one."""
        return known is None if self.for_good else self.is_open != bool(known)


_KNOWN = "SELECT kind || ' ' || subject, bool_or(closed_at IS NULL) FROM ops.incidents WHERE shop = ? GROUP BY 1"
"""Whether what has ever had an incident has an open one."""

_OPEN = """
INSERT INTO ops.incidents (id, kind, shop, subject, opened_at, detail)
SELECT $kind || ':' || $shop || ':' || $subject || ':' || epoch_ms($at::TIMESTAMPTZ), $kind, $shop, $subject, $at, $detail
WHERE NOT EXISTS (
  FROM ops.incidents i WHERE i.kind = $kind AND i.shop = $shop AND i.subject = $subject AND i.closed_at IS NULL)
"""

_CLOSE = """
UPDATE ops.incidents SET closed_at = $at
WHERE kind = $kind AND shop = $shop AND subject = $subject AND closed_at IS NULL
"""


def open_one(con: duckdb.DuckDBPyConnection, shop: str, kind: str, subject: str, detail: str, at: datetime) -> None:
    """One open incident of a kind and subject; nothing where there is one."""
    con.execute(_OPEN, {"kind": kind, "subject": subject, "shop": shop, "at": at, "detail": detail})


def close_one(con: duckdb.DuckDBPyConnection, shop: str, kind: str, subject: str, at: datetime) -> None:
    """It is over."""
    con.execute(_CLOSE, {"kind": kind, "subject": subject, "shop": shop, "at": at})


def settle(ctx: Context, *, gaps: bool) -> None:
    """Open and close auth_expired, breaker_open and, with ``gaps``, sync_gap by what this run knows.

    Takes the writer's lock only where the published copy says otherwise. Raises UserError where that lock is not to be had.
    """
    facts = [*_signed_in(ctx), _breaker(ctx), *(_gaps(ctx) if gaps else [])]
    with ctx.warehouse.read() as con:
        known = dict(con.execute(_KNOWN, [ctx.shop.shop]).fetchall())
    changed = [fact for fact in facts if fact.is_news(known.get(f"{fact.kind} {fact.subject}"))]
    if not changed:
        return
    with ctx.warehouse.write(ctx.holder) as con:
        for fact in changed:
            if fact.is_open or fact.for_good:
                open_one(con, ctx.shop.shop, fact.kind, fact.subject, fact.detail, ctx.clock.now())
            if not fact.is_open:
                close_one(con, ctx.shop.shop, fact.kind, fact.subject, ctx.clock.now())


def _signed_in(ctx: Context) -> list[_Fact]:
    known = ctx.caller.signed_in
    return [] if known is None else [_Fact("auth_expired", "session", not known, ctx.caller.refusal)]


def _breaker(ctx: Context) -> _Fact:
    with ctx.ops.reading() as con:
        state = breaker.read(con, ctx.shop.shop, ctx.clock.now())
    return _Fact(
        "breaker_open", "calls", state.is_open, f"{state}. Nothing is lost: what was not read is read afterwards."
    )


def _gaps(ctx: Context) -> list[_Fact]:
    """Holes in what was read by modified time, from the first window on; those behind the platform's wall one by one."""
    feed = ctx.feed(FeedName.ORDERS_BY_MODIFIED)
    covered = ctx.coverage(feed.table).covered(feed.api)
    if not covered:
        return []
    now = ctx.platform.now() or ctx.clock.now()
    every, oldest = holes(covered, covered[0].start, closed_end(now) - GAP_AFTER), wall(feed, now)
    lost = [_lost(feed.api, hole) for hole in every if hole.end <= oldest]
    found = [hole for hole in every if hole.end > oldest]
    if not found:
        return [*lost, _Fact("sync_gap", feed.api, False, "")]
    start, end = (at.astimezone(SHOP_TZ) for at in (found[0].start, found[0].end))
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    detail = f"Orders that changed from {start:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S}{more} have not been read."
    return [
        *lost,
        _Fact("sync_gap", feed.api, True, f"{detail} The next sync begins there; see why the last one failed."),
    ]


def _lost(api: str, hole: Window) -> _Fact:
    start, end = (f"{at.astimezone(SHOP_TZ):%Y-%m-%d %H:%M:%S}" for at in (hole.start, hole.end))
    detail = (
        f"Orders that changed from {start} to {end} were not read while the platform still listed them, which it does for three "
        "months: those created before then are missing, or stay as they were last seen, and sales of these days are too low. "
        "No run can mend it; where books need that time, export it from the seller's own page."
    )
    return _Fact("sync_gap", f"{api} {start} to {end}", False, detail, for_good=True)


_QUARANTINED = """
INSERT INTO ops.incidents (id, kind, shop, subject, opened_at, detail)
SELECT 'quarantine:' || $shop || ':' || api || ':' || epoch_ms($at::TIMESTAMPTZ), 'quarantine', $shop, api, $at,
  count(*) || ' row(s) could not be read: ' || min(reason) || '. The other rows landed; these are read again after an upgrade, '
  || 'and when the platform shows a newer version. See ops.quarantine_open; report the reason if it stays.'
FROM ops.quarantine_open WHERE shop = $shop AND api NOT IN (
  SELECT subject FROM ops.incidents WHERE kind = 'quarantine' AND shop = $shop AND closed_at IS NULL)
GROUP BY api
"""

_QUARANTINE_OPEN = "SELECT 1 FROM ops.incidents WHERE kind = 'quarantine' AND shop = ? AND closed_at IS NULL LIMIT 1"

_QUARANTINE_OVER = """
UPDATE ops.incidents SET closed_at = $at WHERE kind = 'quarantine' AND shop = $shop AND closed_at IS NULL
  AND subject NOT IN (SELECT api FROM ops.quarantine_open WHERE shop = $shop)
"""


def tell_of_quarantine(con: duckdb.DuckDBPyConnection, shop: str, at: datetime, *, rejected: bool) -> None:
    """One open incident for each list with rows that are in no table, closed when newer versions of them all are.

    Without rows that this transaction has ``rejected`` none can be due; without an open one none can be over. Most
    transactions have neither, and the view behind both costs a look at every order.
    """
    if rejected:
        con.execute(_QUARANTINED, {"shop": shop, "at": at})
    if con.execute(_QUARANTINE_OPEN, [shop]).fetchone():
        con.execute(_QUARANTINE_OVER, {"shop": shop, "at": at})
