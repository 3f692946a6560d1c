"""The whole lineage in one process, against the real sandbox over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from orders_pipeline.components.resources import Pipeline
from orders_pipeline.settings import DataFolder
from orders_pipeline_tests.conftest import living_sandbox, shop_of
from orders_pipeline_tests.defs.conftest import stanza_of


def run(repository: dg.RepositoryDefinition, job: str, instance: dg.DagsterInstance, **options: Any) -> Any:
    return repository.get_job(job).execute_in_process(instance=instance, raise_on_error=False, **options)


def failures(result: Any) -> list[str]:
    lines = [
        f"{event.step_key}: {event.step_failure_data.error.message} {event.step_failure_data.user_failure_data}"
        for event in result.all_events
        if event.is_step_failure
    ]
    return lines


def test_whole(location, instance, folder: DataFolder) -> None:
    import time

    t = time.time()
    with living_sandbox(40, 60) as sandbox:
        print("world", time.time() - t)
        pipeline = Pipeline(folder, sandbox.clock)
        repository = location(stanza_of(shop_of(sandbox)), pipeline=pipeline)
        print("load", time.time() - t)
        for job, partition in (("load_tea_tmall", None), ("reconcile", "2026-01-14"), ("plan", None), ("sync_tea_tmall", None), ("stock_tea_tmall",None), ("parcels_tea_tmall",None), ("messages_tea_tmall",None)):
            result = run(repository, job, instance, partition_key=partition)
            print(job, result.success, time.time() - t)
            s={}
            for e in result.all_events:
                if e.step_key and e.event_type_value in ("STEP_START","STEP_SUCCESS"): s.setdefault(e.step_key,[]).append(e.timestamp if hasattr(e,"timestamp") else 0)
                if e.event_type_value=="STEP_SUCCESS": print("     ", e.step_key, e.event_specific_data.duration_ms)
            for line in failures(result):
                print("   FAIL", line)
            for event in result.all_events:
                if event.is_step_materialization:
                    m = event.step_materialization_data.materialization
                    print("  ", m.asset_key.to_user_string(), {k: (v.value if len(str(v.value))<100 else '...') for k, v in m.metadata.items()})
            for evaluation in result.get_asset_check_evaluations():
                if not evaluation.passed:
                    print("   CHECK", evaluation.asset_key.to_user_string(), evaluation.check_name, evaluation.description)
