"""A platform's list on which something happens between two calls; any of its rows may be asked for by time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orders_pipeline.platforms.base import Page, Window

START = datetime(2026, 1, 1, tzinfo=UTC)
PAGE_SIZE = 10
PARTS = ("a", "b", "c")


def window(seconds: int) -> Window:
    return Window(START, START + timedelta(seconds=seconds))


@dataclass
class Row:
    key: str
    second: int
    part: str = "a"


class MovingList:
    """Newest first, rows of one second shuffled at each call. ``leave`` and ``late`` are chances at each call."""

    def __init__(
        self,
        rows: int,
        seed: int,
        seconds: int = 600,
        *,
        leave: float = 0.0,
        late: float = 0.0,
        page_size: int = PAGE_SIZE,
    ) -> None:
        self.random = random.Random(seed)
        self.seconds = seconds
        self.rows = [self.row(f"{number}") for number in range(rows)]
        self.leave, self.late = leave, late
        self.page_size = page_size
        self.calls = 0
        self.came = 0
        self.deepest = 0  # the largest page number asked for

    def row(self, key: str) -> Row:
        return Row(key, self.random.randint(0, self.seconds), self.random.choice(PARTS))

    @property
    def ids(self) -> set[str]:
        return {row.key for row in self.rows}

    def fetch(self, asked: Window, page_no: int, part: str | None) -> Page:
        self.calls += 1
        self.deepest = max(self.deepest, page_no)
        first, last = ((instant - START).total_seconds() for instant in (asked.start, asked.end))
        rows = [row for row in self.rows if first <= row.second <= last and part in (None, row.part)]
        self.random.shuffle(rows)
        rows.sort(key=lambda row: -row.second)
        shown = rows[(page_no - 1) * self.page_size : page_no * self.page_size]
        page = Page(
            api="list",
            table="trade_pages",
            body=b"{}",
            keys=tuple((row.key, "v") for row in shown),
            total=len(rows),
            has_next=None,
            request_id="r",
            at=START,
            times=tuple(START + timedelta(seconds=row.second) for row in shown),
        )
        if self.rows and self.random.random() < self.leave:
            self.rows.pop(self.random.randrange(len(self.rows)))  # it changed: a later window will hold it
        if self.came < 8 and self.random.random() < self.late:  # a list that never comes to rest is refused loudly
            self.came += 1
            self.rows.append(self.row(f"late {self.came}"))
        return page
