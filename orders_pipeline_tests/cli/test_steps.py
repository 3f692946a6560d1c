"""The commands of the daily work, on a living shop: what they store, what they print, what they import."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from orders_pipeline.clock import shop_day
from orders_pipeline.sandbox.clock import to_wire
from orders_pipeline_tests.cli.conftest import Merchant

DAY = timedelta(days=1).total_seconds()


def query(merchant: Merchant, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(merchant.data / "orders.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_status_before_anything_is_there(tmp_path: Path, merchant: Merchant) -> None:
    result = merchant.run("status")
    assert result.exit_code == 1  # a shop is configured and was never read
    assert "nothing stored yet" in result.stdout
    assert "! tea_tmall: never synced; run `orders-pipeline backfill --shop tea_tmall`" in result.stdout
    assert not merchant.data.exists()  # status only reads


def test_status_without_a_shop(merchant: Merchant) -> None:
    merchant.stanzas.write_text("attributes:\n  shops: []\n")
    result = merchant.run("status")
    assert result.exit_code == 0
    assert "orders-pipeline shops add" in result.stdout


def test_a_day_of_commands_ends_in_a_clean_status(loaded: Merchant) -> None:
    for command in (["sync"], ["reconcile"], ["forecast"], ["replenish"]):
        result = loaded.run(*command)
        assert result.exit_code == 0, result.output
    status = loaded.run("status")
    assert status.exit_code == 0, status.output
    assert "Nothing needs a person." in status.stdout
    assert f"Forecasts: made on {shop_day(loaded.clock.now())}" in status.stdout


def test_status_asks_for_the_first_load(merchant: Merchant) -> None:
    """A shop that is only synced is fresh, and lacks everything that happened before."""
    assert merchant.run("sync").exit_code == 0
    status = merchant.run("status")
    assert status.exit_code == 1
    assert re.search(r"! tea_tmall: .* never loaded; run `orders-pipeline backfill --shop tea_tmall`", status.stdout)


def test_status_turns_red_when_nobody_syncs(loaded: Merchant) -> None:
    loaded.run("sync")
    loaded.clock.advance(3 * DAY)
    status = loaded.run("status")
    assert status.exit_code == 1
    assert re.search(r"! tea_tmall: orders are complete up to .* minutes ago", status.stdout)
    assert "! forecasts: last made never" in status.stdout


def test_sync_brings_what_changed(loaded: Merchant) -> None:
    loaded.clock.advance(DAY)
    result = loaded.run("sync")
    assert result.exit_code == 0
    assert re.match(
        r"tea_tmall: [\d,]+ rows in \d+ calls, \d+ in the tail; complete until 2026-09-16 13:5", result.stdout
    )
    assert loaded.orders() == loaded.sold()
    again = loaded.run("sync")
    assert again.stdout.startswith("tea_tmall: 0 rows")


def test_backfill_says_what_it_did_and_shows_progress(merchant: Merchant) -> None:
    result = merchant.run("backfill", "--days", "3")
    assert result.exit_code == 0
    assert 0 < len(merchant.orders()) < len(merchant.sold())
    assert re.search(r"^\[ +\d+\.\d s\] tea_tmall: ", result.stderr, re.MULTILINE)


def test_reconcile_names_and_heals_a_difference(loaded: Merchant) -> None:
    """An order that the platform has and the list never showed: gone here, brought back by the comparison."""
    loaded.run("sync")
    yesterday = shop_day(loaded.clock.now()) - timedelta(days=1)
    (lost, *_), *_ = query(loaded, f"SELECT order_id FROM core.orders WHERE created_on = '{yesterday}' LIMIT 1")
    from orders_pipeline.settings import DataFolder
    from orders_pipeline.warehouse import Warehouse

    warehouse = Warehouse(DataFolder(loaded.data), loaded.clock)
    with warehouse.write("test") as con:
        con.execute("DELETE FROM core.orders WHERE order_id = ?", [lost])
        con.execute("DELETE FROM core.order_lines WHERE order_id = ?", [lost])
    warehouse.flush()
    assert loaded.orders() == loaded.sold() - {lost}
    result = loaded.run("reconcile", "--day", str(yesterday))
    assert result.exit_code == 0
    assert "1 differed and are healed, equal" in result.stdout
    assert loaded.orders() == loaded.sold()
    assert "equal" in loaded.run("reconcile", "--day", str(yesterday)).stdout


def test_reconcile_of_days_in_wrong_order_is_wrong_usage(merchant: Merchant) -> None:
    result = merchant.run("reconcile", "--day", "2026-09-10", "--until", "2026-09-09")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def test_forecast_and_replenish_print_and_store(loaded: Merchant) -> None:
    today = shop_day(loaded.clock.now())
    forecast = loaded.run("forecast", "--top", "3")
    assert forecast.exit_code == 0, forecast.output
    assert f"Units in the 7 days from {today}" in forecast.stdout
    (skus,), *_ = query(loaded, f"SELECT count(*) FROM planning.sales_forecast_totals WHERE made_on = '{today}'")
    assert f"3 of {skus}; --top shows more" in forecast.stdout
    replenish = loaded.run("replenish", "--top", "100")
    assert replenish.exit_code == 0, replenish.output
    reasons = query(loaded, "SELECT merchant_sku, reason FROM planning.replenishment_suggestions WHERE quantity > 0")
    assert reasons
    printed = re.sub(r"[\s│]", "", replenish.stdout)  # the table wraps its cells
    assert all(str(sku) in printed for sku, _ in reasons)


def test_replenish_without_forecasts_says_so(loaded: Merchant) -> None:
    result = loaded.run("replenish")
    assert result.exit_code == 1
    assert "请先运行预测" in result.stderr


@pytest.fixture
def planned(loaded: Merchant) -> Merchant:
    """Half a day later, synced so that closed windows hold all that the tail has read, with forecasts and suggestions."""
    loaded.clock.advance(DAY / 2)
    loaded.run("sync")
    loaded.clock.advance(DAY / 24)
    for command in ("sync", "forecast", "replenish"):
        assert loaded.run(command).exit_code == 0
    return loaded


RAW_GIVES = (
    "core.orders",
    "core.order_lines",
    "core.refunds",
    "core.parcels",
    "core.stock",
    "planning.daily_sku_sales",
)
CARRIED = ("planning.sales_forecasts", "planning.replenishment_suggestions", "ops.api_calls")


def content(merchant: Merchant, table: str) -> list[tuple[object, ...]]:
    return query(merchant, f"SELECT COLUMNS(c -> c <> 'synced_at') FROM {table} ORDER BY ALL")


def test_rebuild_gives_the_same_tables(planned: Merchant) -> None:
    before = {table: content(planned, table) for table in (*RAW_GIVES, *CARRIED)}
    result = planned.run("rebuild")
    assert result.exit_code == 0, result.output
    assert {table: content(planned, table) for table in before} == before
    assert all(before.values())
    recovers = planned.run("sync")
    assert recovers.stdout.startswith("tea_tmall: 0 rows")


def test_rebuild_of_a_warehouse_that_is_broken(planned: Merchant) -> None:
    before = {table: content(planned, table) for table in RAW_GIVES}
    (planned.data / "warehouse.duckdb").write_bytes(b"not a database" * 1000)
    result = planned.run("rebuild")
    assert result.exit_code == 0, result.output
    assert {table: content(planned, table) for table in before} == before


def test_rebuild_without_raw_pages_leaves_the_warehouse_alone(loaded: Merchant) -> None:
    before = content(loaded, "core.orders")
    (loaded.data / "raw").rename(loaded.data / "raw-lost")
    result = loaded.run("rebuild")
    assert result.exit_code == 1
    assert "Nothing to rebuild from" in result.stderr
    assert content(loaded, "core.orders") == before


def test_shops_check(merchant: Merchant) -> None:
    result = merchant.run("shops", "check", "tea_tmall")
    assert result.exit_code == 0
    assert f"the platform's clock says {to_wire(merchant.clock.now())[:16]}" in result.stdout


@pytest.mark.parametrize("command", [["sync"], ["backfill", "--days", "2"], ["status"], ["shops", "check"]])
def test_reading_a_shop_imports_neither_dagster_nor_pandas(loaded: Merchant, command: list[str]) -> None:
    """In a process of its own, over the whole run and not the import alone."""
    program = (
        "import sys\n"
        "from orders_pipeline.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as end:\n    code = end.code\n"
        "heavy = {'dagster', 'pandas', 'sklearn', 'scipy', 'numpy'} & set(sys.modules)\n"
        "print('heavy:', sorted(heavy), 'code:', code)\n"
    )
    # the machine's clock is not the sandbox's: calls are refused, but sent, parsed and logged
    done = subprocess.run(
        [sys.executable, "-c", program, *command, "--data", str(loaded.data)],
        env=os.environ,
        capture_output=True,
        text=True,
    )
    assert "heavy: []" in done.stdout, done.stdout + done.stderr


README = (Path(__file__).resolve().parent.parent.parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", re.findall(r"^```sql\n(.*?)^```", README, re.DOTALL | re.MULTILINE))
def test_sql_of_the_readme_runs(planned: Merchant, block: str) -> None:
    with duckdb.connect(str(planned.data / "orders.duckdb"), read_only=True) as con:
        assert con.execute(block).description


def test_python_of_the_readme_runs(planned: Merchant) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    done = subprocess.run([sys.executable, "-c", block], cwd=planned.data.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "paid_amount" in done.stdout or "count" in done.stdout
