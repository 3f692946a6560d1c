"""What the benchmarks put in place of a year of a shop's life is whole, and meets the bench server's orders."""

from __future__ import annotations

from pathlib import Path

from orders_pipeline.bench import stored, trades, upsert
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse

WRONG = """
SELECT count(*) FROM core.orders AS o FULL JOIN (SELECT order_id, count(*) AS lines FROM core.order_lines GROUP BY ALL) AS l
USING (order_id) WHERE o.line_count IS DISTINCT FROM l.lines
"""


def test_a_batch_meets_the_orders_that_it_shares_and_brings_the_others(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    stored.build(folder, stored.NEWEST)
    warehouse = Warehouse(folder)
    with warehouse.read() as con:
        (known,) = con.execute("SELECT count(DISTINCT order_id) FROM core.orders").fetchone() or (0,)
        assert (known, con.execute(WRONG).fetchone()) == (stored.NEWEST, (0,))
    warehouse.apply(upsert.land(folder, 100), holder="test")
    warehouse.flush()
    with warehouse.read() as con:
        (now,) = con.execute("SELECT count(DISTINCT order_id) FROM core.orders").fetchone() or (0,)
        newer = con.execute("SELECT count(*) FROM core.orders WHERE modified_at = ?", [trades.BASE]).fetchone()
        assert (now, newer, con.execute(WRONG).fetchone()) == (stored.NEWEST + 70, (24,), (0,))
