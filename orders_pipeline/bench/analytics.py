"""Daily SKU sales and the forecast's features from every stored line, in a process of its own.

As a program, ``python -m orders_pipeline.bench.analytics FOLDER TABLE…`` prints its CPU seconds and memory by step as JSON,
with these tables of ``core`` emptied first: what a promise costs is what its rows cost.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from orders_pipeline.bench import child
from orders_pipeline.bench.report import Table
from orders_pipeline.settings import DataFolder

LINES_AN_ORDER = 1.75  # of ``stored``

ANCHORS = 8
"""Days for which features of every SKU are computed: eight weeks back, as the model does."""

PARTS = {
    "sales, a tenth refunded, stock counted daily": (),
    "sales, a tenth refunded": ("stock_snapshots",),
    "sales alone": ("stock_snapshots", "refunds"),
}
"""What is measured, and the tables that are emptied for it; in this order, each empties what the one before has emptied."""


def measure(lines: int, tell: Callable[[str], None]) -> Table:
    """Build a warehouse with so many lines and run the program on it."""
    root = Path(tempfile.mkdtemp(prefix="bench-"))
    rows: list[list[str | int | float]] = []
    try:
        child.run(["-m", "orders_pipeline.bench.stored", str(root), str(int(lines / LINES_AN_ORDER))], root)
        tell("built")
        for what, emptied in PARTS.items():
            cost = child.run(["-m", "orders_pipeline.bench.analytics", str(root), *emptied], root)
            spent = json.loads(cost.output)
            rows.append([lines, what, spent["daily"], spent["features"], cost.cpu, round(cost.rss)])
            tell(f"{what}: {spent['daily'] + spent['features']:.2f} CPU s")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    columns = ["lines", "from", "daily sales, CPU s", "history and features, CPU s", "whole process, CPU s", "MB"]
    return Table("Analytics", columns, rows)


def main(root: str, *emptied: str) -> None:
    import numpy as np

    from orders_pipeline.forecasting import features, history, signals
    from orders_pipeline.forecasting.daily_sales import refresh_daily_sales
    from orders_pipeline.forecasting.profiles import WEEK
    from orders_pipeline.light import without_pandas
    from orders_pipeline.warehouse import Warehouse

    warehouse = Warehouse(DataFolder(Path(root)))
    with without_pandas(), warehouse.write("bench") as con:
        for table in ("planning.daily_sku_sales", *(f"core.{name}" for name in emptied)):
            con.execute(f"DELETE FROM {table}")
        marks = [time.process_time()]
        report = refresh_daily_sales(con)
        marks.append(time.process_time())
        assert report.last_day is not None  # noqa: S101 - the folder holds orders
        sales = history.load_history(con, report.last_day + timedelta(days=1))
        anchors = [sales.days - 1 - WEEK * week for week in range(1, ANCHORS + 1)]
        known = signals.prepare(sales, [*anchors, sales.days - 1])
        for anchor in anchors:
            features.base_features(known, np.arange(len(sales.skus)), anchor)
        marks.append(time.process_time())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"daily": marks[1] - marks[0], "features": marks[2] - marks[1], "mb": peak}))


if __name__ == "__main__":
    main(*sys.argv[1:])
