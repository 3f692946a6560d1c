"""What the code location holds, as a reader of the UI sees it: an accidental change of a key, group or cron shows as a diff."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path

import dagster as dg
import pytest

import orders_pipeline.defs
from orders_pipeline.components.loading import load_tree
from orders_pipeline.shops import SHOPS_ENV
from orders_pipeline.warehouse import columns
from orders_pipeline_tests.defs.conftest import forget

TEA = '{shop: tea, platform: tmall, owners: ["team:tea"]}'

ASSETS = """
daily_reconciliation            marts/quality
daily_sku_sales                 marts/sales
forecast_accuracy               marts/forecast
forecast_backtest               marts/forecast
published_copy                  publish
replenishment_suggestions       marts/replenishment
sales_forecasts                 marts/forecast
stock_position                  marts/replenishment
tea/order_lines                 shops/tea
tea/orders                      shops/tea
tea/parcels                     shops/tea
tea/raw_full_pages              shops/tea
tea/raw_incremental_pages       shops/tea
tea/raw_refund_pages            shops/tea
tea/refunds                     shops/tea
tea/stock                       shops/tea
"""

SCHEDULES = """
backtest_schedule        30 3 * * 1    RUNNING Asia/Shanghai
parcels_tea_schedule     40 * * * *    RUNNING Asia/Shanghai
plan_schedule            30 5 * * *    RUNNING Asia/Shanghai
publish_schedule         10 * * * *    RUNNING Asia/Shanghai
reconcile_schedule       30 1 * * *    RUNNING Asia/Shanghai
stock_tea_schedule       20 */2 * * *  RUNNING Asia/Shanghai
sync_tea_schedule        0-59/5 * * * * RUNNING Asia/Shanghai
upkeep_schedule          10 4 * * *    RUNNING Asia/Shanghai
"""

SENSORS = """
changes_tea_sensor       30   RUNNING
messages_tea_sensor      4    RUNNING
refetch_tea_sensor       300  RUNNING
run_failure_sensor       30   RUNNING
run_success_sensor       60   RUNNING
"""

JOBS = "backtest load_tea messages_tea parcels_tea plan publish reconcile refetch_tea stock_tea sync_tea upkeep"

CHECKS = """
daily_reconciliation:matches_platform
daily_sku_sales:no_negative_totals
daily_sku_sales:unique_ids
forecast_accuracy:unique_ids
published_copy:orders_and_lines_together
replenishment_suggestions:explained
replenishment_suggestions:no_sku_left_out
replenishment_suggestions:unique_ids
sales_forecasts:quantiles_in_order
sales_forecasts:seven_days_each
sales_forecasts:unique_ids
stock_position:unique_ids
tea/order_lines:lines_add_up_to_order
tea/order_lines:no_line_without_order
tea/order_lines:no_negative_totals
tea/order_lines:unique_ids
tea/orders:as_usual
tea/orders:breaker_closed
tea/orders:fresh
tea/orders:known_status
tea/orders:no_negative_totals
tea/orders:nothing_in_quarantine
tea/orders:paid_is_payable_or_nothing
tea/orders:payable_adds_up
tea/orders:unique_ids
tea/orders:windows_read_whole
tea/parcels:signed_after_shipped
tea/parcels:unique_ids
tea/refunds:no_negative_totals
tea/refunds:refund_not_above_paid
tea/refunds:unique_ids
tea/refunds:windows_read_whole
tea/stock:no_negative_stock
tea/stock:unique_ids
"""


def words(table: str) -> list[list[str]]:
    """A table of a test as rows of words, spacing aside."""
    return [line.split() for line in table.strip().splitlines()]


def test_assets_and_their_groups(location) -> None:
    graph = location(TEA).asset_graph
    found = sorted([key.to_user_string(), graph.get(key).group_name] for key in graph.get_all_asset_keys())
    assert found == words(ASSETS)


def test_checks(location) -> None:
    keys = location(TEA).asset_graph.asset_check_keys
    assert sorted(f"{key.asset_key.to_user_string()}:{key.name}" for key in keys) == CHECKS.split()


def test_jobs(location) -> None:
    assert sorted(job.name for job in location(TEA).get_all_jobs() if not job.name.startswith("__")) == JOBS.split()


def test_schedules(location) -> None:
    found = sorted(
        f"{s.name} {s.cron_schedule} {s.default_status.value} {s.execution_timezone}"
        for s in location(TEA).schedule_defs
    )
    assert [line.split() for line in found] == words(SCHEDULES)


def test_sensors(location) -> None:
    found = sorted([s.name, str(s.minimum_interval_seconds), s.default_status.value] for s in location(TEA).sensor_defs)
    assert found == words(SENSORS)


def test_every_asset_says_what_it_is(location) -> None:
    graph = location(TEA).asset_graph
    for key in graph.get_all_asset_keys():
        node, name = graph.get(key), key.to_user_string()
        assert "```sql" in node.description, name
        assert node.owners == (["team:tea"] if name.startswith("tea/") else ["team:planning"]), name
        assert 0 < len(node.kinds) <= 2, name
        assert "dagster/table_name" in node.metadata, name


def test_column_schema_is_the_warehouses(location) -> None:
    node = location(TEA).asset_graph.get(dg.AssetKey(["tea", "orders"]))
    shown = node.metadata["dagster/column_schema"].columns
    assert [(c.name, c.type, c.description) for c in shown] == [
        (c.name, c.type, c.comment) for c in columns("core.orders")
    ]
    assert all(column.description for column in shown)


def test_runs_stay_in_one_process(location) -> None:
    jobs = [job for job in location(TEA).get_all_jobs() if job.name in ("sync_tea", "plan", "messages_tea")]
    assert [job.executor_def.name for job in jobs] == ["in_process"] * 3


def test_reconciliation_is_partitioned_by_shop_day_and_runs_a_range_at_once(location) -> None:
    node = location(TEA).asset_graph.get(dg.AssetKey("daily_reconciliation"))
    assert node.partitions_def.timezone == "Asia/Shanghai"
    assert node.partitions_def.get_first_partition_key() == "2026-01-10"
    assert node.backfill_policy == dg.BackfillPolicy.single_run()


def test_bad_stanzas_become_failing_assets_and_leave_the_others(location, instance) -> None:
    repository = location(
        TEA,
        "{shop: hat, platform: tmall, poll-seconds: 30}",
        "{shop: Tea Shop, platform: tmall}",
        "{shop: tea, platform: taobao}",
        "{shop: cup, platform: tmall, api_calls_per_minute: {taobao.trades.sold.get: 50, taobao.trades.sold.incr.get: 20}}",
    )
    keys = {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()}
    assert {
        "tea/orders",
        "hat/misconfigured",
        "cup/misconfigured",
        "misconfigured/misconfigured",
        "tea/misconfigured",
    } <= keys
    result = repository.get_job("misconfigured_shops").execute_in_process(instance=instance, raise_on_error=False)
    told = sorted(
        event.step_failure_data.user_failure_data.description for event in result.all_events if event.is_step_failure
    )
    assert [line.partition("shops.yaml:")[2] for line in told] == [
        "5: unknown setting 'poll-seconds': see the README's list of shop settings",
        "6: shop: must be a small letter, then small letters, digits and _, 40 in all at most",
        "7: shop 'tea' is listed twice: give each shop its own slug",
        "8: api_calls_per_minute: 'taobao.trades.sold.incr.get' is no API that is called; nearest: "
        "taobao.trades.sold.increment.get, taobao.trades.sold.get, taobao.trade.fullinfo.get",
    ]


def test_a_bad_stanza_turns_red_by_itself_once(location, instance) -> None:
    repository = location("{shop: hat, platform: tmall, colour: red}")
    sensor = repository.get_sensor_def("misconfigured_shops_sensor")
    requests = [sensor.evaluate_tick(dg.build_sensor_context(instance=instance)).run_requests[0] for _ in range(2)]
    assert requests[0].run_key == requests[1].run_key


def test_a_broken_stanza_file_is_one_clear_line(location, folder, capsys, monkeypatch) -> None:
    location(TEA)
    file = folder.root / "broken.yaml"
    file.write_text("type: x\nattributes:\n  shops:\n  - {shop: tea\n", encoding="utf-8")
    monkeypatch.setenv(SHOPS_ENV, str(file))
    forget()
    assert_only_marts_and_the_fault(load_tree(import_module("orders_pipeline.defs")), "broken.yaml:5")
    assert capsys.readouterr().err.splitlines() == [
        f"orders-pipeline: {file}:5: not valid YAML (expected ',' or '}}', but got '<stream end>'): mend this line."
    ]


def test_a_broken_default_file_does_not_take_the_code_location_away(
    location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    location(TEA)  # sets the environment of the test
    copy = tmp_path / "edited_defs"
    shutil.copytree(Path(orders_pipeline.defs.__path__[0]), copy, ignore=shutil.ignore_patterns("__pycache__"))
    file = copy / "shops" / "defs.yaml"
    file.write_text("type: orders_pipeline.components.Shops\nattributes:\n  shops:\n  - {shop: tea\n", encoding="utf-8")
    monkeypatch.setenv(SHOPS_ENV, str(file))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert_only_marts_and_the_fault(load_tree(import_module("edited_defs")), "defs.yaml:5")


def assert_only_marts_and_the_fault(defs: dg.Definitions, place: str) -> None:
    graph = defs.get_repository_def().asset_graph
    names = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert {"misconfigured/misconfigured", "sales_forecasts"} <= names
    assert not any(name.endswith("/orders") for name in names)
    assert place in graph.get(dg.AssetKey(["misconfigured", "misconfigured"])).description
