"""What keeps the run history, the call log and the number of raw files from growing for ever: one job a day."""

from dataclasses import asdict

import dagster as dg

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line
from orders_pipeline.light import without_pandas


@dg.op(
    description="Deletes old runs that hold the newest fact about nothing, and calls that are older than any comparison."
)
def forget_old(context: dg.OpExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    from orders_pipeline.components.pruning import prune  # SQLAlchemy and Dagster's tables: for this run only

    with failing_in_one_line(), without_pandas():
        pruned = prune(context.instance, pipeline.clock.now())
        calls = pipeline.forget_calls()
    context.add_output_metadata({"runs_deleted": pruned.deleted, "runs_kept": pruned.kept, "calls_forgotten": calls})


@dg.op(
    description="Joins the small raw files of past days, each of some windows that were applied, into one file a day and API."
)
def join_raw_files(context: dg.OpExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    with failing_in_one_line(), without_pandas():
        report = pipeline.warehouse().compact()
    context.add_output_metadata(asdict(report))
    if report.unlike:
        raise dg.Failure(
            f"{report.unlike} joined files did not hold what the small ones hold: these stay. Check the disk.",
            metadata=asdict(report),
        )


@dg.job(description="Old runs leave the run history, old calls the call log; small raw files are joined.")
def upkeep() -> None:
    forget_old()
    join_raw_files()


upkeep_schedule = dg.ScheduleDefinition(
    name="upkeep_schedule",
    job=upkeep,
    cron_schedule="10 4 * * *",  # between the night's reconciliation and the morning's plan
    execution_timezone=SHOP_TZ.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Forgets old runs and calls, joins small raw files.",
)
