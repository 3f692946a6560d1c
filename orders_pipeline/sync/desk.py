"""Working off messages of one shop: what must be read for them, by list or by id; land, apply, confirm."""

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
from orders_pipeline.sync.applying import TailReport, apply_files, read_tail
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.inbox import Inbox, told_at
from orders_pipeline.sync.incidents import open_for_unread_message
from orders_pipeline.warehouse.raw_zone import LandedFile

CONFIRM_AT_ONCE = 200
"""The platform's limit of ids a confirmation."""

LISTS = {"trade": FeedName.ORDERS_BY_MODIFIED, "refund": FeedName.REFUNDS_BY_MODIFIED}
"""Kinds of reads that a list of changes can answer many at a time."""

LIST_PAYS = 2
"""Reads by id that cost as much as a page of the list at least."""

READS_A_BATCH = 50
"""Half a minute of the default quota: what was read is in the tables and confirmed before the next begins."""

MOST_ATTEMPTS = 3
"""Polls in which one message may fail on its own: minutes apart, so a passing fault of one order is over by then."""

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


@dataclass(slots=True)
class Task:
    """All waiting messages about one order, and what must be read for them."""

    subject: str
    messages: list[str] = field(default_factory=list)
    reads: dict[Read, datetime] = field(default_factory=dict)  # the newest instant that a message tells of it
    attempts: int = 0
    seller: str = ""


def tasks_of(rows: Sequence[sqlite3.Row]) -> list[Task]:
    """One task an order, so that its messages are confirmed together; what names nothing is confirmed as it is."""
    tasks: dict[str, Task] = {}
    for row in rows:
        subject = row["order_id"] or row["refund_id"] or ""
        task = tasks.setdefault(subject or row["message_id"], Task(subject))
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


def leave_out_known(ctx: Context, tasks: Sequence[Task]) -> None:
    """Drop the reads of what is stored in a newer version than any message tells: windows and tail were first."""
    with ctx.warehouse.read() as con:
        for kind, query in _KNOWN.items():
            ids = [read[1] for task in tasks for read in task.reads if read[0] == kind]
            stored: dict[str, datetime] = dict(con.execute(query, [ctx.shop.shop, ids]).fetchall()) if ids else {}
            for task in tasks:
                for read, told in list(task.reads.items()):
                    if read[0] == kind and read[1] in stored and stored[read[1]] > told:
                        del task.reads[read]


def batches(tasks: Sequence[Task]) -> Iterator[list[Task]]:
    batch: list[Task] = []
    reads = 0
    for task in tasks:
        if batch and reads + len(task.reads) > READS_A_BATCH:
            yield batch
            batch, reads = [], 0
        batch.append(task)
        reads += len(task.reads)
    if batch:
        yield batch


class Desk:
    """Works off tasks: read, land, apply, confirm."""

    def __init__(self, ctx: Context, inbox: Inbox, landed: Sequence[LandedFile], confirm_within: timedelta) -> None:
        self._ctx = ctx
        self._inbox = inbox
        self._landed = list(landed)  # files of messages: they enter the ledger with the first orders that they name
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

    def read_lists(self, tasks: Sequence[Task]) -> None:
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
        self.take(tasks, tail)

    def take(self, tasks: Sequence[Task], tail: TailReport) -> None:
        """Drop the reads that lists of changes have answered, which were read after the messages had been received."""
        for task in tasks:
            for (kind, key), told in list(task.reads.items()):
                changed_at = tail.versions.get(LISTS[kind], {}).get(key) if kind in LISTS else None
                if changed_at is not None and changed_at >= told.replace(microsecond=0):
                    del task.reads[kind, key]
                    self.read.add((kind, key))
                    self.read_sellers.add(task.seller)

    def work_off(self, tasks: Sequence[Task]) -> None:
        """One batch. Raises what ends the poll, after what was read has been stored and confirmed."""
        at, calls = self._ctx.caller.platform_now(), self._ctx.caller.calls
        pages: list[Page] = []
        finished: list[Task] = []
        failed: list[tuple[Task, PlatformError]] = []
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

    def finish(self) -> None:
        """What has landed and had nothing to go with."""
        if self._landed:
            apply_files(self._ctx, self._landed)

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

    def _pages(self, task: Task) -> list[Page]:
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
        files, self._landed = self._landed, []
        for table in dict.fromkeys(page.table for page in pages):
            some = [page for page in pages if page.table == table]
            files.append(ctx.landing.land(table, ctx.origin("message"), (at, at), some, at, calls))
            calls = 0  # counted once, on the first file
        if files:
            apply_files(ctx, files)

    def _note_failures(self, failed: Sequence[tuple[Task, PlatformError]]) -> None:
        for task, error in failed:
            self._inbox.count_attempt(task.messages)
            if task.attempts + 1 >= MOST_ATTEMPTS:
                with self._ctx.warehouse.write(self._ctx.holder) as con:
                    open_for_unread_message(con, self._ctx.shop.shop, task.subject, str(error), self._ctx.clock.now())
                self.done(task.messages)
                self.given_up += 1
