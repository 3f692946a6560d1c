"""The second channel: the platform's messages. A message is a hint; the order is read again by its id.

Consume, store, read again, land, apply, then confirm: killed anywhere, the message comes again or is still stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from orders_pipeline.platforms.base import Message, Page, Request
from orders_pipeline.sync.applying import apply_landed
from orders_pipeline.sync.context import Context, PullReport

QUANTITY = 100
"""Messages a call, the platform's default; it allows up to 200."""

MOST_ROUNDS = 20
"""2,000 messages a poll: a burst is worked off over several polls, so that one poll never holds the shop for long."""

CONFIRM_AT_ONCE = 200
"""The platform's limit of ids a confirmation."""


_PERMITTED = "messages_permitted"
"""Mark of the shop's one permission call: before it the platform keeps no messages for the shop."""

_TELLING_ACTIONS = ("SIGNED", "FAILED", "LOST")
"""Steps of a parcel that end the waiting or need a person; the steps between would cost five more calls a parcel."""


@dataclass(frozen=True, slots=True)
class MessageReport:
    """What a poll brought."""

    messages: int
    orders_read: int
    refunds_read: int
    traces_read: int
    calls: int


def receive(ctx: Context) -> int:
    """Store a batch of new messages, one call (two at the very first); how many wait to be worked off. Reads nothing again,
    confirms nothing."""
    _permit(ctx)
    key = ctx.platform.app_key
    batch = ctx.caller.call(ctx.platform.messages(QUANTITY))
    if batch:
        ctx.ops.add_messages(key, [_row(message) for message in batch], ctx.clock.now())
    return len(ctx.ops.waiting_messages(key))


def poll_messages(ctx: Context) -> MessageReport:
    """Work off what waits, stored or new. Raises PlatformError; unconfirmed messages come again."""
    calls = ctx.caller.calls
    key = ctx.platform.app_key
    _permit(ctx)
    for _ in range(MOST_ROUNDS):
        batch = ctx.caller.call(ctx.platform.messages(QUANTITY))
        if batch:
            ctx.ops.add_messages(key, [_row(message) for message in batch], ctx.clock.now())
        if len(batch) < QUANTITY:
            break
    waiting = ctx.ops.waiting_messages(key)
    reads: dict[str, set[str]] = {"trade": set(), "refund": set(), "trace": set()}
    for row in waiting:
        if row["kind"] == "trace" and row["action"] not in _TELLING_ACTIONS:
            continue
        wanted = row["refund_id"] if row["kind"] == "refund" else row["order_id"]
        if row["kind"] in reads and wanted:
            reads[row["kind"]].add(wanted)
        if row["kind"] == "refund" and row["order_id"]:
            reads["trade"].add(row["order_id"])  # a refund changes its order's line as well
    landed = _read(ctx, [ctx.platform.order(i) for i in sorted(reads["trade"])])
    landed += _read(ctx, [ctx.platform.refund(i) for i in sorted(reads["refund"])])
    landed += _read(ctx, [ctx.platform.trace(i) for i in sorted(reads["trace"])])
    if landed.files:
        apply_landed(ctx, ("trade_pages", "refund_pages", "trace_pages"))
    ids = [row["message_id"] for row in waiting]
    for first in range(0, len(ids), CONFIRM_AT_ONCE):
        ctx.caller.call(ctx.platform.confirm_messages(ids[first : first + CONFIRM_AT_ONCE]))
        ctx.ops.drop_messages(key, ids[first : first + CONFIRM_AT_ONCE])
    return MessageReport(
        len(ids), len(reads["trade"]), len(reads["refund"]), len(reads["trace"]), ctx.caller.calls - calls
    )


def _permit(ctx: Context) -> None:
    """Ask the platform, once a shop, to keep messages for it: before that it keeps none, and nobody would ever poll."""
    if ctx.ops.tail_mark(ctx.shop.shop, _PERMITTED) is None:
        ctx.caller.call(ctx.platform.permit_messages())
        ctx.ops.set_tail_mark(ctx.shop.shop, _PERMITTED, ctx.clock.now())


def _read(ctx: Context, requests: list[Request[Page]]) -> PullReport:
    return ctx.land_single("message", requests, skip_unlisted=True)


def _row(message: Message) -> tuple[str | None, ...]:
    def text(instant: datetime | None) -> str | None:
        return instant.isoformat() if instant else None

    return (
        message.message_id,
        message.seller,
        message.topic,
        message.kind,
        message.order_id,
        message.refund_id,
        message.tracking_number,
        message.action,
        message.status,
        text(message.happened_at),
        text(message.published_at),
    )
