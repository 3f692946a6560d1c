"""The raw zone of a shop that is synced every five minutes, before and after its small files were joined: what listing, the
views, the ledger and a rebuild cost. Orders are those of ``trades.py``; in most windows nothing happens."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from orders_pipeline.bench import stored, trades
from orders_pipeline.bench.report import Table
from orders_pipeline.platforms.base import FeedName, Page
from orders_pipeline.platforms.taobao.feeds import FEEDS
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync.landing import Landing, Origin
from orders_pipeline.sync.ledger import Ledger
from orders_pipeline.warehouse import Warehouse
from orders_pipeline.warehouse.compact import GRACE

CHANGES = 4
"""Times that an order is in an increment: made, paid, sent, received."""

WINDOWS = {
    FeedName.ORDERS_BY_MODIFIED: timedelta(minutes=5),
    FeedName.REFUNDS_BY_MODIFIED: timedelta(minutes=5),
    FeedName.SHIPMENTS_BY_CREATED: timedelta(hours=1),
}
"""What is read how often: 600 files a day."""

_ROUNDS = 3


class _Clock:
    """Stands where it is put; nobody waits for the half days between the steps."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


def measure(days: int, orders_per_day: int, tell: Callable[[str], None]) -> Table:
    """Files, MB and CPU seconds: the least of three, of a rebuild and of the steps of a compaction the only one."""
    folder = DataFolder(Path(tempfile.mkdtemp(prefix="bench-"))).create()
    clock = _Clock(trades.BASE + timedelta(days=days + 1))
    warehouse = Warehouse(folder, clock)
    try:
        with patch("os.fsync", lambda _: None):  # how fast the disk of this machine syncs is not the question
            tell(f"{land(folder, days, orders_per_day):,} files landed")
            rows = [["as landed", *_costs(folder, warehouse, tell)]]
            spent = 0.0
            while any(path for path in folder.raw.glob("*/shop=*/*/*Z.parquet")):
                spent += _cpu(warehouse.compact)
                clock.sleep(GRACE.total_seconds())
            tell(f"joined in {spent:.1f} CPU s")
            rows.append(["joined", *_costs(folder, warehouse, tell)])
    finally:
        shutil.rmtree(folder.root, ignore_errors=True)
    columns = [
        "raw zone",
        "files",
        "MB",
        "list, CPU s",
        "count pages, CPU s",
        "ledger and landed, CPU s",
        "rebuild, CPU s",
    ]
    return Table(f"Raw files of {days} days, {orders_per_day} orders a day", columns, rows)


def land(folder: DataFolder, days: int, orders_per_day: int) -> int:
    """Windows of so many days; how many."""
    landing, orders = Landing(folder.raw), trades.trades(max(orders_per_day * days // CHANGES, 1))
    count = given = 0
    for name, step in WINDOWS.items():
        feed = FEEDS[name]
        for number in range(timedelta(days=days) // step):
            start = trades.BASE + number * step
            due = (number + 1) * step * orders_per_day // timedelta(days=1)  # as many by then
            some = []
            while name is FeedName.ORDERS_BY_MODIFIED and given < due:
                some.append(orders[given % len(orders)].body)
                given += 1
            body = b'{"trades":{"trade":[' + b",".join(some) + b"]}}" if some else b"{}"
            page = Page(feed.api, feed.table, body, (("", ""),) * len(some), None, None, f"{number:032}", start)
            end = start + step
            landing.land(feed.table, Origin("tmall", stored.SHOP, "incremental", "bench"), (start, end), [page], end, 2)
            count += 1
    return count


def _costs(folder: DataFolder, warehouse: Warehouse, tell: Callable[[str], None]) -> list[int | float]:
    rebuilt = _cpu(warehouse.rebuild)
    tell(f"rebuilt in {rebuilt:.1f} CPU s")
    landing = Landing(folder.raw)
    tables = [FEEDS[name].table for name in WINDOWS]

    def files() -> None:
        for table in tables:
            for _ in landing.files(table, stored.SHOP):
                pass

    def pages() -> None:
        with warehouse.read() as con:
            con.execute("SELECT count(*) FROM raw.trade_pages").fetchall()

    def ledger() -> None:
        known = Ledger.load(warehouse, stored.SHOP)
        for table in tables:
            if known.unapplied(landing, table, stored.SHOP):
                raise RuntimeError(f"The ledger does not know every window of {table}: the figures would be wrong.")

    found = [path.stat().st_size for path in folder.raw.glob("*/shop=*/*/*.parquet")]
    costs = [min(_cpu(work) for _ in range(_ROUNDS)) for work in (files, pages, ledger)]
    return [len(found), round(sum(found) / 1e6, 1), *costs, rebuilt]


def _cpu(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun
