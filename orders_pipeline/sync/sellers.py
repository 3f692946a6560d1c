"""Which shop of an app key a message belongs to: a message names its seller, a shop has a session."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from orders_pipeline.platforms.base import FeedName, NotListedError, PermissionDeniedError, RetryableError
from orders_pipeline.sync.applying import TailReport, read_tail
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.inbox import RETRY_AFTER, Inbox, received_at

GIVE_UP_AFTER = timedelta(hours=1)
"""A message of a seller that no shop here can read is kept that long: a new shop's first messages wait for its stanza."""

PROBES = 3
"""Orders of an unknown seller that a shop tries to read in a poll; one may be too old to be listed, three hardly."""

_LIST = FeedName.ORDERS_BY_MODIFIED

_SHOPS_OF = "SELECT order_id, shop FROM core.orders WHERE order_id IN (SELECT unnest(?)) AND shop IN (SELECT unnest(?))"


@dataclass(frozen=True, slots=True)
class Sorted:
    """Messages by what becomes of them, and the list of changes where it was read to find that out."""

    mine: list[sqlite3.Row]
    orphans: list[str]  # ids of messages that no shop here will ever read
    tail: TailReport | None = None


def sort_out(
    ctx: Context, inbox: Inbox, waiting: Sequence[sqlite3.Row], others: Sequence[str], *, lists_first: bool
) -> Sorted:
    """Which of these messages are this shop's. An unknown seller is looked for among the orders that are stored, which costs no
    call; with ``lists_first`` in this shop's list of changes, which costs one; else by reading some orders by id."""
    sellers = inbox.sellers()
    tail = None

    def learn(found: Mapping[str, str]) -> None:
        for seller, shop in found.items():
            inbox.learn_seller(seller, shop)
            sellers[seller] = shop

    named: dict[str, set[str]] = {}
    for row in waiting if others else ():
        if row["seller"] not in sellers:
            named.setdefault(row["seller"], set()).update([row["order_id"]] if row["order_id"] else [])
    if named:
        learn(_as_stored(ctx, named, [ctx.shop.shop, *others]))
    if lists_first and named.keys() - sellers.keys() and ctx.shop.shop not in sellers.values():
        with suppress(RetryableError, PermissionDeniedError):  # a list that fails says nothing of reading by id
            tail = read_tail(ctx, [_LIST])
            learn({seller: ctx.shop.shop for seller in named if named[seller] & tail.versions[_LIST].keys()})
    young = ctx.clock.now() - RETRY_AFTER  # of these, other shops' lists may yet tell whose they are, at a call a shop
    for seller in sorted(named.keys() - sellers.keys()) if ctx.shop.shop not in sellers.values() else ():
        rows = [row for row in waiting if row["seller"] == seller and (not lists_first or received_at(row) < young)]
        if _reads(ctx, rows):
            learn({seller: ctx.shop.shop})
    own = [row for row in waiting if sellers.get(row["seller"], "" if others else ctx.shop.shop) == ctx.shop.shop]
    # of a seller that nobody here can read: an orphan once no shop that has yet to show itself may claim it
    homeless = [row for row in waiting if sellers.get(row["seller"], "") not in (ctx.shop.shop, *others)]
    limit = ctx.clock.now() - GIVE_UP_AFTER
    kept = {row["message_id"] for row in own}
    gone = [row["message_id"] for row in homeless if row["message_id"] not in kept and received_at(row) < limit]
    return Sorted(own, gone, tail)


def _as_stored(ctx: Context, named: Mapping[str, set[str]], shops: Sequence[str]) -> dict[str, str]:
    """Seller -> shop, where the orders that a seller's messages name are stored as one shop's."""
    with ctx.warehouse.read() as con:
        ids = sorted(set().union(*named.values()))
        stored: dict[str, str] = dict(con.execute(_SHOPS_OF, [ids, list(shops)]).fetchall())
    found = {seller: {stored[key] for key in keys & stored.keys()} for seller, keys in named.items()}
    return {seller: next(iter(of)) for seller, of in found.items() if len(of) == 1}


def _reads(ctx: Context, rows: Sequence[sqlite3.Row]) -> bool:
    """Whether this shop's session can read what a seller's messages name."""
    for order_id in list(dict.fromkeys(row["order_id"] for row in rows if row["order_id"]))[:PROBES]:
        try:
            ctx.caller.call(ctx.platform.order(order_id))
            return True
        except NotListedError:
            continue
    return False
