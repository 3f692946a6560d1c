"""Jobs and schedules across shops. Each shop's own are made by ``components/automation.py``."""

from datetime import timedelta

import dagster as dg

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.components.automation import no_shop_reason
from orders_pipeline.components.mart_assets import WRITER_TAG, shops

MARTS = (
    "daily_sku_sales",
    "sales_forecasts",
    "forecast_accuracy",
    "stock_position",
    "replenishment_suggestions",
    "published_copy",
)

reconcile_job = dg.define_asset_job(
    "reconcile",
    selection=dg.AssetSelection.assets("daily_reconciliation"),
    description="Compares a day with the platforms, for every shop.",
)
plan_job = dg.define_asset_job(
    "plan",
    selection=dg.AssetSelection.assets(*MARTS),
    tags=WRITER_TAG,
    description="Daily sales, forecasts, stock position, suggestions, published copy.",
)
backtest_job = dg.define_asset_job(
    "backtest",
    selection=dg.AssetSelection.assets("forecast_backtest"),
    tags=WRITER_TAG,
    description="Forecasts of past weeks made anew; decides which model is used.",
)
publish_job = dg.define_asset_job(
    "publish",
    selection=dg.AssetSelection.assets("published_copy"),
    description="Publishes what has changed and shows the copy that readers open.",
)


@dg.schedule(
    job=reconcile_job,
    cron_schedule="30 1 * * *",  # the day has settled for 90 minutes, and no shop works
    execution_timezone=SHOP_TZ.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Compares yesterday, and counts of the 90 days up to it, with the platforms; heals what differs.",
)
def reconcile_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    if not shops():
        return dg.SkipReason(no_shop_reason())
    yesterday = context.scheduled_execution_time.astimezone(SHOP_TZ).date() - timedelta(days=1)
    config = {"ops": {"daily_reconciliation": {"config": {"nightly": True}}}}
    return dg.RunRequest(partition_key=yesterday.isoformat(), run_config=config)


@dg.schedule(
    job=plan_job,
    cron_schedule="30 5 * * *",  # done before buyers of the shop start work, after the night's reconciliation
    execution_timezone=SHOP_TZ.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Forecasts and suggestions of the morning, from what is there: a shop that is behind is named, not waited for.",
)
def plan_schedule() -> dg.RunRequest | dg.SkipReason:
    return dg.RunRequest() if shops() else dg.SkipReason(no_shop_reason())


@dg.schedule(
    job=backtest_job,
    cron_schedule="30 3 * * 1",  # a week is over, nobody waits, two hours before the morning's forecasts
    execution_timezone=SHOP_TZ.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Measures the forecasts of past weeks and picks the model.",
)
def backtest_schedule() -> dg.RunRequest | dg.SkipReason:
    return dg.RunRequest() if shops() else dg.SkipReason(no_shop_reason())


@dg.schedule(
    job=publish_job,
    cron_schedule="10 * * * *",  # syncs publish by themselves; this shows the copy's state once an hour
    execution_timezone=SHOP_TZ.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Publishes what a run that was killed left unpublished.",
)
def publish_schedule() -> dg.RunRequest | dg.SkipReason:
    return dg.RunRequest() if shops() else dg.SkipReason(no_shop_reason())
