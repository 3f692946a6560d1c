"""Publishing beside a plain copy of the same file, in turns: what readers' copies cost beyond the copying."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from orders_pipeline.bench import stored
from orders_pipeline.bench.report import Table
from orders_pipeline.clock import SystemClock
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse
from orders_pipeline.warehouse.publish import COPY_SHARE, MIN_INTERVAL_SECONDS, Publisher

DAY = 86_400


def measure(sizes: Sequence[int], rounds: int, tell: Callable[[str], None]) -> Table:
    """The least CPU of ``rounds`` turns each, and the bytes that a day of changes at every moment would write."""
    rows: list[list[str | int | float]] = []
    for size in sizes:
        folder = DataFolder(Path(tempfile.mkdtemp(prefix="bench-")))
        try:
            stored.build(folder, size)
            rows.append([size, *_turns(folder, rounds)])
            tell(f"{size:,} orders: {rows[-1][2]:.3f} CPU s to publish, {rows[-1][3]:.3f} to copy")
        finally:
            shutil.rmtree(folder.root, ignore_errors=True)
    columns = ["orders", "MB", "publish, CPU s", "plain copy, CPU s", "ratio", "publish, wall s", "GB a day at most"]
    return Table("Publishing", columns, rows)


def _turns(folder: DataFolder, rounds: int) -> list[int | float]:
    publisher, plain = Publisher(folder, SystemClock()), folder.root / "plain.copy"
    ours: list[tuple[float, float]] = []
    copies: list[float] = []
    for number in range(rounds):
        with Warehouse(folder).write("bench") as con:
            con.execute(f"INSERT INTO ops.meta VALUES ('bench {number}', '')")
        os.sync()  # nobody pays for what others have written
        begun = _cpu()
        with folder.warehouse.open("rb") as source, plain.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
            target.flush()
            os.fsync(target.fileno())
        copies.append(_cpu() - begun)
        plain.unlink()
        os.sync()
        begun, at = _cpu(), time.perf_counter()
        published = publisher.publish()
        ours.append((_cpu() - begun, time.perf_counter() - at))
    cpu, wall = min(ours)
    interval = max(MIN_INTERVAL_SECONDS, COPY_SHARE * wall)
    return [
        round(published.bytes / 1e6),
        cpu,
        min(copies),
        cpu / min(copies),
        wall,
        published.bytes * DAY / interval / 1e9,
    ]


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
