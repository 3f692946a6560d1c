"""Reading one window whole although rows move while its pages are read.

Lists are sorted newest first. A row that changes leaves a closed window and everything below it moves up a place: pages
read from the last to the first then only repeat rows, where the other direction would skip some. A row that commits late
still pushes others down, so counts before and after decide (``shared/spec`` decision 13).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from orders_pipeline.platforms.base import Page

MAX_PASSES_WITHOUT_NEWS = 4
"""After so many passes that bring no new row the platform's count is taken to be wrong; the shortfall is recorded."""

MAX_PASSES = 20
"""A window that still brings news after so many passes changes faster than it can be read: fail loudly."""

FetchPage = Callable[[int, bool], Page]
"""(page number from 1, ask for the total) -> page."""


class WindowTooLargeError(Exception):
    """More rows than ``max_rows``: read it in halves."""


class UnstableWindowError(Exception):
    """The window kept bringing new rows; nothing of it may be called complete."""


@dataclass
class WindowRead:
    """All pages of a window, over all passes, and how sure we are of them."""

    pages: list[Page] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    calls: int = 0
    largest_count: int = 0
    complete: bool = False

    def add(self, page: Page) -> int:
        """Take a page in; returns how many of its rows were not met before."""
        self.calls += 1
        self.pages.append(page)
        before = len(self.ids)
        self.ids.update(key for key, _ in page.keys)
        if page.total is not None:
            self.largest_count = max(self.largest_count, page.total)
        return len(self.ids) - before

    @property
    def shortfall(self) -> int:
        """Rows that the platform counted and never showed."""
        return max(self.largest_count - len(self.ids), 0)


def read_window(fetch: FetchPage, page_size: int, max_rows: int) -> WindowRead:
    """Read a window until rule 13 accepts it: the union of passes reaches the largest count seen, or one pass alone met the
    count at its start and the count did not rise; else until passes bring nothing new, with the shortfall recorded.

    One call when one page answers it all, N + 1 calls for N pages when nothing moves.
    Raises WindowTooLargeError before a pass where the count exceeds ``max_rows``, UnstableWindowError.
    """
    read = WindowRead()
    first = fetch(1, True)
    read.add(first)
    count = _count(first)
    if count <= page_size and first.row_count >= count:
        read.complete = True
        return read
    idle = 0
    for _ in range(MAX_PASSES):
        if count > max_rows:
            raise WindowTooLargeError
        news, met, after = _pass_backwards(fetch, read, count, page_size)
        if len(read.ids) >= read.largest_count or (met >= count and after <= count):
            read.complete = True
            return read
        idle = 0 if news else idle + 1
        if idle >= MAX_PASSES_WITHOUT_NEWS:
            return read
        count = after
    raise UnstableWindowError


def read_once(fetch: FetchPage, page_size: int) -> WindowRead:
    """Page 1 with the count, then the last page back to page 2: for the tail, where rows arrive while it is read and a
    closed window will read everything again."""
    read = WindowRead()
    first = fetch(1, True)
    read.add(first)
    for page_no in range(-(-_count(first) // page_size), 1, -1):
        read.add(fetch(page_no, False))
    return read


def _pass_backwards(fetch: FetchPage, read: WindowRead, count: int, page_size: int) -> tuple[int, int, int]:
    """One pass, last page first, page 1 last with a fresh count. Returns (new rows, distinct rows met, count after)."""
    met: set[str] = set()
    news = 0
    for page_no in range(max(-(-count // page_size), 1), 1, -1):
        page = fetch(page_no, False)
        news += read.add(page)
        met.update(key for key, _ in page.keys)
    page = fetch(1, True)
    news += read.add(page)
    met.update(key for key, _ in page.keys)
    return news, len(met), _count(page)


def _count(page: Page) -> int:
    """The total that a counting call promised; its rows where the platform left the total out."""
    return page.row_count if page.total is None else max(page.total, page.row_count)
