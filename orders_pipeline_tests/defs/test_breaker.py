"""What schedules, sensors, checks and ``status`` say while a shop's breaker is open."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest
from click.testing import CliRunner

from orders_pipeline.cli.status import status
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.shop_checks import shop_checks
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.settings import DataFolder
from orders_pipeline.shops import Shop
from orders_pipeline.sync.ops import Ops
from orders_pipeline_tests.conftest import NOON
from orders_pipeline_tests.defs.test_ticks import TEA, tick


@pytest.fixture
def ill(folder: DataFolder) -> Pipeline:
    """Twenty calls of the shop failed just now."""
    ops = Ops(folder.ops)
    for second in range(20):
        ops.log_call(NOON - timedelta(seconds=20 - second), "tea", "some.api", "", 1.0, "retryable", "", "")
    ops.close()
    return Pipeline(folder, SandboxClock.stepped(NOON))


@pytest.mark.parametrize(
    "name", ["stock_tea_schedule", "parcels_tea_schedule", "changes_tea_sensor", "messages_tea_sensor"]
)
def test_ticks_skip_and_say_that_the_breaker_is_open(location, ill: Pipeline, name: str) -> None:
    result = tick(location(TEA, pipeline=ill), name, ill)
    assert not result.run_requests
    assert "tea: breaker open since 01-15 11:59: 20 of 20 calls failed within 10 minutes" in result.skip_message


def test_the_sync_schedule_runs_where_there_is_something_to_read_or_to_probe(
    location, folder: DataFolder, ill: Pipeline
) -> None:
    repository = location(TEA, pipeline=ill)
    assert tick(repository, "sync_tea_schedule", ill).run_requests  # the hot range has not been read in this hour
    ops = Ops(folder.ops)
    for part in ("hot_orders", "hot_refunds"):
        ops.set_tail_mark("tea", part, NOON)
    ops.close()
    assert "breaker open" in tick(repository, "sync_tea_schedule", ill).skip_message
    later = Pipeline(folder, SandboxClock.stepped(NOON + timedelta(seconds=61)))
    assert tick(location(TEA, pipeline=later), "sync_tea_schedule", later).run_requests  # a minute on it probes


def test_the_check_warns(ill: Pipeline, instance: dg.DagsterInstance) -> None:
    ill.warehouse()
    key = dg.AssetCheckKey(dg.AssetKey(["tea", "orders"]), "breaker_closed")
    defs = dg.Definitions(
        asset_checks=shop_checks(Shop(shop="tea", platform="tmall")),
        jobs=[dg.define_asset_job("checks", selection=dg.AssetSelection.checks(key))],
        resources={"pipeline": ill},
    )
    (result,) = defs.resolve_job_def("checks").execute_in_process(instance=instance).get_asset_check_evaluations()
    assert not result.passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert result.metadata["failures"].value == 20


def test_status_names_it(location, folder: DataFolder, ill: Pipeline) -> None:
    location(TEA, pipeline=ill)
    result = CliRunner().invoke(status, ["--data", str(folder.root)], obj=ill.clock)
    assert result.exit_code == 1
    assert "! tea: breaker open since 01-15 11:59" in result.output
