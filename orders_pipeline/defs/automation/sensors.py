"""Sensors across shops: a failed run becomes an incident, which the job's next success closes."""

import dagster as dg

from orders_pipeline.components.incidents import record_failure, record_success
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line
from orders_pipeline.light import without_pandas


@dg.run_failure_sensor(
    name="run_failure_sensor",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,  # Dagster's own default: a failure may be known half a minute later
    description="Writes an incident for a job whose run failed, which `orders-pipeline status` and the tables show.",
)
def run_failure_sensor(context: dg.RunFailureSensorContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    run = context.dagster_run
    lines = [event.step_failure_data.user_failure_data for event in context.get_step_failure_events()]
    detail = " | ".join(line.description for line in lines if line and line.description)
    detail = detail or "the run ended without a step's own line: see its log"
    context.log.error(f"{run.job_name} failed: {detail}")
    with failing_in_one_line(), without_pandas():
        record_failure(pipeline, run.run_id, run.job_name, run.tags.get("orders_pipeline/shop", ""), detail)


@dg.run_status_sensor(
    name="run_success_sensor",
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,  # an incident may stay open a minute too long
    description="Closes the incident of a job that succeeds again.",
)
def run_success_sensor(context: dg.RunStatusSensorContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
    with failing_in_one_line(), without_pandas():
        record_success(pipeline, context.dagster_run.job_name)
