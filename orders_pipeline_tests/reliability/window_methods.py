"""Three ways to read a window whole, compared: calls per 1,000 orders, and orders lost.

``python -m orders_pipeline_tests.reliability.window_methods`` prints the table of ``docs/windows.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from orders_pipeline.platforms.base import Window
from orders_pipeline.sync.offsets import read_whole
from orders_pipeline.sync.paging import read_window
from orders_pipeline.sync.window_read import FetchPage, WindowRead, total_of
from orders_pipeline.sync.windows import split
from orders_pipeline_tests.sync.moving_list import PARTS, MovingList, Row, window

PAGE = 100
LARGEST = 5_000  # rows that (b) takes on before it halves the window, as before this comparison
FILL = 0.7  # of a page that (a) aims at: fuller pieces overflow and are asked for twice
DAY, HALF_HOUR = 86_400, 1_800


@dataclass(frozen=True)
class Traffic:
    """Windows of one kind. ``rush``: the share of rows that fall into the first hundredth of the window."""

    name: str
    windows: int
    rows: int
    seconds: int
    leave: float = 0.0
    late: float = 0.0
    rush: float = 0.0

    def source(self, seed: int) -> MovingList:
        made = MovingList(self.rows, seed, self.seconds, leave=self.leave, late=self.late, page_size=PAGE)
        for row in made.rows[: int(self.rows * self.rush)]:
            row.second = made.random.randint(0, self.seconds // 100)
        return made


TRAFFIC = (
    Traffic("quiet: days of 40 orders, back-fill", 50, 40, DAY),
    Traffic("busy: days of 972 orders, back-fill", 20, 972, DAY),
    Traffic("11.11: a day of 20,000, 30 % in 14 minutes, back-fill", 2, 20_000, DAY, rush=0.3),
    Traffic("quiet: half-hours of 5 changes", 200, 5, HALF_HOUR, leave=0.05),
    Traffic("busy: half-hours of 250 changes, rows leave at 1 call in 4", 40, 250, HALF_HOUR, leave=0.25),
    Traffic("11.11: half-hours of 6,000 changes, rows leave at every call", 3, 6_000, HALF_HOUR, leave=1.0),
    Traffic("busy, and rows commit late at 1 call in 4", 40, 250, HALF_HOUR, leave=0.25, late=0.25),
    Traffic("a second of 250 in a half-hour of 600", 10, 350, HALF_HOUR),
)


def by_splitting(fetch: FetchPage, asked: Window) -> set[str]:
    """(a) Windows split until one call answers all of one; equal pieces, by the count of the first answer."""
    page = fetch(asked, 1, None)
    ids = {key for key, _ in page.keys}
    if total_of(page) <= PAGE:
        return ids
    seconds = int((asked.end - asked.start).total_seconds())
    pieces = min(-(-total_of(page) // int(PAGE * FILL)), seconds // 2)
    if pieces < 2:
        read = WindowRead(asked)
        read_whole(fetch, read, PAGE)
        return read.ids
    start = asked.start
    for number in range(1, pieces + 1):
        end = asked.end if number == pieces else asked.start + timedelta(seconds=seconds * number // pieces)
        ids |= by_splitting(fetch, Window(start, end))
        start = end + timedelta(seconds=1)
        if start >= asked.end:
            start = asked.end - timedelta(seconds=1)
    return ids


def by_page_numbers(fetch: FetchPage, asked: Window) -> set[str]:
    """(b) Last page to first, counts before and after, union of passes; halves above 5,000 rows."""
    if total_of(fetch(asked, 1, None)) > LARGEST:
        older, newer = split(asked)
        return by_page_numbers(fetch, newer) | by_page_numbers(fetch, older)
    read = WindowRead(asked)
    read_whole(fetch, read, PAGE)
    return read.ids


def downwards(fetch: FetchPage, asked: Window) -> set[str]:
    """(c) Page 1 of what is left, downwards in time: what ``sync`` does."""
    return set().union(*(read.ids for read in read_window(fetch, asked, PAGE, PARTS)))


METHODS: tuple[Callable[[FetchPage, Window], set[str]], ...] = (by_splitting, by_page_numbers, downwards)


@dataclass(frozen=True)
class Result:
    """Of one method on one kind of traffic."""

    calls: int
    minimum: int
    orders: int
    lost: int

    @property
    def per_thousand(self) -> float:
        return self.calls / self.orders * 1_000


def measure(method: Callable[[FetchPage, Window], set[str]], traffic: Traffic, seed: int = 1) -> Result:
    """All windows of a kind; lost is what stood in the list from first to last and was not read."""
    calls = minimum = orders = lost = 0
    for number in range(traffic.windows):
        source = traffic.source(seed * 1_000 + number)
        if traffic.name.startswith("a second"):
            source.rows += [Row(f"same {n}", 900, PARTS[n % 3]) for n in range(250)]
        before = source.ids
        orders += len(before)
        minimum += max(-(-len(before) // PAGE), 1)
        # (b)'s own question whether the window is too large is its first call, which read_whole asks again
        met = method(source.fetch, window(traffic.seconds))
        calls += source.calls - (method is by_page_numbers and len(before) <= LARGEST)
        lost += len((before & source.ids) - met)
    return Result(calls, minimum, orders, lost)


def table() -> str:
    """Markdown."""
    lines = [
        "| traffic | least | (a) split | (b) page numbers, passes | (c) downwards in time |",
        "|---|--:|--:|--:|--:|",
    ]
    for traffic in TRAFFIC:
        results = [measure(method, traffic) for method in METHODS]
        cells = [f"{r.per_thousand:.1f}" + (f", {r.lost} lost" if r.lost else "") for r in results]
        least = results[0].minimum / results[0].orders * 1_000
        lines.append(f"| {traffic.name} | {least:.1f} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())  # noqa: T201 - a command
