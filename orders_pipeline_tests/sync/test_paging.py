"""No row of a window is lost while rows move under the reader's hands."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders_pipeline.platforms.base import Page
from orders_pipeline.sync.paging import UnstableWindowError, WindowTooLargeError, read_once, read_window

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAGE_SIZE = 10


class MovingList:
    """A platform's list, newest first, on which something happens between two calls."""

    def __init__(self, rows: int, seed: int, *, leave: float = 0.0, ties: bool = False) -> None:
        self.rows = [str(number) for number in range(rows)]
        self.gone: set[str] = set()
        self.random = random.Random(seed)
        self.leave = leave
        self.ties = ties
        self.calls = 0

    def fetch(self, page_no: int, count: bool) -> Page:
        self.calls += 1
        if self.ties:
            self.random.shuffle(self.rows)  # rows of one second come in any order, which changes from call to call
        first = (page_no - 1) * PAGE_SIZE
        rows = self.rows[first : first + PAGE_SIZE]
        page = Page(
            api="list",
            table="trade_pages",
            body="{}",
            keys=tuple((row, "v") for row in rows),
            total=len(self.rows) if count else None,
            has_next=None if count else first + PAGE_SIZE < len(self.rows),
            request_id="r",
            at=NOW,
        )
        if self.rows and self.random.random() < self.leave:
            row = self.rows.pop(self.random.randrange(len(self.rows)))  # it changed: a later window will hold it
            self.gone.add(row)
        return page


def test_one_call_where_a_page_holds_the_window() -> None:
    for rows in (0, 1, PAGE_SIZE):
        source = MovingList(rows, 1)
        read = read_window(source.fetch, PAGE_SIZE, 1_000)
        assert (source.calls, len(read.ids), read.complete) == (1, rows, True)


def test_one_call_above_the_minimum_when_nothing_moves() -> None:
    source = MovingList(35, 1)
    read = read_window(source.fetch, PAGE_SIZE, 1_000)
    assert (source.calls, len(read.ids), read.complete) == (5, 35, True)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 120), st.integers(0, 10_000), st.sampled_from([0.05, 0.3, 0.9]))
def test_rows_that_leave_hide_no_row_that_stays(rows: int, seed: int, leave: float) -> None:
    source = MovingList(rows, seed, leave=leave)
    read = read_window(source.fetch, PAGE_SIZE, 1_000)
    assert set(source.rows) <= read.ids


@settings(max_examples=100, deadline=None)
@given(st.integers(11, 60), st.integers(0, 10_000))
def test_an_order_that_changes_from_call_to_call_loses_nothing(rows: int, seed: int) -> None:
    source = MovingList(rows, seed, ties=True)
    read = read_window(source.fetch, PAGE_SIZE, 1_000)
    if read.complete:
        assert read.ids == set(source.rows)
    else:
        assert read.shortfall == rows - len(read.ids) > 0  # what was not shown is recorded, not hidden


def test_a_count_that_no_page_bears_out_is_recorded_as_a_shortfall() -> None:
    source = MovingList(25, 1)
    honest = source.fetch

    def lying(page_no: int, count: bool) -> Page:
        page = honest(page_no, count)
        return replace(page, total=30 if count else None)

    read = read_window(lying, PAGE_SIZE, 1_000)
    assert not read.complete
    assert read.shortfall == 5


def test_too_many_rows_are_refused_before_paging() -> None:
    source = MovingList(101, 1)
    with pytest.raises(WindowTooLargeError):
        read_window(source.fetch, PAGE_SIZE, 100)
    assert source.calls == 1


def test_a_window_that_never_settles_is_no_complete_window() -> None:
    source = MovingList(40, 1)
    fresh = itertools.count(1_000)
    honest = source.fetch

    def drifting(page_no: int, count: bool) -> Page:
        page = honest(min(page_no, 4), count)
        keys = ((f"late {next(fresh)}", "v"),) if page_no == 1 else page.keys  # each pass brings one row, never all 500
        return replace(page, keys=keys, total=500 if count else None)

    with pytest.raises(UnstableWindowError):
        read_window(drifting, PAGE_SIZE, 1_000)


def test_a_window_that_outgrows_the_limit_while_it_is_read_is_split_like_any_other() -> None:
    source = MovingList(40, 1)
    honest = source.fetch

    def growing(page_no: int, count: bool) -> Page:
        source.rows.insert(0, f"late {len(source.rows)}")
        return honest(page_no, count)

    with pytest.raises(WindowTooLargeError):
        read_window(growing, PAGE_SIZE, 45)


def test_the_tail_is_read_once_through() -> None:
    source = MovingList(25, 1)
    assert len(read_once(source.fetch, PAGE_SIZE).ids) == 25
    assert source.calls == 3
