"""Closed windows leave no second out, whatever was read before."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders_pipeline.platforms.base import Window
from orders_pipeline.sync.windows import (
    LEAST_ADVANCE,
    LONGEST,
    OVERLAP,
    SECOND,
    closed_end,
    day_window,
    days_newest_first,
    holes,
    increments,
    merge,
    split,
)

START = datetime(2026, 1, 10, tzinfo=UTC)


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


windows = st.builds(
    lambda start, length: Window(at(start), at(start + length)), st.integers(0, 20_000), st.integers(1, 4_000)
)


def seconds_of(pieces: list[Window]) -> set[int]:
    """Every whole second that closed windows contain."""
    return {
        second
        for piece in pieces
        for second in range(int((piece.start - START).total_seconds()), int((piece.end - START).total_seconds()) + 1)
    }


@given(st.lists(windows, max_size=12))
def test_merging_keeps_every_second_and_joins_neighbours(pieces: list[Window]) -> None:
    merged = merge(pieces)
    assert seconds_of(merged) == seconds_of(pieces)
    assert all(left.end + SECOND < right.start for left, right in itertools.pairwise(merged))


@given(st.lists(windows, max_size=12), st.integers(0, 5_000), st.integers(2, 20_000))
def test_holes_are_what_no_window_covers(pieces: list[Window], first: int, length: int) -> None:
    found = holes(pieces, at(first), at(first + length))
    missing = set(range(first, first + length)) - seconds_of(pieces)
    assert missing <= seconds_of(found)
    assert seconds_of(found) - missing <= {max(second for second in range(first, first + length + 2)), *_edges(found)}


def _edges(found: list[Window]) -> set[int]:
    """A hole of one second is asked for as two, and the last second of the range is the range's end itself."""
    return {int((hole.end - START).total_seconds()) for hole in found}


@given(st.lists(windows, max_size=8), st.integers(0, 2_000), st.integers(700, 30_000))
def test_increments_fill_every_hole_but_the_tail(pieces: list[Window], first: int, length: int) -> None:
    start, end = at(first), at(first + length)
    planned = list(increments(pieces, start, end))
    assert all(window.end - window.start <= LONGEST for window in planned)
    assert all(window.end <= end for window in planned)
    left = holes([*pieces, *planned], start, end)
    assert all(hole.end >= end and hole.end - hole.start < LEAST_ADVANCE for hole in left)


def test_each_increment_reaches_back_into_the_one_before() -> None:
    planned = list(increments([], at(0), at(7_200)))
    for older, newer in itertools.pairwise(planned):
        assert newer.start == older.end - OVERLAP


def test_nothing_is_planned_for_less_news_than_is_read_again() -> None:
    covered = [Window(at(0), at(3_600))]
    assert list(increments(covered, at(0), at(3_600) + LEAST_ADVANCE - SECOND)) == []
    assert len(list(increments(covered, at(0), at(3_601) + LEAST_ADVANCE))) == 1


@given(windows)
def test_halves_share_no_second_and_leave_none_out(window: Window) -> None:
    if window.end - window.start < timedelta(seconds=4):
        return
    older, newer = split(window)
    assert seconds_of([older]) | seconds_of([newer]) == seconds_of([window])
    assert not seconds_of([older]) & seconds_of([newer])


def test_a_window_too_short_to_halve_says_so() -> None:
    with pytest.raises(ValueError, match="too short"):
        split(Window(at(0), at(1)))


def test_a_shop_day_runs_from_midnight_to_midnight_in_shanghai_on_any_host() -> None:
    window = day_window(datetime(2026, 1, 10, tzinfo=UTC).date(), datetime(2026, 2, 1, tzinfo=UTC))
    assert window == Window(datetime(2026, 1, 9, 16, tzinfo=UTC), datetime(2026, 1, 10, 15, 59, 59, tzinfo=UTC))


def test_today_ends_where_closed_windows_end() -> None:
    now = datetime(2026, 1, 10, 3, 0, 30, 500, tzinfo=UTC)
    window = day_window(datetime(2026, 1, 10, tzinfo=UTC).date(), closed_end(now))
    assert window is not None
    assert window.end == datetime(2026, 1, 10, 2, 57, 30, tzinfo=UTC)
    assert day_window(datetime(2026, 1, 11, tzinfo=UTC).date(), closed_end(now)) is None


def test_days_come_newest_first() -> None:
    days = list(days_newest_first(START.date() - timedelta(days=2), START.date()))
    assert days == [START.date(), START.date() - timedelta(days=1), START.date() - timedelta(days=2)]
