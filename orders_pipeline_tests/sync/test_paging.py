"""No row of a window is lost while rows move under the reader's hands, and hardly a call is spent on that."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders_pipeline.platforms.base import Page, RetryableError, Window
from orders_pipeline.sync.paging import CALLS_A_SEGMENT, WindowRead, read_once, read_window
from orders_pipeline.sync.window_read import (
    MAX_PASSES_WITHOUT_NEWS,
    FetchPage,
    SecondTooLargeError,
    UnstableWindowError,
    rows_of,
)
from orders_pipeline_tests.sync.moving_list import PAGE_SIZE, PARTS, START, MovingList, Row, window

TEN_MINUTES = window(600)


def read(fetch: FetchPage, asked: Window = TEN_MINUTES, parts: tuple[str, ...] = PARTS) -> WindowRead:
    """The only segment of a window."""
    (whole,) = read_window(fetch, asked, PAGE_SIZE, parts)
    return whole


def test_one_call_where_a_page_holds_the_window() -> None:
    for rows in (0, 1, PAGE_SIZE):
        source = MovingList(rows, 1)
        whole = read(source.fetch)
        assert (source.calls, len(whole.ids), whole.complete) == (1, rows, True)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 300),
    st.integers(0, 10_000),
    st.sampled_from([600, 3_600]),
    st.sampled_from([0.0, 0.05, 0.3]),
)
def test_at_most_three_calls_above_the_minimum(rows: int, seed: int, seconds: int, leave: float) -> None:
    """Rows may leave at any call and share seconds, a sixth of a page at most in the mean; a page here is ten rows: with the
    platform's hundred the second that is read again weighs a tenth of this."""
    source = MovingList(min(rows, seconds // 6), seed, seconds, leave=leave)
    minimum = max(math.ceil(len(source.rows) / PAGE_SIZE), 1)
    again = math.ceil(minimum * 0.3)  # ten rows of which one or two are met again
    whole = read(source.fetch, window(seconds))
    assert source.ids <= whole.ids
    assert whole.calls == source.calls <= minimum + again + 3


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 120), st.integers(0, 10_000), st.integers(3, 600), st.sampled_from([0.05, 0.3, 0.9]))
def test_rows_that_leave_hide_no_row_that_stays(rows: int, seed: int, seconds: int, leave: float) -> None:
    source = MovingList(rows, seed, seconds, leave=leave)
    whole = read(source.fetch, window(seconds))
    assert source.ids <= whole.ids


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 200), st.integers(0, 10_000), st.integers(1, 20))
def test_crowded_seconds_in_any_order_lose_nothing(rows: int, seed: int, seconds: int) -> None:
    source = MovingList(rows, seed, seconds)
    whole = read(source.fetch, window(seconds))
    if whole.complete:
        assert whole.ids == source.ids
    else:
        assert whole.shortfall == rows - len(whole.ids) > 0  # what was not shown is recorded, not hidden


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 120), st.integers(0, 10_000), st.sampled_from([0.1, 0.3]))
def test_a_row_that_comes_late_hides_no_other(rows: int, seed: int, late: float) -> None:
    source = MovingList(rows, seed, late=late)
    there = source.ids
    assert there <= read(source.fetch).ids


def test_a_row_that_comes_late_above_what_was_read_is_found_where_the_counts_tell() -> None:
    source = MovingList(35, 1)
    honest = source.fetch

    def late(asked: Window, page_no: int, part: str | None) -> Page:
        page = honest(asked, page_no, part)
        if source.calls == 2:
            source.rows += [Row("late above", 600), Row("late below", 0)]
        return page

    assert read(late).ids == source.ids


def test_no_page_number_beyond_the_first_is_asked_for_where_seconds_fit_a_page() -> None:
    source = MovingList(100, 1, leave=0.5)
    read(source.fetch)
    assert source.deepest == 1


def test_a_second_that_overflows_a_page_is_read_by_its_parts() -> None:
    source = MovingList(40, 1)
    source.rows += [Row(f"same {n}", 300, PARTS[n % 3]) for n in range(27)]
    whole = read(source.fetch)
    assert whole.complete
    assert whole.ids == source.ids
    assert source.deepest == 1


def test_a_second_whose_rows_are_in_no_part_is_read_in_passes() -> None:
    source = MovingList(0, 1)
    source.rows = [Row(f"same {n}", 300, "unheard of") for n in range(27)]
    whole = read(source.fetch)
    assert whole.complete
    assert whole.ids == source.ids


@pytest.mark.parametrize("second", [0, 1, 599, 600])
def test_crowded_seconds_at_the_ends(second: int) -> None:
    source = MovingList(8, 1)
    source.rows += [Row(f"same {n}", second, PARTS[n % 3]) for n in range(27)]
    whole = read(source.fetch)
    assert (whole.complete, whole.ids) == (True, source.ids)


def test_a_second_beyond_all_paging_fails_loudly() -> None:
    source = MovingList(0, 1)
    source.rows = [Row(f"same {n}", 300) for n in range(5_001)]
    with pytest.raises(SecondTooLargeError):
        read(source.fetch)


def test_a_large_window_comes_in_segments_that_leave_nothing_out() -> None:
    source = MovingList(2_000, 1, 100_000)
    segments = list(read_window(source.fetch, window(100_000), PAGE_SIZE, PARTS))
    assert len(segments) > 2_000 / PAGE_SIZE / CALLS_A_SEGMENT
    assert all(segment.complete for segment in segments)
    assert segments[0].window.end == START + timedelta(seconds=100_000)
    assert segments[-1].window.start == START
    for newer, older in itertools.pairwise(segments):
        assert newer.window.start - older.window.end == timedelta(seconds=1)
    for segment in segments:
        ends = ((at - START).total_seconds() for at in (segment.window.start, segment.window.end))
        first, last = ends
        assert segment.ids == {row.key for row in source.rows if first <= row.second <= last}


def test_a_count_that_no_page_bears_out_is_recorded_as_a_shortfall() -> None:
    source = MovingList(25, 1)
    honest = source.fetch

    def lying(asked: Window, page_no: int, part: str | None) -> Page:
        page = honest(asked, page_no, part)
        return replace(page, total=(page.total or 0) + 5)

    whole = read(lying)
    assert not whole.complete
    assert whole.shortfall == 5
    assert whole.ids == source.ids


def test_pages_shorter_than_asked_are_gone_on_from() -> None:
    source = MovingList(45, 1)
    honest = source.fetch

    def clamped(asked: Window, page_no: int, part: str | None) -> Page:
        page = honest(asked, page_no, part)
        return replace(page, keys=page.keys[:4], times=page.times[:4])

    assert read(clamped).ids == source.ids


def test_a_counting_call_without_a_total_proves_nothing() -> None:
    source = MovingList(25, 1)

    def silent(asked: Window, page_no: int, part: str | None) -> Page:
        return replace(source.fetch(asked, page_no, part), total=None, has_next=True)

    with pytest.raises(RetryableError, match="no total"):
        read(silent)


@pytest.mark.parametrize("sorted_", [True, False])
def test_a_last_page_that_says_there_is_more_is_believed(sorted_: bool) -> None:
    """The platform counts 20 of 25 rows, and says on their last page that more follow."""
    source = MovingList(25, 1)
    honest = source.fetch

    def capped(asked: Window, page_no: int, part: str | None) -> Page:
        page = honest(asked, page_no, part)
        total = page.total or 0
        shown = (page_no - 1) * PAGE_SIZE + page.row_count
        page = replace(page, total=min(total, 20), has_next=shown < total)
        return page if sorted_ else replace(page, times=())

    assert read(capped).ids == source.ids


def test_an_answer_that_always_says_there_is_more_ends() -> None:
    source = MovingList(25, 1)

    def endless(asked: Window, page_no: int, part: str | None) -> Page:
        return replace(source.fetch(asked, page_no, part), has_next=True)

    assert read(endless).ids == source.ids
    assert source.calls < 30


def test_an_answer_without_rows_where_there_are_some_is_no_empty_window() -> None:
    source = MovingList(25, 1)
    honest = source.fetch

    def empty_at_times(asked: Window, page_no: int, part: str | None) -> Page:
        page = honest(asked, page_no, part)
        return replace(page, keys=(), times=()) if source.calls in (1, 4) else page

    assert read(empty_at_times).ids == source.ids


def test_a_list_that_is_not_sorted_is_read_by_page_numbers() -> None:
    source = MovingList(35, 1)
    honest = source.fetch

    def unsorted(asked: Window, page_no: int, part: str | None) -> Page:
        page = honest(asked, page_no, part)
        return replace(page, times=page.times[::-1])

    whole = read(unsorted)
    assert (whole.complete, whole.ids) == (True, source.ids)
    assert source.deepest == 4


def test_a_row_without_a_time_costs_no_other() -> None:
    source = MovingList(25, 1)
    honest = source.fetch

    def poisoned(asked: Window, page_no: int, part: str | None) -> Page:
        page = honest(asked, page_no, part)
        return replace(page, times=tuple(None if key == "7" else at for key, at in rows_of(page).items()))

    assert read(poisoned).ids == source.ids


def test_a_window_that_never_settles_is_no_complete_window() -> None:
    source = MovingList(40, 1)
    fresh = itertools.count(1_000)
    honest = source.fetch

    def drifting(asked: Window, page_no: int, part: str | None) -> Page:
        page = honest(asked, page_no, part)
        if asked.end == TEN_MINUTES.end:  # each pass brings one row, never all 500
            page = replace(page, keys=((f"late {next(fresh)}", "v"), *page.keys[1:]))
        return replace(page, total=500)

    with pytest.raises(UnstableWindowError):
        read(drifting)
    assert source.calls > MAX_PASSES_WITHOUT_NEWS


def test_the_tail_is_read_once_through() -> None:
    source = MovingList(25, 1)
    assert read_once(source.fetch, TEN_MINUTES, PAGE_SIZE).ids == source.ids
    assert source.calls == 3
