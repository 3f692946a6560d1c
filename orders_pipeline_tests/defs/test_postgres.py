"""The code location, a schedule and a sensor on a real Postgres, with the ``dagster.yaml`` of ``deploy/postgres``.

The daemon's own iterations are called one by one instead of waiting for its loops; code server and run are real processes.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import psycopg2
import pytest
from dagster._core.scheduler.instigation import TickStatus
from dagster._core.test_utils import create_test_daemon_workspace_context, poll_for_finished_run
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._scheduler.scheduler import launch_scheduled_runs

from orders_pipeline.settings import DATA_ENV, DataFolder
from orders_pipeline.shops import SHOPS_ENV
from orders_pipeline_tests.conftest import living_sandbox, shop_of
from orders_pipeline_tests.defs.conftest import stanza_file, stanza_of

ROOT = Path(__file__).resolve().parents[2]

LOG = logging.getLogger("test")

RUN_SECONDS = 90
"""A run worker imports Dagster, pandas and DuckDB and takes about 4 CPU-seconds; CI's machine may be busy."""


@pytest.fixture
def deployed(postgres: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The instance of ``deploy/postgres/dagster.yaml``."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(ROOT / "deploy" / "postgres" / "dagster.yaml", home)
    for name, value in {
        "HOST": "127.0.0.1",
        "PORT": str(postgres),
        "DB": "postgres",
        "USER": "postgres",
        "PASSWORD": "any",
    }.items():
        monkeypatch.setenv(f"DAGSTER_PG_{name}", value)
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


@pytest.fixture
def served(
    deployed: dg.DagsterInstance, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WorkspaceProcessContext]:
    """The code location of one sandbox shop, in a code server as the daemon starts it."""
    with living_sandbox(1, 100, now=datetime.now(UTC)) as sandbox:
        stanzas = stanza_file(folder.root / "shops.yaml", stanza_of(shop_of(sandbox, "tea", backfill_days=1)))
        monkeypatch.setenv(DATA_ENV, str(folder.root))
        monkeypatch.setenv(SHOPS_ENV, str(stanzas))
        with create_test_daemon_workspace_context(
            WorkspaceFileTarget([str(ROOT / "workspace.yaml")]), deployed
        ) as context:
            yield context


def test_location_sensor_and_schedule_on_postgres(
    served: WorkspaceProcessContext, deployed: dg.DagsterInstance, postgres: int
) -> None:
    (entry,) = served.create_request_context().get_code_location_entries().values()
    assert entry.load_error is None
    (repository,) = entry.code_location.get_repositories().values()

    # where no messages are heard, a sensor asks whether something changed, and for a run, which the queue starts
    messages = repository.get_sensor("messages_tea_sensor")
    deployed.stop_sensor(messages.get_remote_origin_id(), messages.selector_id, messages)
    list(execute_sensor_iteration(served, LOG, None, None))
    (run,) = deployed.get_runs(dg.RunsFilter(tags={"dagster/sensor_name": "changes_tea_sensor"}))
    list(QueuedRunCoordinatorDaemon(interval_seconds=1).run_iteration(served))
    finished = poll_for_finished_run(deployed, run.run_id, timeout=RUN_SECONDS)
    assert finished.status == dg.DagsterRunStatus.SUCCESS
    materialized = deployed.get_latest_materialization_event(dg.AssetKey(["tea", "orders"]))
    assert materialized is not None
    assert materialized.asset_materialization is not None
    assert materialized.asset_materialization.metadata["dagster/row_count"].value > 0

    # a schedule whose time has come asks for the next one
    now = datetime.now(UTC)
    for moment in (now, now + timedelta(minutes=6)):
        list(launch_scheduled_runs(served, LOG, moment, {}))
    schedule = repository.get_schedule("sync_tea_schedule")
    ticks = deployed.get_ticks(schedule.get_remote_origin_id(), schedule.selector_id)
    assert [tick.status for tick in ticks[:1]] == [TickStatus.SUCCESS]
    assert deployed.get_runs_count(dg.RunsFilter(tags={"dagster/schedule_name": "sync_tea_schedule"})) >= 1

    # and all of it is in Postgres
    with (
        psycopg2.connect(host="127.0.0.1", port=postgres, user="postgres", dbname="postgres") as con,
        con.cursor() as cursor,
    ):
        cursor.execute("SELECT count(*) FROM runs")
        assert cursor.fetchone() == (deployed.get_runs_count(),)
