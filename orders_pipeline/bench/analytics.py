"""Daily SKU sales and the forecast's features from every stored line, in a process of its own.

As a program, ``python -m orders_pipeline.bench.analytics FOLDER`` prints its CPU seconds and memory by step as JSON. With a
table of ``core`` behind the folder it only empties that table: what a promise costs is what its rows cost.
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
from typing import TYPE_CHECKING

from orders_pipeline.bench import child
from orders_pipeline.bench.report import Table
from orders_pipeline.settings import DataFolder

if TYPE_CHECKING:
    from orders_pipeline.warehouse import Warehouse

LINES_AN_ORDER = 1.75  # of ``stored``

ANCHORS = 8
"""Days for which features of every SKU are computed: eight weeks back, as the model does."""

PARTS = {
    "sales, a tenth refunded, stock counted daily": None,
    "sales, a tenth refunded": "stock_snapshots",
    "sales alone": "refunds",
}
"""What is measured, and the table that is emptied before, in this order."""

_EMPTY = {
    "stock_snapshots": "DELETE FROM core.stock_snapshots",
    "refunds": "DELETE FROM core.refunds; "
    "UPDATE core.order_lines SET early_refund_units = 0, early_refund_amount = 0 WHERE early_refund_units > 0",
}


def measure(lines: int, tell: Callable[[str], None]) -> Table:
    """Build a warehouse with so many lines and run the program on it."""
    root = Path(tempfile.mkdtemp(prefix="bench-"))
    rows: list[list[str | int | float]] = []
    try:
        child.run(["-m", "orders_pipeline.bench.stored", str(root), str(int(lines / LINES_AN_ORDER))], root)
        tell("built")
        for what, emptied in PARTS.items():
            program = ["-m", "orders_pipeline.bench.analytics", str(root)]
            if emptied:  # in a process of its own, whose memory does not count
                child.run([*program, emptied], root)
            cost = child.run(program, root)
            spent = json.loads(cost.output)
            rows.append([lines, what, spent["daily"], spent["features"], cost.cpu, round(cost.rss)])
            tell(f"{what}: {spent['daily'] + spent['features']:.2f} CPU s")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    columns = ["lines", "from", "daily sales, CPU s", "history and features, CPU s", "whole process, CPU s", "MB"]
    return Table("Analytics", columns, rows)


def main(root: str, emptied: str | None = None) -> None:
    from orders_pipeline.warehouse import Warehouse

    warehouse = Warehouse(DataFolder(Path(root)))
    if emptied:
        with warehouse.write("bench") as con:
            con.execute(_EMPTY[emptied])
    else:
        sys.stdout.write(json.dumps(_spent(warehouse)))


def _spent(warehouse: Warehouse) -> dict[str, float]:
    import numpy as np

    from orders_pipeline.forecasting import features, history, signals
    from orders_pipeline.forecasting.daily_sales import refresh_daily_sales
    from orders_pipeline.forecasting.profiles import WEEK
    from orders_pipeline.light import without_pandas

    with without_pandas(), warehouse.write("bench") as con:
        con.execute("DELETE FROM planning.daily_sku_sales")
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
    return {"daily": marks[1] - marks[0], "features": marks[2] - marks[1], "mb": peak}


if __name__ == "__main__":
    main(*sys.argv[1:])
