"""Upserts into warehouses of several sizes: what a batch costs, in a process of its own, and how that grows with the table.

Three of ten orders of a batch are stored already, spread over the newest weeks; one of five of these comes in an older
version and must lose. As a program, ``python -m orders_pipeline.bench.upsert FOLDER ORDERS`` applies one batch and prints
its CPU seconds as JSON.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import msgspec

from orders_pipeline.bench import child, stored, trades
from orders_pipeline.bench.report import Table
from orders_pipeline.platforms.base import Page
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync.landing import Landing, Origin
from orders_pipeline.warehouse import Warehouse
from orders_pipeline.warehouse.publish import Publisher

API = "taobao.trades.sold.increment.get"
_PAGE = 100
_FILE = 5_000  # orders a raw file at most, as ``sync`` lands them
_NEW_IDS = 10**17  # ids so much higher are those of orders a few months later


def measure(sizes: Sequence[int], batches: Sequence[int], tell: Callable[[str], None]) -> Table:
    """Build a warehouse of each size and apply each batch to it, one after another."""
    rows: list[list[str | int | float]] = []
    for size in sizes:
        root = Path(tempfile.mkdtemp(prefix="bench-"))
        try:
            child.run(["-m", "orders_pipeline.bench.stored", str(root), str(size)], root)
            tell(f"{size:,} orders stored, {(root / 'warehouse.duckdb').stat().st_size / 1e6:,.0f} MB")
            for batch in batches:
                cost = child.run(["-m", "orders_pipeline.bench.upsert", str(root), str(batch)], root)
                spent = json.loads(cost.output)
                rows.append([size, batch, spent["apply"], batch / spent["apply"], round(cost.rss)])
                tell(f"{batch:,} orders into {size:,}: {spent['apply']:.3f} CPU s")
        finally:
            shutil.rmtree(root, ignore_errors=True)
    columns = ["orders stored", "orders in the batch", "CPU s", "orders per CPU s", "MB, whole process"]
    return Table("Upsert: staging, transaction and checkpoint, without publishing", columns, rows)


def land(folder: DataFolder, count: int) -> list[Path]:
    """Raw files of a batch."""
    landing, orders = Landing(folder.raw), _batch(count)
    files = []
    for start in range(0, count, _FILE):
        pages = []
        for first in range(start, min(start + _FILE, count), _PAGE):
            rows = orders[first : first + _PAGE]
            body = b'{"trades":{"trade":[' + b",".join(rows) + b"]}}"
            keys = tuple((str(first + row), "") for row in range(len(rows)))
            pages.append(Page(API, "trade_pages", body, keys, None, None, "", trades.BASE))
        at = trades.BASE + timedelta(seconds=start)
        origin = Origin("tmall", stored.SHOP, "incremental", "bench")
        files.append(landing.land("trade_pages", origin, (at, at + timedelta(minutes=1)), pages, at, len(pages)).path)
    return files


def _batch(count: int) -> list[bytes]:
    """Orders as JSON: first those that are stored, then copies of others under ids that nobody has."""
    known = trades.trades(stored.NEWEST)
    shared = count * 3 // 10
    batch = []
    for number in range(count):
        source = number * len(known) // shared if number < shared else number % len(known)
        row = msgspec.json.decode(known[source].body)
        if number >= shared:
            shift = _NEW_IDS * (1 + number // len(known))
            row["tid"] += shift
            for line in row["orders"]["order"]:
                line["oid"] += shift
        elif number % 5:
            row["modified"] = f"{trades.BASE:%Y-%m-%d %H:%M:%S}"
        batch.append(msgspec.json.encode(row))
    return batch


def main(root: str, count: str) -> None:
    folder = DataFolder(Path(root))
    files = land(folder, int(count))
    warehouse = Warehouse(folder)
    with patch.object(Publisher, "wait_seconds", lambda _: 1.0):  # no copy within what is measured
        begun = time.process_time()
        warehouse.apply(files, holder="bench")
        spent = time.process_time() - begun
    sys.stdout.write(json.dumps({"apply": spent}))


if __name__ == "__main__":
    main(*sys.argv[1:])
