"""A real shop's last 90 days through the real wire: nothing is lost on the way, to the row, the piece and the cent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orders_pipeline import forecasting, replenishment
from orders_pipeline.clock import SHOP_TZ, shop_day
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.replay import replay
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.conftest import PLENTY

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "online_retail_ii.parquet"
ROWS = 207_855
SHIFT_TO = datetime(2026, 9, 30, 23, 0, tzinfo=SHOP_TZ)  # three calendar months before it are 92 days
OpenSync = Callable[..., AbstractContextManager[ShopSync]]

_FILE = """
SELECT count(*), sum(quantity), sum(quantity * unit_price::DECIMAL(18, 3))
FROM read_parquet(?) WHERE invoice_ts >= (SELECT max(invoice_ts)::DATE - 89 FROM read_parquet(?))
"""


@pytest.mark.skipif(not REAL.exists(), reason=f"the real table {REAL.name} is not beside the repository")
def test_core_and_what_was_listed_equal_the_file(folder: DataFolder, open_sync: OpenSync) -> None:
    store = Store()
    report = replay(REAL, store, days=90, shift_to=SHIFT_TO)
    newest = max(trade["modified"] for trade in store.trades.values())
    clock = SandboxClock.stepped(datetime.fromisoformat(newest).replace(tzinfo=SHOP_TZ) + timedelta(minutes=10))
    with (
        SandboxServer(store, clock=clock, options=SandboxOptions(calls_per_minute=PLENTY)) as sandbox,
        open_sync(sandbox, backfill_days=91) as sync,
    ):
        sync.backfill()
    listed = list(report.listed.values())
    with duckdb.connect(str(folder.published), read_only=True) as con:
        (in_file,) = con.execute(_FILE, [str(REAL), str(REAL)]).fetchall()
        (lines,) = con.execute(
            "SELECT count(*), sum(quantity)::BIGINT, sum(quantity * unit_price) FROM core.order_lines"
        ).fetchall()
        (refunds,) = con.execute(
            "SELECT sum(quantity)::BIGINT, sum(refunded_amount) FROM core.refunds WHERE status = 'refunded'"
        ).fetchall()
        (orphans,) = con.execute(
            "SELECT count(*) FROM core.refunds ANTI JOIN core.order_lines USING (line_id)"
        ).fetchall()
    assert in_file[0] == ROWS
    assert lines[0] + report.refunded.rows + sum(tally.rows for tally in listed) == ROWS
    assert lines[1] - refunds[0] + sum(tally.quantity for tally in listed) == in_file[1]
    assert Decimal(lines[2]) - Decimal(refunds[1]) + sum(tally.amount for tally in listed) == in_file[2]
    assert orphans == (0,)
    check_plans(folder, clock)


def check_plans(folder: DataFolder, clock: SandboxClock) -> None:
    """Forecasts and suggestions come out of the real shop's history."""
    made_on: date = shop_day(clock.now()) + timedelta(days=1)
    warehouse = Warehouse(folder, clock)
    with warehouse.write("test") as con:
        forecasting.refresh_daily_sales(con)
    warehouse.flush()
    with warehouse.read() as con:
        forecast = forecasting.make_forecast(con, made_on)
    master = replenishment.load_master(folder.master)
    with warehouse.write("test") as con:
        forecasting.store_forecast(con, forecast)
        replenishment.refresh_stock_position(con, made_on, master)
    warehouse.flush()
    with warehouse.read() as con:
        (counted,) = con.execute(
            "SELECT count(DISTINCT merchant_sku), count(*) FILTER (mean > 0) FROM planning.sales_forecasts"
        ).fetchall()
        suggestions = replenishment.make_suggestions(con, made_on, master, now=clock.now())
    assert counted[0] > 2_000
    assert counted[1] > 10_000
    assert len(suggestions.rows) > 1_000
