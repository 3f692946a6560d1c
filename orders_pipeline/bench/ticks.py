"""What one ``orders-pipeline sync`` with 2,500 changed orders costs, as a whole process, with more and more orders stored."""

from __future__ import annotations

import os
import shutil
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from orders_pipeline.bench import child, ingest, stored
from orders_pipeline.bench.report import Table
from orders_pipeline.clock import SystemClock
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse.publish import Publisher


def measure(sizes: Sequence[int], rounds: int, tell: Callable[[str], None]) -> Table:
    """The least CPU of ``rounds`` ticks, each on the same warehouse, and of these what one published copy takes."""
    rows: list[list[str | int | float]] = []
    with child.server(stored.NEWEST, 0) as address:
        for size in sizes:
            root = Path(tempfile.mkdtemp(prefix="bench-"))
            try:
                child.run(["-m", "orders_pipeline.bench.stored", str(root / "built"), str(size)], root)
                ticks = []
                for _ in range(rounds):
                    shutil.copytree(root / "built", root / "data", symlinks=True)
                    os.sync()
                    urllib.request.urlopen(address + ingest.PHASES["increment"], b"").read()  # noqa: S310 - our own server
                    ticks.append(child.run(ingest.ours(address, root, "increment"), root, ingest.environment(root)))
                    copy = Publisher(DataFolder(root / "data"), SystemClock()).last()
                    shutil.rmtree(root / "data")
                best = min(ticks, key=lambda cost: cost.cpu)
                seconds = copy.seconds if copy else 0.0
                rows.append([size, best.cpu, best.wall, round(best.rss), seconds])
                tell(f"{size:,} orders stored: {best.cpu:.2f} CPU s")
            finally:
                shutil.rmtree(root, ignore_errors=True)
    columns = ["orders stored", "CPU s", "wall s", "MB", "wall s of one published copy"]
    return Table("A tick with 2,500 changed orders", columns, rows)
