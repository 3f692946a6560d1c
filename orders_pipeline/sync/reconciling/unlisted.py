"""Rows that the platform answers by their id and that no list shows: kept, told to a person, never deleted.

A comparison counts such a row as extra, and asks for it. After three comparisons an incident opens, and from then on the row
is no difference: nothing is wrong here. Comparisons leave it out and ask for it by its id each night, since no list would
tell that it changes. The incident closes when a list shows the row, when the platform does not know it any more, or when the
row is so old that no list would show it anyway.
"""

from __future__ import annotations

from collections.abc import Collection

from orders_pipeline.platforms.base import Feed
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.incidents import close_one, open_one
from orders_pipeline.sync.reconciling.healing import ask
from orders_pipeline.sync.reconciling.recording import Outcome
from orders_pipeline.sync.reconciling.tables import UNLISTED, unlisted

PROBES = 3
"""Comparisons that must agree: lists lag behind single reads by minutes, comparisons of a difference are five apart."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS unlisted_probes (
  shop TEXT, kind TEXT, row_id TEXT, probes INTEGER NOT NULL, PRIMARY KEY (shop, kind, row_id))
"""

_DETAIL = (
    f"{PROBES} comparisons found it in no list, though the platform answers it by its id. It is kept, and read by its id each "
    "night. If the platform's own page shows it, report the list; an order of a special kind needs nothing."
)


def ask_again(ctx: Context, feed: Feed) -> None:
    """Read again what has such an incident. Raises PlatformError."""
    with ctx.warehouse.read() as con:
        known, over = unlisted(con, ctx.shop.shop, feed, ctx.caller.platform_now())
    ask(ctx, feed, known - over)


def settle(ctx: Context, outcomes: Collection[Outcome]) -> None:
    """Count one comparison, from all that became of its windows; open and close incidents. What is published must be up to
    date."""
    feeds = {outcome.feed.table: outcome.feed for outcome in outcomes}
    for table, feed in feeds.items():
        some = [outcome for outcome in outcomes if outcome.feed.table == table]
        listed: set[str] = set().union(*(outcome.listed for outcome in some))
        left_out = set().union(*(outcome.unlisted for outcome in some)) - listed
        shop, kind = ctx.shop.shop, UNLISTED[table]
        with ctx.warehouse.read() as con:
            known, over = unlisted(con, shop, feed, ctx.caller.platform_now())
        opening, closing = _counted(ctx, kind, left_out, listed) - known, known & (listed | over)
        if opening or closing:
            with ctx.warehouse.write(ctx.holder) as con:
                for row_id in sorted(opening):
                    open_one(con, shop, kind, row_id, _DETAIL, ctx.clock.now())
                for row_id in sorted(closing):
                    close_one(con, shop, kind, row_id, ctx.clock.now())


def _counted(ctx: Context, kind: str, left_out: Collection[str], listed: Collection[str]) -> set[str]:
    """Ids that this comparison was the third, or a later one, to find in no list; those that a list shows start anew."""
    shop = ctx.shop.shop
    with ctx.ops.transaction() as con:
        con.execute(_SCHEMA)
        con.executemany(
            "INSERT INTO unlisted_probes VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET probes = probes + 1",
            [(shop, kind, row_id) for row_id in left_out],
        )
        con.executemany(
            "DELETE FROM unlisted_probes WHERE shop = ? AND kind = ? AND row_id = ?",
            [(shop, kind, row_id) for row_id in listed],
        )
        rows = con.execute(
            "SELECT row_id FROM unlisted_probes WHERE shop = ? AND kind = ? AND probes >= ?", (shop, kind, PROBES)
        )
        return {row_id for (row_id,) in rows} & set(left_out)
