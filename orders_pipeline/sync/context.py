"""What one run needs to read one shop, put together once: platform, caller, landing, warehouse, clock, progress."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from orders_pipeline.clock import Clock
from orders_pipeline.platforms.base import Feed, FeedName, NotListedError, Page, Platform, RawTable, Request, Window
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.shops import Shop
from orders_pipeline.sync.caller import Caller
from orders_pipeline.sync.landing import Landing, Origin
from orders_pipeline.sync.ledger import Ledger
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.paging import read_once, read_window
from orders_pipeline.sync.window_read import FetchPage, SecondTooLargeError, UnstableWindowError, WindowRead, total_of
from orders_pipeline.warehouse import Warehouse
from orders_pipeline.warehouse.raw_zone import LandedFile


class Progress(Protocol):
    """Long work tells how far it is: what, done so far, of how many where that is known."""

    def __call__(self, text: str, done: int, total: int | None) -> None: ...


def silent(text: str, done: int, total: int | None) -> None:
    """No progress wanted."""


@dataclass(frozen=True)
class PullReport:
    """What a pull landed."""

    api: str
    windows: int = 0
    calls: int = 0
    pages: int = 0
    rows: int = 0
    covered_until: datetime | None = None
    files: tuple[Path, ...] = ()
    shortfall: int = 0  # rows that the platform counted and never showed

    def __add__(self, other: PullReport) -> PullReport:
        ends = [end for end in (self.covered_until, other.covered_until) if end]
        return PullReport(
            self.api or other.api,
            self.windows + other.windows,
            self.calls + other.calls,
            self.pages + other.pages,
            self.rows + other.rows,
            max(ends, default=None),
            self.files + other.files,
            self.shortfall + other.shortfall,
        )


@dataclass
class Context:
    """One run's hands: everything below reads and writes through these."""

    shop: Shop
    folder: DataFolder
    platform: Platform
    caller: Caller
    ops: Ops
    warehouse: Warehouse
    clock: Clock
    run_id: str
    holder: str
    progress: Progress = silent
    landing: Landing = field(init=False)
    applied: list[LandedFile] = field(default_factory=list)  # by this run; the published copy may lag a second behind
    retried: str = ""  # the mapping by which this run has tried again what an earlier one had set aside
    _read: tuple[Path, Ledger] | None = field(default=None, init=False)  # the copy that the ledger was last read from

    def __post_init__(self) -> None:
        self.landing = Landing(self.folder.raw)

    def feed(self, name: FeedName) -> Feed:
        return self.platform.feeds[name]

    def origin(self, channel: str) -> Origin:
        return Origin(self.platform.name, self.shop.shop, channel, self.run_id)

    def ledger(self) -> Ledger:
        """The ledger as published, and what this run has applied since. A copy is asked once."""
        copy = self.folder.published.resolve()
        if self._read is None or self._read[0] != copy:
            self._read = copy, Ledger.load(self.warehouse, self.shop.shop)
        return self._read[1].with_landed(self.applied)

    def coverage(self, table: RawTable) -> Ledger:
        """The ledger and what has landed and still waits to be applied: what need not be read again."""
        ledger = self.ledger()
        return ledger.with_landed(ledger.unapplied(self.landing, table, self.shop.shop))

    def read_and_land(self, feed: Feed, window: Window, channel: str) -> PullReport:
        """One window whole into ``raw/``, newest rows first, in several files where it holds very much.

        Raises PlatformError, and UserError where nothing of a part of it could be called complete; what landed stays.
        """
        report = PullReport(feed.api)
        fetched_at = self.caller.platform_now()
        for read in self.segments(feed, window):
            file = self.land_window(feed, read.window, channel, read, fetched_at)
            short = 0 if read.complete else read.shortfall
            report += PullReport(
                feed.api, 1, read.calls, len(read.pages), len(read.ids), read.window.end, (file.path,), short
            )
            fetched_at = self.caller.platform_now()
        return report

    def land_window(
        self, feed: Feed, window: Window, channel: str, read: WindowRead, fetched_at: datetime
    ) -> LandedFile:
        """A window that was read, into ``raw/``, with the shortfall where the read is not known to be whole."""
        span, short = (window.start, window.end), 0 if read.complete else read.shortfall
        return self.landing.land(feed.table, self.origin(channel), span, read.pages, fetched_at, read.calls, short)

    def read(self, feed: Feed, window: Window) -> WindowRead:
        """A window whole, not landed. Raises PlatformError, UserError as ``read_and_land``."""
        whole = WindowRead(window, complete=True)
        for read in self.segments(feed, window):
            whole.join(read)
            whole.complete &= read.complete
            whole.counted(len(whole.ids) + read.shortfall)
        return whole

    def read_tail(self, feed: Feed, window: Window) -> WindowRead:
        """What a window holds at a glance: rows may come in while it is read. Raises PlatformError."""
        return read_once(self._fetch(feed), window, feed.page_size, feed.parts)

    def segments(self, feed: Feed, window: Window) -> Iterator[WindowRead]:
        """A window, newest rows first, in reads that are whole each. Raises PlatformError, UserError."""
        where = f"Shop {self.shop.shop}: {feed.api} between {window.start} and {window.end}"
        try:
            yield from read_window(self._fetch(feed), window, feed.page_size, feed.parts)
        except SecondTooLargeError:
            raise UserError(
                f"{where} holds more rows in one second than can be paged; that part was not stored. Report this shop."
            ) from None
        except UnstableWindowError:
            raise UserError(
                f"{where} changes faster than it can be read; that part was not stored. Run again."
            ) from None

    def _fetch(self, feed: Feed) -> FetchPage:
        def fetch(window: Window, page_no: int, part: str | None) -> Page:
            request = self.platform.list_page(feed, window, page_no, count=True, part=part)
            return self.caller.call(replace(request, parse=lambda raw, at: _with_total(request.parse(raw, at))))

        return fetch

    def land_single(
        self, channel: str, requests: Sequence[Request[Page]], *, skip_unlisted: bool = False
    ) -> PullReport:
        """Fetch single answers (an order, a trace, items) and land them as one file whose window is the moment.

        With ``skip_unlisted`` an id that the platform does not list any more is left out instead of raising NotListedError.
        """
        at = self.caller.platform_now()
        calls_before = self.caller.calls
        pages: list[Page] = []
        for done, request in enumerate(requests, start=1):
            try:
                pages.append(self.caller.call(request))
            except NotListedError:
                if not skip_unlisted:
                    raise
            self.progress(f"{self.shop.shop}: {request.api}", done, len(requests))
        if not pages:
            return PullReport("", calls=self.caller.calls - calls_before)
        rows, calls = sum(page.row_count for page in pages), self.caller.calls - calls_before
        file = self.landing.land(pages[0].table, self.origin(channel), (at, at), pages, at, calls)
        return PullReport(pages[0].api, 1, calls, len(pages), rows, at, (file.path,))


def _with_total(page: Page) -> Page:
    """Inside the parser, so that an answer without its total is asked for again like any other cut one."""
    total_of(page)
    return page
