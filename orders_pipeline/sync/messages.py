"""The second channel: the platform's messages. A message is a hint; the order is read again by its id.

Consume, store, read again, land, apply, then confirm, some fifty reads at a time: killed anywhere, a message comes again or is
still stored. Where messages name several orders, one call to the list of changes reads them all. No message can hold up the
others: one whose order cannot be read is given up after some tries, with an incident, and the closed windows bring the order.
They alone also heal whatever the platform no longer delivers.

One consumption serves all shops of an app key; each message is read with the session of the shop that it belongs to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orders_pipeline.platforms.base import (
    FeedName,
    FlowControlError,
    NotListedError,
    Page,
    PermissionDeniedError,
    PlatformError,
    Request,
    RetryableError,
    SessionError,
)
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync.applying import apply_files, read_tail
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.inbox import Inbox, received_at, told_at
from orders_pipeline.sync.incidents import open_for_unread_message
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.quota import Priority

QUANTITY = 100
"""Messages a call, the platform's default; it allows up to 200."""

MOST_ROUNDS = 20
"""2,000 messages a poll: a burst is worked off over several polls, so that one poll never holds the shop for long."""

CONFIRM_AT_ONCE = 200
"""The platform's limit of ids a confirmation."""

CONFIRM_WITHIN = timedelta(seconds=60)
"""How long a reader that goes on may gather confirmations, 200 of which cost one call. The platform repeats what is not
confirmed after some five minutes."""

LISTS = {"trade": FeedName.ORDERS_BY_MODIFIED, "refund": FeedName.REFUNDS_BY_MODIFIED}
"""Kinds of reads that a list of changes can answer many at a time."""

LIST_PAYS = 2
"""Reads by id that cost as much as a page of the list at least."""

READS_A_BATCH = 50
"""Half a minute of the default quota: what was read is in the tables and confirmed before the next begins."""

MOST_ATTEMPTS = 3
"""Polls in which one message may fail on its own: minutes apart, so a passing fault of one order is over by then."""

GIVE_UP_AFTER = timedelta(hours=1)
"""A message of a seller that no shop here can read is kept that long: a new shop's first messages wait for its stanza."""

PROBES = 3
"""Orders of an unknown seller that a shop tries to read in a poll; one may be too old to be listed, three hardly."""

_PERMITTED = "messages_permitted"
"""Mark of the shop's one permission call: before it the platform keeps no messages for the shop."""

_HEARD = "messages_heard"
"""Mark of a shop's app key: when the platform last answered the question for messages."""

_TELLING_ACTIONS = ("SIGNED", "FAILED", "LOST")
"""Steps of a parcel that end the waiting or need a person; the steps between would cost five more calls a parcel."""

_VERSION = "modified_at + to_seconds(CASE WHEN synced_at >= modified_at + INTERVAL 10 SECOND THEN 1 ELSE 0 END)"
"""A version that was read some seconds after it was stamped is whole: what else came in its second had been committed."""

_KNOWN = {
    "trade": f"SELECT order_id, {_VERSION} FROM core.orders WHERE shop = ? AND order_id IN (SELECT unnest(?))",
    "refund": f"SELECT refund_id, {_VERSION} FROM core.refunds WHERE shop = ? AND refund_id IN (SELECT unnest(?))",
    # the step that a message tells is in the trace, or a newer one is
    "trace": "SELECT order_id, max(last_trace_at) + INTERVAL 1 SECOND FROM core.traces"
    " WHERE shop = ? AND order_id IN (SELECT unnest(?)) AND last_trace_at IS NOT NULL GROUP BY ALL",
}
"""Kind of read -> id, and up to (not including) when what is stored is whole."""

Read = tuple[str, str]
"""Kind (trade, refund, trace) and id."""


@dataclass(frozen=True, slots=True)
class MessageReport:
    """What a poll brought."""

    messages: int  # worked off and confirmed, given up ones included
    orders_read: int
    refunds_read: int
    traces_read: int
    calls: int
    given_up: int = 0


@dataclass(slots=True)
class _Task:
    """All waiting messages about one order, and what must be read for them."""

    subject: str
    messages: list[str] = field(default_factory=list)
    reads: dict[Read, datetime] = field(default_factory=dict)  # the newest instant that a message tells of it
    attempts: int = 0
    seller: str = ""


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
    return inbox.count()


def poll_messages(
    ctx: Context,
    others: Sequence[str] = (),
    *,
    consume: bool = True,
    lists_first: bool = False,
    confirm_within: timedelta = timedelta(),
) -> MessageReport:
    """Work off this shop's messages, stored or new. ``others``: the other shops of its app key.

    ``consume`` False works off what another shop's poll has received. ``lists_first``: several orders are read by one call
    to the list of changes, and by id only what it does not show. With ``confirm_within`` confirmations may wait so long for
    others that go with them. Raises PlatformError where the platform is in trouble or the session is refused; what had been
    read by then is stored and confirmed, the rest waits.
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
    waiting = inbox.waiting()
    mine, orphans = _sort_out(ctx, inbox, waiting, others) if waiting else ([], [])
    desk = _Desk(ctx, inbox, confirm_within)
    tasks = _tasks(mine)
    if tasks:
        _leave_out_known(ctx, tasks)
    if lists_first:
        desk.read_lists(tasks)
    desk.done(orphans)
    for some in _batches(tasks):
        desk.work_off(some)
        ctx.progress(f"{ctx.shop.shop}: messages", desk.confirmed, len(mine) + len(orphans))
    desk.confirm()
    for seller in {task.seller for task in tasks if task.seller} - inbox.sellers().keys():
        if seller in desk.read_sellers:
            inbox.learn_seller(seller, ctx.shop.shop)
    orders, refunds, traces = (sum(kind == one for one, _ in desk.read) for kind in ("trade", "refund", "trace"))
    return MessageReport(desk.confirmed, orders, refunds, traces, ctx.caller.calls - calls, desk.given_up)


def expecting(ctx: Context, others: Sequence[str]) -> frozenset[str]:
    """Which of these shops and this one have messages waiting; all of them while a message's seller is unknown."""
    inbox = Inbox(ctx.ops, ctx.platform.app_key)
    known = inbox.sellers()
    sellers = {row["seller"] for row in inbox.waiting()}
    shops = frozenset([ctx.shop.shop, *others])
    return shops & {known[seller] for seller in sellers} if sellers <= known.keys() else shops


def confirm(ctx: Context, within: timedelta) -> None:
    """Confirm what has been worked off, whichever shop's it is, where it has waited so long. At most a few calls."""
    with ctx.caller.at(Priority.MESSAGES):
        _Desk(ctx, Inbox(ctx.ops, ctx.platform.app_key), within).confirm()


def _sort_out(
    ctx: Context, inbox: Inbox, waiting: Sequence[sqlite3.Row], others: Sequence[str]
) -> tuple[list[sqlite3.Row], list[str]]:
    """This shop's messages, and ids of messages that no shop here will ever read."""
    sellers = inbox.sellers()
    if others:
        for seller in sorted({row["seller"] for row in waiting} - sellers.keys()):
            if _reads(ctx, [row for row in waiting if row["seller"] == seller]):
                inbox.learn_seller(seller, ctx.shop.shop)
                sellers[seller] = ctx.shop.shop
    own = [row for row in waiting if sellers.get(row["seller"], "" if others else ctx.shop.shop) == ctx.shop.shop]
    # of a seller that nobody here can read: an orphan once no shop that has yet to show itself may claim it
    homeless = [row for row in waiting if sellers.get(row["seller"], "") not in (ctx.shop.shop, *others)]
    limit = ctx.clock.now() - GIVE_UP_AFTER
    kept = {row["message_id"] for row in own}
    return own, [row["message_id"] for row in homeless if row["message_id"] not in kept and received_at(row) < limit]


def _reads(ctx: Context, rows: Sequence[sqlite3.Row]) -> bool:
    """Whether this shop's session can read what a seller's messages name."""
    for order_id in list(dict.fromkeys(row["order_id"] for row in rows if row["order_id"]))[:PROBES]:
        try:
            ctx.caller.call(ctx.platform.order(order_id))
            return True
        except NotListedError:
            continue
    return False


def _tasks(rows: Sequence[sqlite3.Row]) -> list[_Task]:
    """One task an order, so that its messages are confirmed together; what names nothing is confirmed as it is."""
    tasks: dict[str, _Task] = {}
    for row in rows:
        subject = row["order_id"] or row["refund_id"] or ""
        task = tasks.setdefault(subject or row["message_id"], _Task(subject))
        task.messages.append(row["message_id"])
        task.attempts = max(task.attempts, row["attempts"])
        task.seller = row["seller"]
        reads: list[Read] = []
        if row["kind"] in ("trade", "refund") and row["order_id"]:
            reads.append(("trade", row["order_id"]))  # a refund changes its order's line as well
        if row["kind"] == "refund" and row["refund_id"]:
            reads.append(("refund", row["refund_id"]))
        if row["kind"] == "trace" and row["order_id"] and row["action"] in _TELLING_ACTIONS:
            reads.append(("trace", row["order_id"]))
        for read in reads:
            task.reads[read] = max(told_at(row), task.reads.get(read, told_at(row)))
    return list(tasks.values())


def _leave_out_known(ctx: Context, tasks: Sequence[_Task]) -> None:
    """Drop the reads of what is stored in a newer version than any message tells: windows and tail were first."""
    with ctx.warehouse.read() as con:
        for kind, query in _KNOWN.items():
            ids = [read[1] for task in tasks for read in task.reads if read[0] == kind]
            stored: dict[str, datetime] = dict(con.execute(query, [ctx.shop.shop, ids]).fetchall()) if ids else {}
            for task in tasks:
                for read, told in list(task.reads.items()):
                    if read[0] == kind and read[1] in stored and stored[read[1]] > told:
                        del task.reads[read]


def _batches(tasks: Sequence[_Task]) -> Iterator[list[_Task]]:
    batch: list[_Task] = []
    reads = 0
    for task in tasks:
        if batch and reads + len(task.reads) > READS_A_BATCH:
            yield batch
            batch, reads = [], 0
        batch.append(task)
        reads += len(task.reads)
    if batch:
        yield batch


class _Desk:
    """Works off tasks: read, land, apply, confirm."""

    def __init__(self, ctx: Context, inbox: Inbox, confirm_within: timedelta) -> None:
        self._ctx = ctx
        self._inbox = inbox
        self._confirm_within = confirm_within
        self._request: dict[str, Callable[[str], Request[Page]]] = {
            "trade": ctx.platform.order,
            "refund": ctx.platform.refund,
            "trace": ctx.platform.trace,
        }
        self._refused: dict[str, PermissionDeniedError] = {}  # kind -> refusal: asking again in this poll is in vain
        self.read: set[Read] = set()
        self.read_sellers: set[str] = set()
        self.confirmed = 0
        self.given_up = 0

    def read_lists(self, tasks: Sequence[_Task]) -> None:
        """Read the lists of changes where that costs no more than reading by id; drops the reads that they answered.

        The messages were received before, so what a list shows at a message's second or later is what the message tells.
        """
        reads = [(read, told) for task in tasks for read, told in task.reads.items()]
        kinds = [kind for kind in LISTS if len({key for (one, key), _ in reads if one == kind}) >= LIST_PAYS]
        if not kinds:
            return
        try:
            tail = read_tail(self._ctx, [LISTS[kind] for kind in kinds])
        except (RetryableError, PermissionDeniedError):  # a list that fails says nothing of reading by id
            return
        for task in tasks:
            for (kind, key), told in list(task.reads.items()):
                changed_at = tail.versions[LISTS[kind]].get(key) if kind in kinds else None
                if changed_at is not None and changed_at >= told.replace(microsecond=0):
                    del task.reads[kind, key]
                    self.read.add((kind, key))
                    self.read_sellers.add(task.seller)

    def work_off(self, tasks: Sequence[_Task]) -> None:
        """One batch. Raises what ends the poll, after what was read has been stored and confirmed."""
        at, calls = self._ctx.caller.platform_now(), self._ctx.caller.calls
        pages: list[Page] = []
        finished: list[_Task] = []
        failed: list[tuple[_Task, PlatformError]] = []
        trouble: PlatformError | None = None
        for task in tasks:
            try:
                pages += self._pages(task)
                finished.append(task)
            except (SessionError, FlowControlError) as error:
                trouble = error
                break
            except RetryableError as error:
                trouble = self._sickness()
                if trouble is not None:
                    break
                failed.append((task, error))
            except PlatformError as error:
                failed.append((task, error))
        self._store(pages, at, self._ctx.caller.calls - calls)
        self.done([message for task in finished for message in task.messages])
        self._note_failures(failed)
        if trouble is not None:
            raise trouble

    def done(self, message_ids: Sequence[str]) -> None:
        """These messages are worked off: confirm them, now or with later ones."""
        self._inbox.handle(message_ids, self._ctx.clock.now())
        self.confirmed += len(message_ids)
        self.confirm()

    def confirm(self) -> None:
        """Confirm, then forget, once enough wait for it or one has waited long enough."""
        ids, since = self._inbox.handled()
        if since is None or (len(ids) < CONFIRM_AT_ONCE and self._ctx.clock.now() - since < self._confirm_within):
            return
        for first in range(0, len(ids), CONFIRM_AT_ONCE):
            some = ids[first : first + CONFIRM_AT_ONCE]
            self._ctx.caller.call(self._ctx.platform.confirm_messages(some))
            self._inbox.forget(some)

    def _pages(self, task: _Task) -> list[Page]:
        """The answers to a task's reads; what the platform no longer lists is left out."""
        pages = []
        for kind, row_id in task.reads:
            if kind in self._refused:
                raise self._refused[kind]
            try:
                pages.append(self._ctx.caller.call(self._request[kind](row_id)))
                self.read.add((kind, row_id))
                self.read_sellers.add(task.seller)
            except NotListedError:
                continue
            except PermissionDeniedError as error:
                self._refused[kind] = error
                raise
        return pages

    def _sickness(self) -> PlatformError | None:
        """After a call failed for good: the platform's own trouble, or None where it answers and one id alone fails."""
        try:
            self._ctx.caller.call(self._ctx.platform.check())
        except PlatformError as error:
            return error
        return None

    def _store(self, pages: Sequence[Page], at: datetime, calls: int) -> None:
        ctx = self._ctx
        files = []
        for table in dict.fromkeys(page.table for page in pages):
            some = [page for page in pages if page.table == table]
            files.append(ctx.landing.land(table, ctx.origin("message"), (at, at), some, at, calls))
            calls = 0  # counted once, on the first file
        if files:
            apply_files(ctx, files)

    def _note_failures(self, failed: Sequence[tuple[_Task, PlatformError]]) -> None:
        for task, error in failed:
            self._inbox.count_attempt(task.messages)
            if task.attempts + 1 >= MOST_ATTEMPTS:
                with self._ctx.warehouse.write(self._ctx.holder) as con:
                    open_for_unread_message(con, self._ctx.shop.shop, task.subject, str(error), self._ctx.clock.now())
                self.done(task.messages)
                self.given_up += 1
