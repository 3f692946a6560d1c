"""What one run needs to read one shop, put together once: platform, caller, landing, warehouse, clock, progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from orders_pipeline.clock import Clock
from orders_pipeline.platforms.base import Feed, FeedName, NotListedError, Page, Platform, RawTable, Request, Window
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.shops import Shop
from orders_pipeline.sync.caller import Caller
from orders_pipeline.sync.landing import LandedFile, Landing, Origin
from orders_pipeline.sync.ledger import Ledger
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.paging import WindowRead, WindowTooLargeError, read_window
from orders_pipeline.sync.windows import split
from orders_pipeline.warehouse import Warehouse

LARGEST_WINDOW_ROWS = 5_000
"""50 pages of 100: a window with more is read in halves, so that a row that moves costs a pass over 50 pages at most."""


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

    def __post_init__(self) -> None:
        self.landing = Landing(self.folder.raw)

    def feed(self, name: FeedName) -> Feed:
        return self.platform.feeds[name]

    def origin(self, channel: str) -> Origin:
        return Origin(self.platform.name, self.shop.shop, channel, self.run_id)

    def ledger(self) -> Ledger:
        """The ledger as published, and what this run has applied since."""
        return Ledger.load(self.warehouse, self.shop.shop).with_landed(self.applied)

    def coverage(self, table: RawTable) -> Ledger:
        """The ledger and what has landed and still waits to be applied: what need not be read again."""
        ledger = self.ledger()
        return ledger.with_landed(ledger.unapplied(self.landing, table, self.shop.shop))

    def read_and_land(self, feed: Feed, window: Window, channel: str) -> PullReport:
        """One window whole into ``raw/``, in halves where it holds too much.

        Raises UnstableWindowError, PlatformError, and UserError where a second alone holds more than can be paged.
        """
        fetched_at = self.caller.platform_now()
        try:
            read = self.read(feed, window)
        except WindowTooLargeError:
            try:
                older, newer = split(window)
            except ValueError:
                raise UserError(
                    f"Shop {self.shop.shop}: {feed.api} holds over {LARGEST_WINDOW_ROWS} rows between {window.start} and "
                    f"{window.end} and cannot be split further; nothing of it was stored. Report this shop."
                ) from None
            return self.read_and_land(feed, newer, channel) + self.read_and_land(feed, older, channel)
        origin = self.origin(channel)
        file = self.landing.land(feed.table, origin, (window.start, window.end), read.pages, fetched_at, read.calls)
        return PullReport(
            feed.api, 1, read.calls, len(read.pages), len(read.ids), window.end, (file.path,), read.shortfall
        )

    def read(self, feed: Feed, window: Window) -> WindowRead:
        """A window whole. Raises WindowTooLargeError, UnstableWindowError, PlatformError."""
        return read_window(
            lambda page_no, count: self.caller.call(self.platform.list_page(feed, window, page_no, count=count)),
            feed.page_size,
            LARGEST_WINDOW_ROWS,
        )

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
