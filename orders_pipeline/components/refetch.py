"""What still differs from the platform after a reconciliation is read again and compared again, in one run."""

from datetime import date, timedelta
from typing import Any, Literal

import dagster as dg

from orders_pipeline.components.first_day import first_day
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line
from orders_pipeline.light import without_pandas
from orders_pipeline.quality import Difference, differences
from orders_pipeline.shops import Shop

How = Literal["day", "night", "again"]

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
        description=f"Compares and reads again what of {shop.shop} differs from the platform after a reconciliation.",
    )
    def refetch(pipeline: dg.ResourceParam[Pipeline]) -> list[dg.RunRequest] | dg.SkipReason:
        with failing_in_one_line(), without_pandas(), pipeline.warehouse().read() as con:
            found = [one for one in differences(con, pipeline.today) if one.shop == shop.shop]
        waiting = [one for one in found if one.times_checked < MOST_ATTEMPTS]
        if not waiting:
            given_up = f" {len(found)} windows still differ after {MOST_ATTEMPTS} comparisons: a person must look."
            return dg.SkipReason(f"Nothing of {shop.shop} is to be read again.{given_up if found else ''}")
        return _requests(shop, waiting, pipeline)

    return refetch


def _requests(shop: Shop, found: list[Difference], pipeline: Pipeline) -> list[dg.RunRequest]:
    """One run a day of orders that was compared by ids, and one for all other windows that were; one night again for each day
    of hours, and one for all weeks.

    Dagster never runs a run key twice, and a run that dies before it has recorded a comparison leaves the number of
    comparisons as it was: the hour in the key gives it another run.
    """
    yesterday = pipeline.today - timedelta(days=1)
    attempts: dict[tuple[date, How], int] = {}
    for one in found:
        if one.one_day and one.day >= first_day():
            key: tuple[date, How] = one.day, "day"
        elif one.method == "ids":  # the partition says nothing here: the window may lie before the first
            key = max(yesterday, first_day()), "again"
        else:
            key = max(one.day if one.axis == "modified" else yesterday, first_day()), "night"
        attempts[key] = max(one.times_checked, attempts.get(key, 0))
    hour = pipeline.clock.now().strftime("%Y%m%dT%H")
    return [
        _request(shop, day.isoformat(), how, f"{attempt}:{hour}") for (day, how), attempt in sorted(attempts.items())
    ]


def _request(shop: Shop, day: str, how: How, attempt: str) -> dg.RunRequest:
    config: dict[str, Any] = {"nightly": how == "night", "only": [shop.shop]}
    if how == "again":
        config["again"] = True
    ops: dict[str, Any] = {"daily_reconciliation": {"config": config}}
    if how != "day":  # it reads again just the windows that differ
        return dg.RunRequest(
            run_key=f"{shop.shop}:{how}:{day}:{attempt}",
            partition_key=day,
            run_config={"ops": ops},
            asset_selection=[dg.AssetKey("daily_reconciliation")],
        )
    ops[f"{shop.shop}__raw_full_pages"] = {"config": {"refetch_days": [day]}}
    return dg.RunRequest(run_key=f"{shop.shop}:{day}:{attempt}", partition_key=day, run_config={"ops": ops})
