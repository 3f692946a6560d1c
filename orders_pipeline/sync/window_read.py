"""What has been read of one window, and what may be concluded from a page of it. How it is read: ``paging.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orders_pipeline.platforms.base import Page, RetryableError, Window

SECOND = timedelta(seconds=1)

MAX_PASSES_WITHOUT_NEWS = 4
"""After so many passes that bring no new row the platform's count is taken to be wrong; the shortfall is recorded."""

MAX_PASSES = 20
"""A window that still brings news after so many passes changes faster than it can be read: fail loudly."""

MAX_SECOND_ROWS = 5_000
"""50 pages within one second: shuffled ones need some ten passes each, five minutes of the whole quota. Beyond, a person
should look."""

FetchPage = Callable[[Window, int, str | None], Page]
"""(what to ask for, page number from 1, part or None for all rows) -> page with its total."""


class UnstableWindowError(Exception):
    """The window kept bringing new rows; nothing of it may be called complete."""


class SecondTooLargeError(Exception):
    """One second alone holds more rows than can be paged; nothing of the window may be called complete."""


class UnsortedError(Exception):
    """A page is not sorted newest first, or says no times: the list must be read by page numbers."""


@dataclass
class WindowRead:
    """All pages of a window, over all passes, and how sure we are of them."""

    window: Window
    pages: list[Page] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    calls: int = 0
    largest_count: int = 0
    complete: bool = False

    def add(self, page: Page) -> int:
        """Take a page in; returns how many of its rows belong to the window and were not met before."""
        self.calls += 1
        self.pages.append(page)
        before, start = len(self.ids), self.window.start
        self.ids.update([key for key, at in rows_of(page).items() if at is None or at >= start])
        return len(self.ids) - before

    def join(self, other: WindowRead) -> None:
        """Take in all that another read of the same rows has met."""
        for page in other.pages:
            self.add(page)

    def counted(self, count: int) -> None:
        """The platform says, or what it says amounts to, that the window holds so many rows."""
        self.largest_count = max(self.largest_count, count)

    @property
    def shortfall(self) -> int:
        """Rows that the platform counted and never showed."""
        return 0 if self.complete else max(self.largest_count - len(self.ids), 0)


def rows_of(page: Page) -> dict[str, datetime | None]:
    """Ids of a page and the times by which it is sorted, None where the platform gave none."""
    times = page.times if len(page.times) == page.row_count else (None,) * page.row_count
    return {key: at for (key, _), at in zip(page.keys, times, strict=True)}


def total_of(page: Page) -> int:
    """The total that a counting call must tell. Raises RetryableError where it does not: without it nothing is proved."""
    if page.total is None:
        raise RetryableError(f"{page.api}: the answer to a counting call has no total; the call is repeated.")
    return page.total
