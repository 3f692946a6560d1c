"""Reading by page numbers, where reading downwards in time (``paging.py``) cannot go on: within one overfull second, and
for lists that are not sorted as promised.

Pages from the last to the first only repeat rows when one leaves; a row that commits late still pushes others down, and
rows of one second are shuffled from call to call, so counts and the union of passes decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orders_pipeline.platforms.base import Window
from orders_pipeline.sync.window_read import (
    MAX_PASSES,
    MAX_PASSES_WITHOUT_NEWS,
    MAX_SECOND_ROWS,
    SECOND,
    FetchPage,
    SecondTooLargeError,
    UnstableWindowError,
    WindowRead,
    total_of,
)


def read_whole(fetch: FetchPage, read: WindowRead, page_size: int, part: str | None = None) -> None:
    """All pages of ``read.window`` in passes until the union reaches the largest count, or one pass met the count at its
    start and it did not rise; else until passes bring nothing new. Raises UnstableWindowError, RetryableError."""
    first = fetch(read.window, 1, part)
    read.add(first)
    count = total_of(first)
    read.counted(count)
    if count <= page_size and first.row_count >= count and first.has_next is not True:
        read.complete = True
        return
    idle = 0
    for _ in range(MAX_PASSES):
        news, met, after = _pass_backwards(fetch, read, count, page_size, part)
        if len(read.ids) >= read.largest_count or (met >= count and after <= count):
            read.complete = True
            return
        idle = 0 if news else idle + 1
        if idle >= MAX_PASSES_WITHOUT_NEWS:
            return
        count = after
    raise UnstableWindowError


def one_pass(fetch: FetchPage, read: WindowRead, page_size: int) -> None:
    """Page 1 with the count, then the last page back to page 2."""
    first = fetch(read.window, 1, None)
    read.add(first)
    for page_no in range(-(-total_of(first) // page_size), 1, -1):
        read.add(fetch(read.window, page_no, None))


def read_second(
    fetch: FetchPage, read: WindowRead, second: datetime, page_size: int, parts: Sequence[str]
) -> WindowRead:
    """One second that overflows a page, with the second before it, which no window can leave out.

    Each part of it with a call of its own; parts that overflow too, and rows that are in no part, by shuffled pages.
    The pages go into ``read`` as well. Raises SecondTooLargeError, UnstableWindowError.
    """
    window = Window(second - SECOND, second)
    both = WindowRead(window)
    counting = fetch(window, 1, None)
    both.add(counting)
    both.counted(total_of(counting))
    if both.largest_count > MAX_SECOND_ROWS:
        raise SecondTooLargeError
    for part in parts:
        if len(both.ids) >= both.largest_count:
            break
        one = WindowRead(window)
        read_whole(fetch, one, page_size, part)
        both.join(one)
    both.complete = len(both.ids) >= both.largest_count
    if not both.complete:
        everything = WindowRead(window, ids=set(both.ids))
        read_whole(fetch, everything, page_size)
        both.counted(everything.largest_count)
        both.join(everything)
        both.complete = everything.complete or len(both.ids) >= both.largest_count
    read.join(both)
    return both


def _pass_backwards(
    fetch: FetchPage, read: WindowRead, count: int, page_size: int, part: str | None
) -> tuple[int, int, int]:
    """One pass, last page first, page 1 last with a fresh count. Returns (new rows, distinct rows met, count after).

    A last page that says there is more is believed: pages follow until one does not.
    """
    met: set[str] = set()
    news = 0
    last = max(-(-count // page_size), 1)
    beyond = last
    while True:  # usually one page: the last
        page = fetch(read.window, beyond, part)
        news += read.add(page)
        fresh = {key for key, _ in page.keys} - met
        met |= fresh
        after = total_of(page)
        if page.has_next is not True or not fresh:
            break
        beyond += 1
    if beyond > last:
        after = max(after, (beyond - 1) * page_size + page.row_count)
        read.counted(after)
    for page_no in range(last - 1, 0, -1):
        page = fetch(read.window, page_no, part)
        news += read.add(page)
        met.update(key for key, _ in page.keys)
        after = max(after, total_of(page)) if beyond > last else total_of(page)
    read.counted(after)
    return news, len(met), after
