"""The run history: small files, open connections that hide nothing from others, and old runs that go without a trace of loss."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from orders_pipeline.clock import SystemClock
from orders_pipeline.components.pruning import READ_TAG, READS_KEPT, RUNS_KEPT, prune
from orders_pipeline.history import PAGE_BYTES
from orders_pipeline.settings import DATA_ENV

ROOT = Path(__file__).resolve().parents[2]
DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-05")
LATER = SystemClock().now() + RUNS_KEPT + timedelta(hours=1)
"""When every run that a test makes is old."""


@dg.asset(partitions_def=DAYS)
def by_day() -> None: ...


@dg.asset
def whole() -> None: ...


@dg.asset_check(asset=whole)
def holds() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The instance of ``dagster.yaml`` on a data folder of the test's own."""
    monkeypatch.setenv(DATA_ENV, str(tmp_path))
    with dg.DagsterInstance.from_config(str(ROOT)) as instance:
        yield instance


def made(history: dg.DagsterInstance, *assets: object, day: str | None = None, **tags: str) -> str:
    """Materialize; the run's id."""
    return dg.materialize(list(assets), instance=history, partition_key=day, tags=tags).run_id  # type: ignore[arg-type]


def run_files(folder: Path) -> list[Path]:
    return [path for path in (folder / "dagster" / "history" / "runs").iterdir() if not path.name.startswith("index.")]


def test_another_process_sees_each_event_at_once(history: dg.DagsterInstance) -> None:
    run_id = made(history, whole)
    with dg.DagsterInstance.from_config(str(ROOT)) as other:  # what it reads, it reads over connections of its own
        assert other.get_run_by_id(run_id).status is dg.DagsterRunStatus.SUCCESS  # type: ignore[union-attr]
        assert len(other.all_logs(run_id)) == len(history.all_logs(run_id)) > 5
        assert other.get_latest_materialization_event(whole.key).run_id == run_id  # type: ignore[union-attr]


def test_who_watches_a_run_is_told_of_its_events(history: dg.DagsterInstance) -> None:
    """The UI shows a run as it goes on: it watches the run's file, while what is written goes to the log beside it."""
    heard = threading.Event()
    run_id = made(history, whole)
    with dg.DagsterInstance.from_config(str(ROOT)) as ui:
        last = ui.event_log_storage.get_records_for_run(run_id).cursor
        ui.event_log_storage.watch(run_id, last, lambda *_: heard.set())
        history.report_engine_event("one more", run_id=run_id, job_name="job")
        assert heard.wait(30)


def test_a_runs_file_is_small_and_closed_when_the_instance_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_ENV, str(tmp_path))
    with dg.DagsterInstance.from_config(str(ROOT)) as instance:
        run_id = made(instance, whole)
    (file,) = [path for path in run_files(tmp_path) if path.name.startswith(run_id)]
    assert file.suffix == ".db"  # no log beside it
    assert int.from_bytes(file.read_bytes()[16:18], "big") == PAGE_BYTES
    assert file.stat().st_size < 60_000


def test_old_runs_go_and_partitions_stay(history: dg.DagsterInstance, tmp_path: Path) -> None:
    keys = DAYS.get_partition_keys()
    twice = [made(history, by_day, day=key) for key in (keys[0], *keys)]
    plain = [made(history, whole, holds) for _ in range(3)]
    pruned = prune(history, LATER)
    assert history.get_materialized_partitions(by_day.key) == set(keys)
    assert {run.run_id for run in history.get_runs()} == {*twice[1:], plain[-1]}
    assert (pruned.deleted, pruned.kept) == (3, len(keys) + 1)
    check = dg.AssetCheckKey(whole.key, "holds")
    assert history.event_log_storage.get_latest_asset_check_execution_by_key([check])[check].run_id == plain[-1]
    assert len(history.event_log_storage.get_asset_check_execution_history(check, limit=10)) == 1
    assert {path.name.partition(".")[0] for path in run_files(tmp_path)} - {""} == {*twice[1:], plain[-1]}
    assert made(history, by_day, day=keys[1])  # and the history is as usable as before


def test_what_is_young_stays(history: dg.DagsterInstance) -> None:
    runs = [made(history, whole) for _ in range(2)]
    reads = [made(history, whole, **{READ_TAG: "3"}) for _ in range(2)]
    made(history, whole)
    pruned = prune(history, SystemClock().now() + READS_KEPT + timedelta(hours=1))
    assert pruned.deleted == 2
    left = {run.run_id for run in history.get_runs()}
    assert left.issuperset(runs)
    assert left.isdisjoint(reads)


def test_a_pruning_ends(history: dg.DagsterInstance) -> None:
    for _ in range(4):
        made(history, whole)
    assert prune(history, LATER, most=2).deleted == 2
    assert prune(history, LATER, most=2).deleted == 1
