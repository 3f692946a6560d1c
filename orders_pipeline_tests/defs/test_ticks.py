"""What schedules and sensors decide at a tick: run, or skip and say why."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from orders_pipeline.clock import SHOP_TZ, SystemClock
from orders_pipeline.components.refetch import MOST_ATTEMPTS
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync.leases import lease
from orders_pipeline_tests.conftest import NOON, living_sandbox, shop_of
from orders_pipeline_tests.defs.conftest import stanza_of

TEA = "{shop: tea, platform: tmall}"


def at_noon(folder: DataFolder) -> Pipeline:
    """The resource, with a clock that moves only when somebody waits."""
    return Pipeline(folder, SandboxClock.stepped(NOON))


def tick(
    repository: dg.RepositoryDefinition,
    name: str,
    pipeline: Pipeline,
    at: datetime = NOON,
    instance: dg.DagsterInstance | None = None,
) -> Any:
    """Evaluate the schedule or sensor of that name once; without an ``instance``, on one without runs."""
    resources = {"pipeline": pipeline}
    with contextlib.ExitStack() as stack:
        instance = instance or stack.enter_context(dg.DagsterInstance.ephemeral())
        if repository.has_sensor_def(name):
            sensor = dg.build_sensor_context(instance, repository_def=repository, sensor_name=name, resources=resources)
            return repository.get_sensor_def(name).evaluate_tick(sensor)
        schedule = dg.build_schedule_context(
            instance, scheduled_execution_time=at, repository_def=repository, resources=resources
        )
        return repository.get_schedule_def(name).evaluate_tick(schedule)


@pytest.mark.parametrize(
    "name",
    [
        "sync_schedule",
        "stock_schedule",
        "parcels_schedule",
        "reconcile_schedule",
        "plan_schedule",
        "publish_schedule",
        "changes_sensor",
        "messages_sensor",
        "refetch_sensor",
    ],
)
def test_without_a_shop_every_tick_says_how_to_add_one(location, name: str, folder: DataFolder) -> None:
    result = tick(location(), name, at_noon(folder))
    assert not result.run_requests
    assert "orders-pipeline shops add" in result.skip_message
    assert str(folder.root / "shops.yaml") in result.skip_message


def test_reconciliation_asks_for_yesterday_in_shanghai(location, folder: DataFolder) -> None:
    at = datetime(2026, 1, 15, 1, 30, tzinfo=SHOP_TZ)  # still the 14th in UTC
    (request,) = tick(location(TEA), "reconcile_schedule", at_noon(folder), at.astimezone(UTC)).run_requests
    assert request.partition_key == "2026-01-14"
    assert request.run_config == {"ops": {"daily_reconciliation": {"config": {"nightly": True}}}}


def test_a_schedule_skips_while_somebody_syncs_the_shop(location, folder: DataFolder, instance) -> None:
    pipeline = at_noon(folder)
    repository = location(TEA, pipeline=pipeline)
    assert len(tick(repository, "sync_tea_schedule", pipeline, instance=instance).run_requests) == 1
    with lease(folder.locks, "sync", "tea", "orders-pipeline sync", SystemClock(), wait_seconds=0):
        for name in ("sync_tea_schedule", "changes_tea_sensor"):
            result = tick(repository, name, pipeline, instance=instance)
            assert not result.run_requests
            assert "held by orders-pipeline sync" in result.skip_message
        assert (
            len(tick(repository, "stock_tea_schedule", pipeline, instance=instance).run_requests) == 1
        )  # other work is not held up


def test_missing_credentials_skip_with_the_variable_to_set(
    location, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOP_SESSION")
    monkeypatch.setenv("DAGSTER_HOME", str(folder.root))  # no .env of the developer's
    (folder.root / "dagster.yaml").touch()
    result = tick(location(TEA), "changes_tea_sensor", at_noon(folder))
    assert "set TOP_SESSION" in result.skip_message


def test_changes_ask_for_a_run_and_are_quiet_after_it(location, folder: DataFolder) -> None:
    with living_sandbox(4, 200) as sandbox:
        pipeline = Pipeline(folder, sandbox.clock)
        repository = location(stanza_of(shop_of(sandbox, backfill_days=2)), pipeline=pipeline)
        with pipeline.open_shop(shop_of(sandbox, backfill_days=2), "test", "test") as sync:
            sync.pull_full()
            sync.read_tail()
        assert "No order of tea_tmall changed" in tick(repository, "changes_tea_tmall_sensor", pipeline).skip_message
        sandbox.clock.advance(1800)
        (request,) = tick(repository, "changes_tea_tmall_sensor", pipeline).run_requests
        assert request.tags["orders_pipeline/shop"] == "tea_tmall"
        assert int(request.tags["orders_pipeline/changes"]) > 0
        assert request.run_config == {}


def test_waiting_messages_ask_for_a_run_that_works_them_off(location, folder: DataFolder, instance) -> None:
    with living_sandbox(1, 200) as sandbox:
        pipeline = Pipeline(folder, sandbox.clock)
        repository = location(stanza_of(shop_of(sandbox)), pipeline=pipeline)
        assert tick(repository, "messages_tea_tmall_sensor", pipeline).skip_message == "No message is waiting."
        sandbox.clock.advance(3600)  # the first tick has opened the channel
        (request,) = tick(repository, "messages_tea_tmall_sensor", pipeline, instance=instance).run_requests
        assert int(request.tags["orders_pipeline/messages"]) > 0
        assert repository.get_job("messages_tea_tmall").execute_in_process(instance=instance).success
        with pipeline.warehouse().read() as con:
            assert con.execute("SELECT count(*) > 0 FROM core.orders").fetchone() == (True,)


def test_a_gateway_that_is_down_fails_the_tick_in_one_line(location, folder: DataFolder) -> None:
    with living_sandbox(1, 10) as sandbox:
        shop = shop_of(sandbox)
    pipeline = Pipeline(folder, sandbox.clock)
    repository = location(stanza_of(shop), pipeline=pipeline)
    with pytest.raises(dg.Failure) as caught:
        tick(repository, "changes_tea_tmall_sensor", pipeline)
    assert "\n" not in (caught.value.description or "\n")
    assert caught.value.__suppress_context__


RECORD = """
INSERT INTO ops.reconciliations
VALUES ('tea', 'taobao.trades.sold.get', 'created', $start, $end, $at, 10, 9, 1, 0, 0, 10, $healed, 'missing: 4711', 'ids', 0)
"""


def record(pipeline: Pipeline, day: str, minutes: int, healed: int = 0) -> None:
    """A comparison that found one order missing, ``minutes`` after NOON."""
    start = datetime.fromisoformat(day).replace(tzinfo=SHOP_TZ)
    warehouse = pipeline.warehouse()
    values = {
        "start": start,
        "end": start + timedelta(days=1, seconds=-1),
        "at": NOON + timedelta(minutes=minutes),
        "healed": healed,
    }
    with warehouse.write("test") as con:
        con.execute(RECORD, values)
    warehouse.flush()


def test_a_day_that_differs_is_read_again_at_most_three_times(location, folder: DataFolder) -> None:
    pipeline = at_noon(folder)
    repository = location(TEA, pipeline=pipeline)
    assert "Nothing of tea" in tick(repository, "refetch_tea_sensor", pipeline).skip_message
    record(pipeline, "2026-01-14", 0)
    (request,) = tick(repository, "refetch_tea_sensor", pipeline).run_requests
    assert request.run_key == "tea:2026-01-14:1:20260115T04"
    assert request.partition_key == "2026-01-14"
    assert request.run_config == {
        "ops": {
            "tea__raw_full_pages": {"config": {"refetch_days": ["2026-01-14"]}},
            "daily_reconciliation": {"config": {"nightly": False, "only": ["tea"]}},
        }
    }
    pipeline.clock.sleep(3_600)  # the run died before it compared anything: it gets another
    (request,) = tick(repository, "refetch_tea_sensor", pipeline).run_requests
    assert request.run_key == "tea:2026-01-14:1:20260115T05"
    for attempt in range(1, MOST_ATTEMPTS):
        record(pipeline, "2026-01-14", attempt)
    result = tick(repository, "refetch_tea_sensor", pipeline)
    assert not result.run_requests
    assert "a person must look" in result.skip_message


def test_what_counts_found_is_counted_again_once_for_all_windows(location, folder: DataFolder) -> None:
    pipeline = at_noon(folder)
    repository = location(TEA, pipeline=pipeline)
    for day in ("2026-01-14", "2026-01-13"):
        record(pipeline, day, 0)
    warehouse = pipeline.warehouse()
    with warehouse.write("test") as con:
        con.execute("UPDATE ops.reconciliations SET method = 'count'")
    warehouse.flush()
    (request,) = tick(repository, "refetch_tea_sensor", pipeline).run_requests
    assert request.run_key == "tea:night:2026-01-14:1:20260115T04"
    assert request.asset_selection == [dg.AssetKey("daily_reconciliation")]
    assert request.run_config == {"ops": {"daily_reconciliation": {"config": {"nightly": True, "only": ["tea"]}}}}


def test_a_day_that_was_mended_is_left_alone(location, folder: DataFolder) -> None:
    pipeline = at_noon(folder)
    repository = location(TEA, pipeline=pipeline)
    record(pipeline, "2026-01-14", 0)
    record(pipeline, "2026-01-14", 1, healed=1)
    assert not tick(repository, "refetch_tea_sensor", pipeline).run_requests


def test_the_reconciliation_check_names_what_differs(location, folder: DataFolder, instance) -> None:
    pipeline = at_noon(folder)
    repository = location(TEA, pipeline=pipeline)
    record(pipeline, "2026-01-14", 0)
    keys = [key for key in repository.asset_graph.asset_check_keys if key.name == "matches_platform"]
    check = repository.asset_graph.assets_def_for_key(dg.AssetKey("daily_reconciliation"))
    assert keys
    assert check
    from orders_pipeline.quality import differences

    with pipeline.warehouse().read() as con:
        (found,) = differences(con, pipeline.today)
    assert str(found) == "tea 2026-01-14: platform 10, here 9; 1 missing, 0 extra, 0 stale (missing: 4711)"


def test_a_failed_run_opens_an_incident_and_a_success_closes_it(
    location, folder: DataFolder, instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TOP_SESSION")
    monkeypatch.setenv("DAGSTER_HOME", str(folder.root))  # no .env of the developer's
    pipeline = at_noon(folder)
    repository = location(TEA, pipeline=pipeline)
    job = repository.get_job("sync_tea")
    (folder.root / "dagster.yaml").touch()
    result = job.execute_in_process(
        instance=instance,
        raise_on_error=False,
        asset_selection=[dg.AssetKey(["tea", "raw_incremental_pages"])],
        run_config={"ops": {}},
        tags={"orders_pipeline/shop": "tea"},
    )
    assert not result.success
    events = [event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE"]
    context = dg.build_run_status_sensor_context(
        sensor_name="run_failure_sensor",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=events[0],
        resources={"pipeline": pipeline},
    ).for_run_failure()
    repository.get_sensor_def("run_failure_sensor")(context)
    ((kind, shop, subject, closed, detail),) = incidents(pipeline)
    assert (kind, shop, subject, closed) == ("run_failed", "tea", "sync_tea", None)
    assert "set TOP_SESSION" in detail
    assert "\n" not in detail

    from orders_pipeline.components.incidents import record_success

    assert record_success(pipeline, "sync_tea")
    assert incidents(pipeline)[0][3] is not None
    assert not record_success(pipeline, "sync_tea")


def incidents(pipeline: Pipeline) -> list[tuple[Any, ...]]:
    with pipeline.warehouse().read() as con:
        return con.execute("SELECT kind, shop, subject, closed_at, detail FROM ops.incidents").fetchall()
