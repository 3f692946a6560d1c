"""The second channel: the platform's messages. A message is a hint; the order is read again by its id.

Consume, store, land, read again, land, apply, then confirm, some fifty reads at a time: killed anywhere, a message comes again
or is still stored. Where messages name several orders, one call to the list of changes reads them all. No message can hold up the
others: one whose order cannot be read is given up after some tries, with an incident, and the closed windows bring the order.
They alone also heal whatever the platform no longer delivers.

One consumption serves all shops of an app key; each message is read with the session of the shop that it belongs to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orders_pipeline.settings import DataFolder
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.desk import Desk, batches, leave_out_known, tasks_of
from orders_pipeline.sync.inbox import RETRY_AFTER, Inbox
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.quota import Priority
from orders_pipeline.sync.sellers import Sorted, sort_out

QUANTITY = 100
"""Messages a call, the platform's default; it allows up to 200."""

MOST_ROUNDS = 20
"""2,000 messages a poll: a burst is worked off over several polls, so that one poll never holds the shop for long."""

CONFIRM_WITHIN = timedelta(seconds=60)
"""How long a reader that goes on may gather confirmations, 200 of which cost one call. The platform repeats what is not
confirmed after some five minutes."""

_PERMITTED = "messages_permitted"
"""Mark of the shop's one permission call: before it the platform keeps no messages for the shop."""

_HEARD = "messages_heard"
"""Mark of a shop's app key: when the platform last answered the question for messages."""


@dataclass(frozen=True, slots=True)
class MessageReport:
    """What a poll brought."""

    messages: int  # worked off and confirmed, given up ones included
    orders_read: int
    refunds_read: int
    traces_read: int
    calls: int
    given_up: int = 0


def is_permitted(folder: DataFolder, shop: str) -> bool:
    """Whether the platform has been asked to keep messages for this shop."""
    if not folder.ops.exists():
        return False
    ops = Ops(folder.ops)
    try:
        return ops.tail_mark(shop, _PERMITTED) is not None
    finally:
        ops.close()


def heard_at(folder: DataFolder, shop: str, app_key: str) -> datetime | None:
    """When messages of this shop's app key last came, or would have come; None before the shop has permitted them."""
    if not folder.ops.exists():
        return None
    ops = Ops(folder.ops)
    try:
        return ops.tail_mark(_channel(app_key), _HEARD) if ops.tail_mark(shop, _PERMITTED) else None
    finally:
        ops.close()


def _channel(app_key: str) -> str:
    """What stands for an app key where a shop's slug would stand; no slug looks like it."""
    return f"app {app_key}"


def permit(ctx: Context) -> None:
    """Ask the platform, once, to keep messages for this shop. Raises PlatformError."""
    if ctx.ops.tail_mark(ctx.shop.shop, _PERMITTED) is None:
        ctx.caller.call(ctx.platform.permit_messages())
        ctx.ops.set_tail_mark(ctx.shop.shop, _PERMITTED, ctx.clock.now())


def receive(ctx: Context, *, max_wait: float) -> int:
    """Store a batch of new messages, one call that waits ``max_wait`` seconds at most; how many wait to be worked off.
    Reads nothing again, confirms nothing."""
    inbox = Inbox(ctx.ops, ctx.platform.app_key)
    with ctx.caller.at(Priority.MESSAGES):
        batch = ctx.caller.call(ctx.platform.messages(QUANTITY), max_wait=max_wait)
    inbox.add(batch, ctx.clock.now())
    ctx.ops.set_tail_mark(_channel(ctx.platform.app_key), _HEARD, ctx.clock.now())
    return inbox.count(ctx.clock.now() - RETRY_AFTER)


def poll_messages(
    ctx: Context,
    others: Sequence[str] = (),
    *,
    consume: bool = True,
    lists_first: bool = False,
    confirm_within: timedelta = timedelta(),
    retry_after: timedelta = timedelta(),
) -> MessageReport:
    """Work off this shop's messages, stored or new. ``others``: the other shops of its app key.

    ``consume`` False works off what another shop's poll has received. ``lists_first``: several orders are read by one call
    to the list of changes, and by id only what it does not show. With ``confirm_within`` confirmations may wait so long for
    others that go with them. Messages that were tried within ``retry_after`` are left alone. Raises PlatformError where the
    platform is in trouble or the session is refused; what had been read by then is stored and confirmed, the rest waits.
    """
    calls = ctx.caller.calls
    permit(ctx)
    inbox = Inbox(ctx.ops, ctx.platform.app_key)
    for _ in range(MOST_ROUNDS if consume else 0):
        batch = ctx.caller.call(ctx.platform.messages(QUANTITY))
        inbox.add(batch, ctx.clock.now())
        ctx.ops.set_tail_mark(_channel(ctx.platform.app_key), _HEARD, ctx.clock.now())
        if len(batch) < QUANTITY:
            break
    waiting = inbox.waiting(ctx.clock.now() - retry_after)
    found = sort_out(ctx, inbox, waiting, others, lists_first=lists_first) if waiting else Sorted([], [])
    _land(ctx, inbox, [row for row in found.mine if not row["landed"]], ctx.caller.calls - calls)
    landed = ctx.ledger().unapplied(ctx.landing, "messages", ctx.shop.shop) if found.mine else []
    desk = Desk(ctx, inbox, landed, confirm_within)
    tasks = tasks_of(found.mine)
    if tasks:
        leave_out_known(ctx, tasks)
    if found.tail:
        desk.take(tasks, found.tail)
    if lists_first:
        desk.read_lists(tasks)
    desk.done(found.orphans)
    for some in batches(tasks):
        desk.work_off(some)
        ctx.progress(f"{ctx.shop.shop}: messages", desk.confirmed, len(found.mine) + len(found.orphans))
    desk.finish()
    desk.confirm()
    for seller in {task.seller for task in tasks if task.seller} - inbox.sellers().keys():
        if seller in desk.read_sellers:
            inbox.learn_seller(seller, ctx.shop.shop)
    orders, refunds, traces = (sum(kind == one for one, _ in desk.read) for kind in ("trade", "refund", "trace"))
    return MessageReport(desk.confirmed, orders, refunds, traces, ctx.caller.calls - calls, desk.given_up)


def expecting(ctx: Context, others: Sequence[str]) -> frozenset[str]:
    """Which of these shops and this one have messages waiting; while a message's seller is unknown, every shop that may be it."""
    inbox = Inbox(ctx.ops, ctx.platform.app_key)
    known = inbox.sellers()
    sellers = {row["seller"] for row in inbox.waiting(ctx.clock.now() - RETRY_AFTER)}
    shops = frozenset([ctx.shop.shop, *others])
    named = shops & {known[seller] for seller in sellers & known.keys()}
    return named if sellers <= known.keys() else named | shops - set(known.values())


def end_pass(ctx: Context, within: timedelta) -> None:
    """After every shop has had its turn: what is left waits for RETRY_AFTER, what has been worked off, whichever shop's it is,
    is confirmed where it has waited so long. At most a few calls."""
    inbox = Inbox(ctx.ops, ctx.platform.app_key)
    inbox.note_tried(ctx.clock.now())
    with ctx.caller.at(Priority.MESSAGES):
        Desk(ctx, inbox, [], within).confirm()


def _land(ctx: Context, inbox: Inbox, rows: Sequence[sqlite3.Row], calls: int) -> None:
    """The messages themselves into the raw zone, once each; a kill between the two steps leaves some there twice."""
    if not rows:
        return
    at = ctx.caller.platform_now()
    pages = [
        ctx.platform.message_page([row["body"] for row in rows[first : first + QUANTITY]], at)
        for first in range(0, len(rows), QUANTITY)
    ]
    ctx.landing.land("messages", ctx.origin("message"), (at, at), pages, at, calls)
    inbox.mark_landed([row["message_id"] for row in rows])
