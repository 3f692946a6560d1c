"""Every asset of the code location, once, in this process: what ``demo`` does before it opens the UI.

The runs are stored in the persistent instance of ``DAGSTER_HOME``, so that the UI shows them like any other.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orders_pipeline.clock import SystemClock, shop_day
from orders_pipeline.settings import UserError

if TYPE_CHECKING:
    import dagster as dg

    from orders_pipeline.sync import Progress

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster's own log lines stay in its event log; the console belongs to the progress."""


def materialize_all(instance_home: Path, progress: Progress) -> None:
    """First load of every shop, yesterday's reconciliation, then everything across shops. Raises UserError where a step
    fails, with that step's one line."""
    import dagster as dg

    from orders_pipeline import definitions
    from orders_pipeline.components.steps import progress_to

    os.environ["DAGSTER_HOME"] = str(instance_home)  # the instance's own processes look there
    progress("loading the assets", 0, None)
    repository = definitions.defs().get_repository_def()
    runs = _runs(repository)
    with dg.DagsterInstance.from_config(str(instance_home)) as instance, progress_to(progress):
        for done, (job, partition) in enumerate(runs, start=1):
            progress(f"run {done} of {len(runs)}: {job.name}", done - 1, len(runs))
            _execute(job, instance, partition)
    progress("all assets are materialized", len(runs), len(runs))


def _runs(repository: dg.RepositoryDefinition) -> list[tuple[dg.JobDefinition, str | None]]:
    """Jobs in the order of the lineage, with the partition that each needs."""
    from orders_pipeline.components.shops import stanzas

    good, _ = stanzas()
    yesterday = (shop_day(SystemClock().now()) - timedelta(days=1)).isoformat()
    steps: list[tuple[str, str | None]] = [(f"load_{shop.shop}", None) for shop in good]
    steps += [("reconcile", yesterday), ("plan", None), ("backtest", None)]
    return [(repository.get_job(name), partition) for name, partition in steps]


def _execute(job: dg.JobDefinition, instance: dg.DagsterInstance, partition: str | None) -> None:
    result = job.execute_in_process(instance=instance, partition_key=partition, run_config=_QUIET, raise_on_error=False)
    if result.success:
        return
    lines = [_failure(event) for event in result.all_events if event.is_step_failure]
    raise UserError(
        next((line for line in lines if line), f"Run {result.run_id} of {job.name} failed: see its log in the UI.")
    )


def _failure(event: Any) -> str:
    data = event.step_failure_data.user_failure_data
    return f"{event.step_key}: {data.description}" if data and data.description else ""
