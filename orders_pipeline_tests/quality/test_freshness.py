"""Freshness is where the ledger's first gapless stretch ends, not where the newest window does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orders_pipeline.platforms.base import FeedName
from orders_pipeline.platforms.taobao.feeds import FEEDS
from orders_pipeline.quality import freshness
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse

FEED = FEEDS[FeedName.ORDERS_BY_MODIFIED]
NOW = datetime(2026, 1, 15, 4, tzinfo=UTC)


def fresh_after(folder: DataFolder, *windows: tuple[int, int]):
    """Freshness at NOW with these closed windows in the ledger, in minutes before NOW."""
    warehouse = Warehouse(folder)
    with warehouse.write("test") as con:
        for start, end in windows:
            con.execute(
                "INSERT INTO ops.sync_windows VALUES ('tmall', 'tea', ?, ?, ?, ?, 'run', 1, 1, 0, 'incremental', 0)",
                [FEED.api, NOW - timedelta(minutes=start), NOW - timedelta(minutes=end), NOW],
            )
    warehouse.flush()
    with warehouse.read() as con:
        return freshness(con, "tea", FEED, NOW)


def test_nothing_read_is_late(folder: DataFolder) -> None:
    found = fresh_after(folder)
    assert found.too_late
    assert "orders-pipeline sync --shop tea" in str(found)


def test_overlapping_windows_up_to_now_are_fresh(folder: DataFolder) -> None:
    found = fresh_after(folder, (60, 30), (35, 3))
    assert (found.late, found.lag) == (False, timedelta(minutes=3))


def test_behind_a_hole_nothing_counts(folder: DataFolder) -> None:
    found = fresh_after(folder, (90, 61), (40, 3))
    assert (found.too_late, found.lag) == (True, timedelta(minutes=61))


def test_late_comes_before_too_late(folder: DataFolder) -> None:
    found = fresh_after(folder, (90, 30))
    assert (found.late, found.too_late) == (True, False)


def test_a_hole_that_can_still_be_read_counts_and_one_behind_the_wall_does_not(folder: DataFolder) -> None:
    day = 24 * 60
    assert fresh_after(folder, (120 * day, 110 * day), (80 * day, 3)).lag == timedelta(days=110)
    found = fresh_after(folder, (93 * day, 79 * day))  # from before the wall on
    assert (found.late, found.lag) == (False, timedelta(minutes=3))
