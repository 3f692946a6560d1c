"""A difference is red until it has been compared again, at least as closely; a death, a count or another shop clears nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count

import duckdb
import pytest

from orders_pipeline.clock import SHOP_TZ, SystemClock
from orders_pipeline.quality import differences
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse

TODAY = date(2026, 1, 15)
MIDNIGHT = datetime(2026, 1, 14, tzinfo=SHOP_TZ)
DAY = timedelta(days=1)
API = "taobao.trades.sold.get"


class Book:
    """Comparisons, each a minute after the one before."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self.minutes = count()

    def compared(
        self, start: datetime, length: timedelta, missing: int, healed: int = 0, method: str = "ids", shop: str = "tea"
    ) -> None:
        at = MIDNIGHT + DAY + timedelta(minutes=next(self.minutes))
        self.con.execute(
            "INSERT INTO ops.reconciliations VALUES (?, ?, 'created', ?, ?, ?, 10, 9, ?, 0, 0, 0, ?, NULL, ?, 0)",
            [shop, API, start, start + length - timedelta(seconds=1), at, missing, healed, method],
        )

    def red(self) -> list[tuple[date, str, int]]:
        return [(one.day, one.method, one.times_checked) for one in differences(self.con, TODAY)]


@pytest.fixture
def book(folder: DataFolder) -> Iterator[Book]:
    with Warehouse(folder, SystemClock()).write("test") as con:
        yield Book(con)


def test_red_until_healed(book: Book) -> None:
    book.compared(MIDNIGHT, DAY, 1)
    assert book.red() == [(date(2026, 1, 14), "ids", 1)]
    book.compared(MIDNIGHT, DAY, 1)
    assert book.red() == [(date(2026, 1, 14), "ids", 2)]
    book.compared(MIDNIGHT, DAY, 1, shop="hat", healed=1)
    assert len(book.red()) == 1
    book.compared(MIDNIGHT, DAY, 1, healed=1)
    assert book.red() == []


def test_counts_clear_what_counts_found_and_never_what_ids_found(book: Book) -> None:
    book.compared(MIDNIGHT, DAY, 1)
    book.compared(MIDNIGHT - 6 * DAY, 7 * DAY, 0, method="count")
    assert len(book.red()) == 1
    book.compared(MIDNIGHT, DAY, 0)
    book.compared(MIDNIGHT - 6 * DAY, 7 * DAY, 1, method="count")
    assert [method for _, method, _ in book.red()] == ["count"]
    book.compared(MIDNIGHT - 6 * DAY, 7 * DAY, 0, method="count")
    assert book.red() == []


def test_a_week_is_cleared_once_each_of_its_days_is(book: Book) -> None:
    book.compared(MIDNIGHT - 6 * DAY, 7 * DAY, 1, method="count")
    for back in range(7):
        assert len(book.red()) == 1
        book.compared(MIDNIGHT - back * DAY, DAY, 0)
    assert book.red() == []


def test_weeks_that_moved_on_by_a_day_clear_the_weeks_before(book: Book) -> None:
    for back in range(3):
        book.compared(MIDNIGHT - (7 * back + 6) * DAY, 7 * DAY, 1, method="count")
    for back in range(4):
        book.compared(MIDNIGHT - (7 * back + 5) * DAY, 7 * DAY, 0, method="count")
    assert book.red() == []


def test_a_difference_of_last_month_is_still_red(book: Book) -> None:
    book.compared(MIDNIGHT - 40 * DAY, DAY, 1)
    assert len(book.red()) == 1
