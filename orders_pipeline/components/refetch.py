"""A day that still differs from the platform after its reconciliation is read again and compared again, in one run."""

import dagster as dg

from orders_pipeline.components.first_day import first_day
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line
from orders_pipeline.quality import differences
from orders_pipeline.shops import Shop

MOST_ATTEMPTS = 4
"""The night's comparison and three re-fetches: what still differs then is not mended by reading once more."""


def refetch_automation(shop: Shop) -> dg.Definitions:
    """The shop's re-fetch job, by day, and the sensor that starts it."""
    assets = [dg.AssetKey([shop.shop, name]) for name in ("raw_full_pages", "orders", "order_lines")]
    job = dg.define_asset_job(
        f"refetch_{shop.shop}",
        selection=dg.AssetSelection.assets(*assets, dg.AssetKey("daily_reconciliation")),
        tags={"orders_pipeline/shop": shop.shop},
        description=f"Reads a day of {shop.shop} again (`refetch_days` of raw_full_pages) and compares it again.",
    )
    return dg.Definitions(jobs=[job], sensors=[_sensor(shop, job.name)])


def _sensor(shop: Shop, job: str) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"refetch_{shop.shop}_sensor",
        job_name=job,
        minimum_interval_seconds=300,  # days are compared at night: a difference may wait five minutes
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Reads days of {shop.shop} again that differ from the platform after their reconciliation.",
    )
    def refetch(pipeline: dg.ResourceParam[Pipeline]) -> list[dg.RunRequest] | dg.SkipReason:
        with failing_in_one_line(), pipeline.warehouse().read() as con:
            found = [
                one for one in differences(con, pipeline.today) if one.shop == shop.shop and one.day >= first_day()
            ]
        waiting = [one for one in found if one.times_checked < MOST_ATTEMPTS]
        if not waiting:
            given_up = f" {len(found)} days still differ after {MOST_ATTEMPTS} comparisons: a person must look."
            return dg.SkipReason(f"No day of {shop.shop} is to be read again.{given_up if found else ''}")
        return [_request(shop, one.day.isoformat(), one.times_checked) for one in waiting]

    return refetch


def _request(shop: Shop, day: str, attempt: int) -> dg.RunRequest:
    """One day, once for each comparison: Dagster never runs a run key twice."""
    config = {"ops": {f"{shop.shop}__raw_full_pages": {"config": {"refetch_days": [day]}}}}
    return dg.RunRequest(run_key=f"{shop.shop}:{day}:{attempt}", partition_key=day, run_config=config)
