"""Reading one window whole although rows move while it is read.

Lists are sorted newest first, and page numbers count from the top: a row that changes or commits late moves everything
below it, and rows of one second come in another order at each call. So a window is not read by page numbers at all: each
call asks for page 1 of what is left, from the window's start to the oldest second met so far. An answer is a whole by
itself, nothing that happens above can shift it, and a second that was cut off is read again from its beginning.
``docs/windows.md`` has the experiment. Only a second that alone overflows a page, and lists that are not sorted as
promised, are read by page numbers (``offsets.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import Page, Window
from orders_pipeline.sync import offsets
from orders_pipeline.sync.window_read import (
    MAX_PASSES,
    MAX_PASSES_WITHOUT_NEWS,
    SECOND,
    FetchPage,
    UnsortedError,
    UnstableWindowError,
    WindowRead,
    rows_of,
    total_of,
)

__all__ = ["WindowRead", "read_once", "read_window"]

CALLS_A_SEGMENT = 50
"""After so many calls what has been read whole is handed over to be landed: a kill, or a row that moves, costs a segment of
5,000 rows at most, however large the window is."""


@dataclass
class Pass:
    """One way down a window: what it met, and whether each answer bore out its own count."""

    met: dict[str, datetime | None] = field(default_factory=dict)
    below: dict[str, datetime] = field(default_factory=dict)  # what of it lies at the cursor or below
    first_count: int | None = None
    sound: bool = True  # every answer held as many rows as it promised
    steady: bool = True  # what was met and what was left always added up to the first count
    stopped: datetime | None = None  # read whole down to the second after this one, where the segment was full

    def meet(self, window: Window, rows: dict[str, datetime | None], cursor: datetime) -> None:
        """Rows of an answer; those from before the window are none of its."""
        for key, at in rows.items():
            if at is None or at > cursor:
                self.below.pop(key, None)
            elif at >= window.start:
                self.below[key] = at
            else:
                continue
            self.met[key] = at

    def lower(self, cursor: datetime) -> None:
        """The cursor has moved down."""
        self.below = {key: at for key, at in self.below.items() if at <= cursor}


def read_window(fetch: FetchPage, window: Window, page_size: int, parts: Sequence[str] = ()) -> Iterator[WindowRead]:
    """Read a window, newest rows first, as segments that are whole each (one, unless the window is large).

    A call for each full page when nothing moves. A segment is accepted when each answer of one pass held what it promised
    and the counts never moved, or did not rise by the end; or when the union of passes reaches the largest count seen;
    else passes go on until 4 of them bring nothing new, and the shortfall is recorded (decision 13, adapted: a pass leaves
    no gap by construction, so rows that left the window need no further pass).

    Raises UnstableWindowError, SecondTooLargeError, RetryableError.
    """
    rest: Window | None = _as_listed(window)
    while rest is not None:
        read = WindowRead(rest)
        try:
            rest = _segment(fetch, read, page_size, parts)
        except UnsortedError:
            offsets.read_whole(fetch, read, page_size)
            rest = None
        yield read


def read_once(fetch: FetchPage, window: Window, page_size: int, parts: Sequence[str] = ()) -> WindowRead:
    """One pass without a second look: for the tail, where rows arrive while it is read and a closed window will read
    everything again."""
    read = WindowRead(_as_listed(window))
    try:
        descend(fetch, read, page_size, parts, calls=None)
    except UnsortedError:
        offsets.one_pass(fetch, read, page_size)
    return read


def _as_listed(window: Window) -> Window:
    """Bounds in the zone of the rows' times: to compare instants of two zones costs 18 times as much."""
    return Window(window.start.astimezone(SHOP_TZ), window.end.astimezone(SHOP_TZ))


def _segment(fetch: FetchPage, read: WindowRead, page_size: int, parts: Sequence[str]) -> Window | None:
    """Read what of ``read.window`` makes one segment, narrowing it; returns what is left for the next."""
    done = descend(fetch, read, page_size, parts, CALLS_A_SEGMENT)
    rest = None
    if done.stopped is not None:
        whole = read.window
        read.window, rest = Window(done.stopped + SECOND, whole.end), Window(whole.start, done.stopped)
        done.met = {key: at for key, at in done.met.items() if at is None or at > done.stopped}
        read.ids, read.largest_count = set(done.met), 0  # so far they were those of the whole
    idle = 0
    for _ in range(MAX_PASSES):
        if done.sound and done.steady:
            read.complete = True
            return rest
        again = fetch(read.window, 1, None)
        news = read.add(again)
        count = total_of(again)
        read.counted(count)
        if (done.sound and count <= len(done.met)) or len(read.ids) >= read.largest_count:
            read.complete = True
            return rest
        before = len(read.ids)
        done = descend(fetch, read, page_size, parts, calls=None)
        idle = 0 if news or len(read.ids) > before else idle + 1
        if idle >= MAX_PASSES_WITHOUT_NEWS:
            return rest
    raise UnstableWindowError


def descend(fetch: FetchPage, read: WindowRead, page_size: int, parts: Sequence[str], calls: int | None) -> Pass:
    """One way from the window's end down to its start, or until ``calls`` are spent."""
    window, cursor = read.window, read.window.end
    done = Pass()
    spent = longest = 0
    while True:
        # bounds are inclusive and the end must come after the start: a last single second is asked for with the one before
        asked = Window(min(window.start, cursor - SECOND), cursor)
        page = fetch(asked, 1, None)
        read.add(page)
        spent += 1
        total, oldest, rows = total_of(page), _oldest(page, asked), rows_of(page)
        done.sound &= len(rows) >= min(total, page_size)
        if asked.start == window.start:
            _add_up(done, read, total)
        done.meet(window, rows, cursor)
        if oldest is None or oldest < window.start:
            done.sound &= page.row_count >= total or oldest is not None
            return done
        if page.row_count >= total and page.has_next is not True:
            return done
        done.sound &= page.row_count < total  # a last page that says there is more contradicts itself
        longest = max(longest, page.row_count)
        if oldest < cursor:
            cursor = oldest
        elif page.row_count < longest:
            # room was left on the page: what it promised more does not stand in this second, and another pass must show it
            cursor -= SECOND
            if cursor < window.start:
                return done
        else:
            second = offsets.read_second(fetch, read, cursor, page_size, parts)
            done.sound &= second.complete
            for page in second.pages:
                done.meet(window, rows_of(page), cursor)
            cursor -= SECOND
            if cursor < window.start:
                return done
        done.lower(cursor)
        if calls is not None and spent >= calls and window.start < cursor and cursor + SECOND < window.end:
            done.stopped = cursor
            return done


def _add_up(done: Pass, read: WindowRead, total: int) -> None:
    """What was met above the cursor and what the platform counts from there down, against the count at the start."""
    above = len(done.met) - len(done.below)
    read.counted(above + total)
    if done.first_count is None:
        done.first_count = total
    done.steady &= above + total == done.first_count


def _oldest(page: Page, asked: Window) -> datetime | None:
    """The oldest time on a page; None where it has no row with one. Raises UnsortedError."""
    if len(page.times) != page.row_count:
        raise UnsortedError
    times = [at for at in page.times if at is not None]
    if any(later > earlier for earlier, later in zip([asked.end, *times], [*times, asked.start], strict=True)):
        raise UnsortedError
    return times[-1] if times else None
