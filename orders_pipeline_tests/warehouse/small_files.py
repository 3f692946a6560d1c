"""A raw zone of small files that ``Landing`` writes, and the places between which a compaction can die."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from orders_pipeline.platforms.base import Page, RawTable
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync.landing import LandedFile, Landing, Origin
from orders_pipeline.sync.ledger import Ledger
from orders_pipeline.warehouse import Warehouse, compact, hidden
from orders_pipeline.warehouse.compact import CompactReport
from orders_pipeline_tests.warehouse.conftest import Rows, SteppedClock, rows_of, snapshot
from orders_pipeline_tests.warehouse.wire import refund, refunds, trade, trades

BEGUN = datetime(2026, 1, 10, 2, 0, tzinfo=UTC)
"""Of the first window; the clock of these tests stands five days later."""

TRADES, REFUNDS = "taobao.trades.sold.increment.get", "taobao.refunds.receive.get"
EVERY_COLUMN = "SELECT * FROM raw.trade_pages UNION ALL SELECT * FROM raw.refund_pages ORDER BY ALL"


class Zone:
    """A raw zone that ``Landing`` writes."""

    def __init__(self, folder: DataFolder, warehouse: Warehouse) -> None:
        self.folder, self.warehouse, self.landing = folder, warehouse, Landing(folder.raw)

    def land(self, number: int, *bodies: str, shop: str = "tea", api: str = TRADES) -> LandedFile:
        """The window that was read in the ``number``-th five minutes since BEGUN; without bodies nothing happened in it."""
        table: RawTable = "refund_pages" if api == REFUNDS else "trade_pages"
        start = BEGUN + timedelta(minutes=5 * number)
        pages = [
            Page(api, table, body.encode(), (), body.count('"tid"'), None, f"{shop}{number}", start)
            for body in bodies or [trades()]
        ]
        span = (start, start + timedelta(minutes=5))
        return self.landing.land(
            table, Origin("taobao", shop, "incremental", "run"), span, pages, span[1] + timedelta(minutes=4), 2
        )

    def apply(self, *files: LandedFile) -> None:
        self.warehouse.apply([file.path for file in files], holder="test")
        self.warehouse.flush()

    def fill(self, windows: int = 40) -> None:
        """Windows of a few hours: most are empty, some have two pages, one has a row that cannot be read."""
        files = [
            self.land(
                number,
                *([trades(trade(number * 10, f"2026-01-10 10:00:{number:02}"))] * 2 if number % 7 == 0 else []),
            )
            for number in range(windows)
        ]
        files += [self.land(number, refunds(refund(str(number))), api=REFUNDS) for number in range(5)]
        files += [self.land(number, shop="oolong") for number in range(3)]
        self.apply(*files, self.land(900, trades("?")), self.land(901))

    def shown(self) -> Rows:
        with self.warehouse.read() as con:
            return rows_of(con, EVERY_COLUMN)

    def tables(self) -> dict[str, Rows]:
        with self.warehouse.read() as con:
            return snapshot(con)

    def unapplied(self, shop: str = "tea", table: RawTable = "trade_pages") -> list[LandedFile]:
        return Ledger.load(self.warehouse, shop).unapplied(self.landing, table, shop)

    def small(self) -> list[Path]:
        """Files of one window that somebody may list."""
        return sorted(path for path in self.folder.raw.glob("*/shop=*/*/*Z.parquet") if not path.is_symlink())

    def joined(self) -> list[Path]:
        return sorted(self.folder.raw.rglob("joined_*.parquet"))


def days(warehouse: Warehouse, clock: SteppedClock, count: int = 4) -> list[CompactReport]:
    reports = []
    for _ in range(count):
        reports.append(warehouse.compact())
        clock.advance(days=1)
    return reports


@contextmanager
def passing(at: Callable[[], None]) -> Iterator[None]:
    """``at`` is told before and after each step of a compaction: a file written, named, compared or removed."""

    def told(step: Callable[..., Any], counts: Callable[..., bool] = lambda *_: True) -> Callable[..., Any]:
        def body(*args: Any, **kwargs: Any) -> Any:
            if not counts(*args):
                return step(*args, **kwargs)
            at()
            result = step(*args, **kwargs)
            at()
            return result

        return body

    with ExitStack() as stack:
        for owner, name in ((compact, "_join"), (compact, "_differ"), (hidden, "write"), (hidden, "place")):
            stack.enter_context(patch.object(owner, name, told(getattr(owner, name))))
        for name in ("hardlink_to", "symlink_to"):
            stack.enter_context(patch.object(Path, name, told(getattr(Path, name))))
        of_raw = told(Path.unlink, lambda path, *_: path.suffix == ".parquet" or path.name.endswith(".compact.tmp"))
        stack.enter_context(patch.object(Path, "unlink", lambda path, **options: of_raw(path, **options)))
        yield
