"""What the nightly comparison finds and cannot mend at once comes back by itself: red check, sensor, run, green check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from orders_pipeline.components.resources import Pipeline
from orders_pipeline.sandbox.faults import FaultPlan
from orders_pipeline.settings import DataFolder
from orders_pipeline.shops import Shop as Stanza
from orders_pipeline.sync.reconciling.sampling import sampled_day
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.conftest import NOON, living_sandbox, shop_of
from orders_pipeline_tests.defs.conftest import stanza_of
from orders_pipeline_tests.defs.test_ticks import tick
from orders_pipeline_tests.reliability.tables import check_tables

DAYS = 12
YESTERDAY = (NOON - timedelta(days=1)).date()
NIGHT = {"ops": {"daily_reconciliation": {"config": {"nightly": True}}}}


@dataclass
class Shop:
    """A loaded shop in a real instance. The platform hides rows of lists for the first hour after NOON."""

    folder: DataFolder
    pipeline: Pipeline
    repository: dg.RepositoryDefinition
    instance: dg.DagsterInstance
    stanza: Stanza
    source: Any

    def run(self, job: str, **options: Any) -> bool:
        """Run a job; whether the check that compares with the platform is green after it."""
        result = self.repository.get_job(job).execute_in_process(instance=self.instance, **options)
        (check,) = (one for one in result.get_asset_check_evaluations() if one.check_name == "matches_platform")
        return bool(check.passed)

    def requests(self) -> list[dg.RunRequest]:
        return tick(self.repository, "refetch_tea_tmall_sensor", self.pipeline).run_requests or []

    def heal(self) -> bool:
        """One tick of the sensor and the runs that it asks for; the check after the last of them."""
        requests = self.requests()
        assert requests
        green = False
        for request in requests:
            green = self.run(
                "refetch_tea_tmall",
                run_config=request.run_config,
                partition_key=request.partition_key,
                asset_selection=request.asset_selection,
                tags=request.tags,
            )
        return green

    def lose(self, table: str, key: str, where: str) -> str:
        """Delete one row, an order with its lines, behind the pipeline's back."""
        warehouse = Warehouse(self.folder, self.pipeline.clock)
        with warehouse.write("test") as con:
            ((lost, *_),) = con.execute(f"DELETE FROM core.{table} WHERE {key} = (SELECT min({key}) FROM core.{table}"
                                        f" WHERE {where}) RETURNING {key}").fetchall()  # fmt: skip
            con.execute("DELETE FROM core.order_lines WHERE order_id = ?", [lost])
        warehouse.flush()
        return str(lost)

    def holds(self, table: str, key: str, row_id: str) -> bool:
        with self.pipeline.warehouse().read() as con:
            return con.execute(f"SELECT count(*) FROM core.{table} WHERE {key} = ?", [row_id]).fetchone() == (1,)

    def must_equal_the_platform(self) -> None:
        with self.pipeline.open_shop(self.stanza, "last", "test") as sync:
            sync.sync()
        check_tables(self.folder, self.source(), "tmall", "tea_tmall")


@pytest.fixture
def shop(location, folder: DataFolder, instance: dg.DagsterInstance, request) -> Iterator[Shop]:
    """``request.param`` names the list that hides its rows."""
    hides = {"kind": "short_page", "apis": request.param, "since": NOON + timedelta(seconds=1)}
    plan = FaultPlan.of({**hides, "until": NOON + timedelta(hours=1)})
    with living_sandbox(DAYS, 40, faults=[plan.middleware()]) as sandbox:
        stanza = shop_of(sandbox, backfill_days=DAYS + 1)
        pipeline = Pipeline(folder, sandbox.clock)
        with pipeline.open_shop(stanza, "first load", "test") as sync:
            sync.backfill()
            sync.sync()
        sandbox.clock.advance(60)
        (folder.dagster / "first_day.txt").write_text(YESTERDAY.isoformat(), encoding="utf-8")
        repository = location(stanza_of(stanza), pipeline=pipeline)
        yield Shop(folder, pipeline, repository, instance, stanza, sandbox.truth)


@pytest.mark.parametrize("shop", ["taobao.trades.sold.get"], indirect=True)
def test_an_order_that_the_night_could_not_read_again_comes_back_by_the_sensor(shop: Shop) -> None:
    lost = shop.lose("orders", "order_id", f"created_on = '{YESTERDAY - timedelta(days=3)}'")
    assert not shop.requests()
    assert not shop.run("reconcile", run_config=NIGHT, partition_key=YESTERDAY.isoformat())
    assert not shop.heal()  # the list still hides it: red, and asked for again
    shop.pipeline.clock.sleep(3_600)
    assert shop.heal()
    assert not shop.requests()
    assert shop.holds("orders", "order_id", lost)
    shop.must_equal_the_platform()


@pytest.mark.parametrize("shop", ["taobao.refunds.receive.get"], indirect=True)
def test_a_refund_of_a_day_before_the_first_partition_comes_back_by_the_sensor(shop: Shop) -> None:
    """Found by the night's sample, by its id: no count can clear it, and no partition is of its day."""
    day = sampled_day(YESTERDAY, (NOON - timedelta(days=DAYS - 1)).date())
    assert day is not None
    assert day < YESTERDAY
    lost = shop.lose("refunds", "refund_id", f"timezone('Asia/Shanghai', modified_at)::DATE = '{day}'")
    assert not shop.run("reconcile", run_config=NIGHT, partition_key=YESTERDAY.isoformat())
    assert not shop.heal()
    shop.pipeline.clock.sleep(3_600)
    assert shop.heal()
    assert not shop.requests()
    assert shop.holds("refunds", "refund_id", lost)
