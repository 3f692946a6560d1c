"""Runs of the real jobs in one process, against the sandbox over HTTP and a warehouse on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from orders_pipeline import sync
from orders_pipeline.clock import SystemClock
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line, progress_to
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DATA_ENV, DataFolder
from orders_pipeline.shops import SHOPS_ENV
from orders_pipeline.sync.leases import lease
from orders_pipeline.warehouse import CompactReport, Warehouse
from orders_pipeline_tests.conftest import living_sandbox, shop_of
from orders_pipeline_tests.defs.conftest import load, stanza_file, stanza_of

DAYS = 25  # enough for the three weeks of history that a forecast of a week ago looks at
JOBS = (("load_tea_tmall", None), ("reconcile", "2026-01-14"), ("plan", None), ("backtest", None))


@dataclass
class Lived:
    """A shop that has been loaded, reconciled and planned; the results of these runs by job."""

    sandbox: SandboxServer
    folder: DataFolder
    repository: dg.RepositoryDefinition
    instance: dg.DagsterInstance
    results: dict[str, Any]
    told: list[str]

    def run(self, job: str, **options: Any) -> Any:
        definition = self.repository.get_job(job)
        return definition.execute_in_process(instance=self.instance, raise_on_error=False, **options)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    folder = DataFolder(tmp_path_factory.mktemp("runs") / "data").create()
    (folder.dagster / "first_day.txt").write_text("2026-01-10", encoding="utf-8")
    options, told = SandboxOptions(), []
    with (
        living_sandbox(DAYS, 60) as sandbox,
        pytest.MonkeyPatch.context() as patch,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        shop = shop_of(sandbox, backfill_days=DAYS)
        patch.setenv(DATA_ENV, str(folder.root))
        patch.setenv(SHOPS_ENV, str(stanza_file(folder.root / "shops.yaml", stanza_of(shop))))
        for name, value in (
            ("TOP_APP_KEY", options.app_key),
            ("TOP_APP_SECRET", options.app_secret),
            ("TOP_SESSION", options.session),
        ):
            patch.setenv(name, value)
        lived = Lived(sandbox, folder, load(Pipeline(folder, sandbox.clock)), instance, {}, told)
        with progress_to(lambda text, done, total: told.append(text)):
            for job, partition in JOBS:
                lived.results[job] = lived.run(job, partition_key=partition)
        yield lived


@pytest.fixture(autouse=True)
def _same_shop(lived: Lived, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The shared fixture clears the environment for each test: name the module's folder and stanza again."""
    monkeypatch.setenv(DATA_ENV, str(lived.folder.root))
    monkeypatch.setenv(SHOPS_ENV, str(lived.folder.root / "shops.yaml"))


def materialized(result: Any) -> dict[str, dict[str, Any]]:
    """Metadata of each asset that a run made."""
    found = {}
    for event in result.all_events:
        if event.is_step_materialization:
            made = event.step_materialization_data.materialization
            found[made.asset_key.to_user_string()] = {name: value.value for name, value in made.metadata.items()}
    return found


def failures(result: Any) -> list[Any]:
    return [event.step_failure_data for event in result.all_events if event.is_step_failure]


def read(folder: DataFolder, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(folder.published), read_only=True) as con:
        return con.execute(query).fetchall()


def test_every_asset_is_made_and_has_rows(lived: Lived) -> None:
    assert {job: failures(result) for job, result in lived.results.items()} == {job: [] for job, _ in JOBS}
    made = {name: data for result in lived.results.values() for name, data in materialized(result).items()}
    assert made.keys() == {key.to_user_string() for key in lived.repository.asset_graph.get_all_asset_keys()}
    assert {name: data["dagster/row_count"] for name, data in made.items() if data["dagster/row_count"] == 0} == {}


def test_every_check_passes(lived: Lived) -> None:
    evaluations = [one for result in lived.results.values() for one in result.get_asset_check_evaluations()]
    assert len(evaluations) == len(lived.repository.asset_graph.asset_check_keys)
    assert [
        (one.asset_key.to_user_string(), one.check_name, one.description) for one in evaluations if not one.passed
    ] == []


def test_row_counts_are_those_of_the_published_copy(lived: Lived) -> None:
    made = materialized(lived.results["load_tea_tmall"])
    for asset in ("orders", "order_lines", "refunds", "parcels", "stock"):
        assert (
            made[f"tea_tmall/{asset}"]["dagster/row_count"]
            == read(lived.folder, f"SELECT count(*) FROM core.{asset}")[0][0]
        )


def test_pictures_are_drawn_and_small(lived: Lived) -> None:
    made = materialized(lived.results["plan"])
    for asset, name in (("daily_sku_sales", "sales_curve"), ("sales_forecasts", "forecast_fan")):
        picture = made[asset][name]
        assert picture.startswith("![")
        assert "data:image/svg+xml;base64," in picture
        assert len(picture) < 30_000


def test_numbers_keep_their_names_so_that_they_plot(lived: Lived) -> None:
    made = materialized(lived.results["plan"])
    assert {"wape", "coverage_q90", "bias"} <= made["forecast_accuracy"].keys()
    assert {"units", "skus"} <= made["daily_sku_sales"].keys()
    assert {"to_order", "amount_yuan", "shops_behind"} <= made["replenishment_suggestions"].keys()
    made = materialized(lived.results["load_tea_tmall"])
    assert {"windows", "calls", "pages", "rows", "tail_rows"} <= made["tea_tmall/raw_incremental_pages"].keys()


def test_the_query_on_every_assets_page_runs_and_finds_rows(lived: Lived) -> None:
    graph = lived.repository.asset_graph
    empty = []
    for key in graph.get_all_asset_keys():
        query = graph.get(key).description.partition("read_only=True)\n")[2].partition("\n```")[0]
        if not read(lived.folder, query):
            empty.append(key.to_user_string())
    assert empty in ([], ["tea_tmall/parcels"])  # whether a parcel stalls is the world's chance


def test_progress_is_told(lived: Lived) -> None:
    assert any("orders by created" in text for text in lived.told)


def test_orders_alone_need_no_call_and_change_nothing(lived: Lived) -> None:
    before = read(lived.folder, "SELECT count(*) FROM ops.api_calls")
    keys = [dg.AssetKey(["tea_tmall", name]) for name in ("orders", "order_lines")]
    result = lived.run("sync_tea_tmall", asset_selection=keys)
    assert materialized(result).keys() == {"tea_tmall/orders", "tea_tmall/order_lines"}
    assert read(lived.folder, "SELECT count(*) FROM ops.api_calls") == before


def test_a_sync_brings_what_changed(lived: Lived) -> None:
    lived.sandbox.clock.advance(3600)
    result = lived.run("sync_tea_tmall")
    assert failures(result) == []
    assert materialized(result)["tea_tmall/raw_incremental_pages"]["windows"] >= 2
    assert [one.check_name for one in result.get_asset_check_evaluations() if not one.passed] == []


def test_a_day_is_read_again_and_compared_again_in_one_run(lived: Lived) -> None:
    config = {"ops": {"tea_tmall__raw_full_pages": {"config": {"refetch_days": ["2026-01-14"]}}}}
    result = lived.run("refetch_tea_tmall", partition_key="2026-01-14", run_config=config)
    assert failures(result) == []
    made = materialized(result)
    assert made["tea_tmall/raw_full_pages"]["rows"] == made["daily_reconciliation"]["platform_count"]
    assert ("refetch",) in read(lived.folder, "SELECT DISTINCT channel FROM ops.sync_windows")


def test_upkeep_joins_the_raw_files_of_past_days_and_nothing_is_read_again(lived: Lived) -> None:
    raw = "SELECT count(*), sum(row_count), bit_xor(hash(COLUMNS(*))) FROM raw.trade_pages"
    before = read(lived.folder, raw)
    reports = []
    for _ in range(4):
        lived.sandbox.clock.advance(86_400)
        result = lived.run("upkeep")
        assert failures(result) == []
        (output,) = (one for one in result.all_events if one.is_successful_output and one.step_key == "join_raw_files")
        reports.append({name: value.value for name, value in output.event_specific_data.metadata.items()})
        assert read(lived.folder, raw) == before
    assert reports[0]["windows"] == reports[3]["removed"] > reports[0]["joined"] == reports[1]["shown"] > 0


def test_joined_files_that_are_not_as_the_small_ones_are_never_green(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Warehouse, "compact", lambda *_: CompactReport(unlike=2))
    (failure,) = failures(lived.run("upkeep"))
    assert "2 joined files did not hold what the small ones hold" in str(failure.user_failure_data.description)


def test_a_day_that_is_no_day_is_told(lived: Lived) -> None:
    config = {"ops": {"tea_tmall__raw_full_pages": {"config": {"since": "yesterday"}}}}
    (failure,) = failures(
        lived.run("load_tea_tmall", run_config=config, asset_selection=[dg.AssetKey(["tea_tmall", "raw_full_pages"])])
    )
    assert failure.user_failure_data.description == "'yesterday' is not a day: write it as 2026-11-01."


def test_a_busy_shop_fails_at_once_and_says_who_has_it(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync.shop_sync, "LEASE_WAIT_SECONDS", 0.0)
    with lease(lived.folder.locks, "sync", "tea_tmall", "orders-pipeline sync", SystemClock(), wait_seconds=0):
        result = lived.run("sync_tea_tmall", asset_selection=[dg.AssetKey(["tea_tmall", "raw_incremental_pages"])])
    (failure,) = failures(result)
    assert "held by orders-pipeline sync (process" in failure.user_failure_data.description
    assert "\n" not in failure.user_failure_data.description
    assert not [event for event in result.all_events if event.is_step_up_for_retry]


def test_a_wrong_secret_is_one_line_without_the_secret(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOP_APP_SECRET", "planted-wrong-secret")
    result = lived.run("sync_tea_tmall", asset_selection=[dg.AssetKey(["tea_tmall", "raw_incremental_pages"])])
    (failure,) = failures(result)
    assert "\n" not in failure.user_failure_data.description
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    assert "planted-wrong-secret" not in str(result.all_events)


def test_row_contents_in_a_foreign_error_never_reach_the_event_log() -> None:
    @dg.op
    def leaky() -> None:
        with failing_in_one_line():
            raise ValueError("Could not convert string '13800138000' of 张三")

    @dg.job(executor_def=dg.in_process_executor)
    def job() -> None:
        leaky()

    result = job.execute_in_process(raise_on_error=False)
    (failure,) = failures(result)
    assert "13800138000" not in str(result.all_events)
    assert "张三" not in str(result.all_events)
    assert failure.user_failure_data.description.startswith("ValueError at test_runs.py:")


def test_a_published_copy_that_was_not_there_is_made(lived: Lived, tmp_path: Path) -> None:
    pipeline = Pipeline(DataFolder(tmp_path / "fresh"), lived.sandbox.clock)
    with pipeline.warehouse().read() as con:
        assert con.execute("SELECT count(*) FROM core.orders").fetchone() == (0,)
