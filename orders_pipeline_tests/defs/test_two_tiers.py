"""Two channels and two tiers: who asks when, which run reads, and how many may go on reading."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from orders_pipeline.clock import SystemClock
from orders_pipeline.components.messages import LINGERING_TAG, MOST_LINGERING
from orders_pipeline.components.resources import MESSAGES_SILENT, Pipeline
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync.leases import lease
from orders_pipeline_tests.conftest import living_sandbox, shop_of
from orders_pipeline_tests.defs.conftest import stanza_of
from orders_pipeline_tests.defs.test_ticks import tick

ROOT = Path(__file__).resolve().parents[2]


def test_while_messages_tell_nobody_asks_for_changes(location, folder: DataFolder, instance) -> None:
    with living_sandbox(1, 200) as sandbox:
        pipeline = Pipeline(folder, sandbox.clock)
        repository = location(stanza_of(shop_of(sandbox)), pipeline=pipeline)
        assert tick(repository, "changes_tea_tmall_sensor", pipeline).run_requests  # before the channel is open
        tick(repository, "messages_tea_tmall_sensor", pipeline, instance=instance)
        result = tick(repository, "changes_tea_tmall_sensor", pipeline)
        assert "Messages tell what changes in tea_tmall" in result.skip_message
        sandbox.clock.advance(MESSAGES_SILENT.total_seconds() + 1)  # and nobody has heard of the messages since
        assert tick(repository, "changes_tea_tmall_sensor", pipeline).run_requests


def waiting(
    location, folder: DataFolder, sandbox: Any, instance: dg.DagsterInstance, **settings: Any
) -> tuple[Any, ...]:
    """A location whose shop has messages waiting; (repository, pipeline)."""
    pipeline = Pipeline(folder, sandbox.clock)
    repository = location(stanza_of(shop_of(sandbox, **settings)), pipeline=pipeline)
    tick(repository, "messages_tea_tmall_sensor", pipeline, instance=instance)
    sandbox.clock.advance(3600)
    return repository, pipeline


def requested(repository: Any, pipeline: Pipeline, instance: dg.DagsterInstance) -> Any:
    return tick(repository, "messages_tea_tmall_sensor", pipeline, instance=instance)


def under_way(instance: dg.DagsterInstance, job: str, status: dg.DagsterRunStatus, **tags: str) -> None:
    """A run of that job in the history, in that state."""
    definition = dg.JobDefinition(name=job, graph_def=dg.GraphDefinition(name=job))
    instance.create_run_for_job(definition, tags=tags, status=status)


def test_no_second_run_while_one_is_on_its_way(location, folder: DataFolder, instance) -> None:
    with living_sandbox(1, 200) as sandbox:
        repository, pipeline = waiting(location, folder, sandbox, instance)
        under_way(instance, "messages_tea_tmall", dg.DagsterRunStatus.STARTING)
        assert "wait for the run that starts" in requested(repository, pipeline, instance).skip_message


def test_a_busy_shop_lingers_only_where_its_stanza_says_so(location, folder: DataFolder, instance) -> None:
    with living_sandbox(1, 200) as sandbox:
        repository, pipeline = waiting(location, folder, sandbox, instance)
        (request,) = requested(repository, pipeline, instance).run_requests
        assert LINGERING_TAG not in request.tags


def test_a_third_lingering_run_is_a_short_one_instead_of_a_queued_one(location, folder: DataFolder, instance) -> None:
    with living_sandbox(1, 200) as sandbox:
        repository, pipeline = waiting(location, folder, sandbox, instance, linger_seconds=60)
        for number in range(MOST_LINGERING):
            (request,) = requested(repository, pipeline, instance).run_requests
            assert request.tags[LINGERING_TAG] == "true"
            under_way(instance, f"messages_{number}", dg.DagsterRunStatus.STARTED, **{LINGERING_TAG: "true"})
        (request,) = requested(repository, pipeline, instance).run_requests
        assert LINGERING_TAG not in request.tags


def test_a_lingering_run_reads_on_and_says_what_it_did(location, folder: DataFolder, instance) -> None:
    with living_sandbox(1, 200) as sandbox:
        repository, pipeline = waiting(location, folder, sandbox, instance, linger_seconds=5)
        job = repository.get_job("messages_tea_tmall")
        began = sandbox.clock.now()
        result = job.execute_in_process(instance=instance, tags={LINGERING_TAG: "true"})
        assert result.success
        assert (sandbox.clock.now() - began).total_seconds() >= 5
        lines = [entry.user_message for entry in instance.all_logs(result.run_id) if "Lingered" in entry.user_message]
        assert len(lines) == 1
        assert "calls; ended: " in lines[0]
        observed = [event for event in result.all_events if event.event_type_value == "ASSET_OBSERVATION"]
        assert observed
        assert {"messages", "commits", "calls", "rows_read"} <= observed[
            0
        ].asset_observation_data.asset_observation.metadata.keys()
        with lease(folder.locks, "channel", "tea_tmall", "another run", SystemClock(), wait_seconds=0):
            assert "held by another run" in requested(repository, pipeline, instance).skip_message


def test_lingering_runs_leave_two_slots_to_others() -> None:
    for file in (ROOT / "dagster.yaml", ROOT / "deploy" / "postgres" / "dagster.yaml"):
        limits = yaml.safe_load(file.read_text())["concurrency"]["runs"]
        (own,) = [limit for limit in limits["tag_concurrency_limits"] if limit["key"] == LINGERING_TAG]
        assert own["limit"] == MOST_LINGERING
        assert limits["max_concurrent_runs"] - own["limit"] >= 2


def test_ten_shops_of_one_key_neither_start_together_nor_spend_its_quota_on_questions(location) -> None:
    shops = [f"{{shop: tea_{number}, platform: tmall, poll_seconds: 5}}" for number in range(10)]
    repository = location(*shops)
    crons = Counter(
        schedule.cron_schedule for schedule in repository.schedule_defs if schedule.name.startswith("sync_")
    )
    assert len(crons) == 5
    assert set(crons.values()) == {2}
    intervals = [
        sensor.minimum_interval_seconds for sensor in repository.sensor_defs if sensor.name.startswith("changes_")
    ]
    assert intervals == [30] * 10  # 20 questions a minute, a fifth of the key's 100 calls
    assert len([sensor for sensor in repository.sensor_defs if sensor.name.startswith("messages_")]) == 1
