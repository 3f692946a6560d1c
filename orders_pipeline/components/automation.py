"""What starts a shop's steps by itself: jobs, schedules and sensors, one set a shop so that each can be switched off alone.

Schedules name Asia/Shanghai. Everything declares its default status; Dagster's own default is STOPPED. A tick makes one
call at most (Dagster ends it after 60 s) and carries no secret: run config and tags are readable by everybody in the UI.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as AssetJob

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import on_its_way, one_line
from orders_pipeline.platforms.base import FlowControlError, PlatformError
from orders_pipeline.settings import UserError
from orders_pipeline.shops import SHOPS_ENV, Shop, shops_file

if TYPE_CHECKING:
    from orders_pipeline.sync.leases import Work

NO_SHOP = (
    "No shop is configured yet. Add one with `orders-pipeline shops add`, or as a stanza in {file}, and reload the code "
    "location."
)

RUNNING = dg.DefaultScheduleStatus.RUNNING


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A schedule of every shop: what it runs, when, and why so often.

    ``cron`` holds the minute of the first shop as ``{minute}``; the shops after it follow a minute apart each, within
    ``spread`` minutes, so that ten shops on one machine do not all start at once.
    """

    name: str
    assets: tuple[str, ...]
    cron: str
    minute: int
    spread: int
    lease: "Work"  # the work whose lease would make the run fail at once
    why: str

    def cron_of(self, place: int) -> str:
        """The schedule of the shop at that place of the list."""
        return self.cron.format(minute=self.minute + place % self.spread)


RHYTHMS = (
    Rhythm(
        "sync",
        ("raw_incremental_pages", "raw_refund_pages", "orders", "order_lines", "refunds"),
        "{minute}-59/5 * * * *",
        0,
        5,
        "sync",
        "a closed window needs five minutes of news to be worth its calls; changes in between are the sensors' business",
    ),
    Rhythm(
        "stock",
        ("stock",),
        "{minute} */2 * * *",
        20,
        15,
        "stock",
        "a snapshot of 1,000 SKUs costs about 60 calls, and the position is read once a morning; off the full hour, when "
        "many others call the platform",
    ),
    Rhythm(
        "parcels",
        ("parcels",),
        "{minute} * * * *",
        40,
        15,
        "parcels",
        "the first threshold of a stalled parcel is a day: an hour is close enough",
    ),
)


def no_shop_reason() -> str:
    """Why nothing runs, and how to change that."""
    return NO_SHOP.format(file=shops_file() if shops_file().is_file() else f"the file that {SHOPS_ENV} names")


CHANGES_SHARE = 5
"""A fifth of an app key's calls may go into asking whether anything changed, all its shops together."""


def changes_interval(shop: Shop, shops_of_key: int) -> int:
    """Seconds between two questions for a shop's changes: its own setting, or more where its app key has many shops."""
    return max(shop.poll_seconds, -(-60 * CHANGES_SHARE * shops_of_key // shop.calls_per_minute))


def shop_automation(shop: Shop, shops_of_key: int = 1, place: int = 0) -> dg.Definitions:
    """The shop's jobs, its schedules, the sensor of its changes, and the job of its first load.

    ``shops_of_key``: how many shops share its app key. ``place``: its number in the list of shops, by which syncs are spread
    over the five minutes.
    """
    jobs = {rhythm.name: _job(shop, rhythm.name, rhythm.assets) for rhythm in RHYTHMS}
    first = _job(
        shop,
        "load",
        (
            "raw_full_pages",
            "raw_incremental_pages",
            "raw_refund_pages",
            "orders",
            "order_lines",
            "refunds",
            "parcels",
            "stock",
        ),
    )
    return dg.Definitions(
        jobs=[*jobs.values(), first],
        schedules=[_schedule(shop, rhythm, jobs[rhythm.name].name, place) for rhythm in RHYTHMS],
        sensors=[_changes_sensor(shop, jobs["sync"].name, changes_interval(shop, shops_of_key))],
    )


def _job(shop: Shop, verb: str, names: Sequence[str]) -> AssetJob:
    return dg.define_asset_job(
        f"{verb}_{shop.shop}",
        selection=dg.AssetSelection.assets(*[[shop.shop, name] for name in names]),
        tags={"orders_pipeline/shop": shop.shop},
        description=f"{verb} of shop {shop.shop}: {', '.join(names)}.",
    )


def _schedule(shop: Shop, rhythm: Rhythm, job: str, place: int) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{rhythm.name}_{shop.shop}_schedule",
        job_name=job,
        cron_schedule=rhythm.cron_of(place),
        execution_timezone=SHOP_TZ.key,
        default_status=RUNNING,
        description=f"{rhythm.name} of {shop.shop}: {rhythm.why}.",
        tags={"orders_pipeline/shop": shop.shop},
    )
    def tick(pipeline: dg.ResourceParam[Pipeline]) -> dg.RunRequest | dg.SkipReason:
        busy = pipeline.busy(rhythm.lease, shop.shop)
        if not busy:  # a sync probes, and reads the newest days once an hour; everything else waits for the breaker
            busy = pipeline.idle(shop.shop) if rhythm.name == "sync" else pipeline.paused(shop.shop)
        return dg.SkipReason(busy) if busy else dg.RunRequest(tags={"orders_pipeline/shop": shop.shop})

    return tick


def _changes_sensor(shop: Shop, job: str, interval: int) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"changes_{shop.shop}_sensor",
        job_name=job,
        minimum_interval_seconds=interval,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Asks the platform with one call, every {interval} s, whether an order of {shop.shop} changed since the "
        "last read; not while its messages tell.",
    )
    def changes(
        context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline]
    ) -> dg.RunRequest | dg.SkipReason:
        busy = pipeline.busy("sync", shop.shop) or pipeline.paused(shop.shop)
        if busy:
            return dg.SkipReason(busy)
        try:
            told = pipeline.told_by_messages(shop)
            if told:
                return dg.SkipReason(told)
            with pipeline.open_shop(shop, "", f"sensor {context.sensor_name}") as sync:
                report = sync.changed()
        except (
            UserError,
            FlowControlError,
        ) as error:  # credentials that are not set yet, a ban: a person knows, a red tick would tell nothing new
            return dg.SkipReason(one_line(error))
        except PlatformError as error:
            raise dg.Failure(one_line(error)) from None
        if report.changed and on_its_way(context.instance, job):
            return dg.SkipReason(f"{report.count} changes wait for the run of {job} that is on its way.")
        if not report.changed:
            return dg.SkipReason(
                f"No order of {shop.shop} changed since {report.mark.astimezone(SHOP_TZ):%m-%d %H:%M:%S}."
            )
        return dg.RunRequest(tags={"orders_pipeline/shop": shop.shop, "orders_pipeline/changes": str(report.count)})

    return changes


def no_shop_automation() -> dg.Definitions:
    """The same schedules and sensors while there is no shop: they exist, skip, and say how to add one."""
    return dg.Definitions(
        schedules=[_idle_schedule(rhythm) for rhythm in RHYTHMS],
        sensors=[_idle_sensor(name) for name in ("changes", "messages", "refetch")],
    )


IDLE_JOB = "publish"
"""What the idle ones name, since Dagster wants a job; they never request it."""


def _idle_schedule(rhythm: Rhythm) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{rhythm.name}_schedule",
        job_name=IDLE_JOB,
        cron_schedule=rhythm.cron_of(0),
        execution_timezone=SHOP_TZ.key,
        default_status=RUNNING,
        description=f"{rhythm.name} of every shop, once there is one.",
    )
    def tick() -> dg.SkipReason:
        return dg.SkipReason(no_shop_reason())

    return tick


def _idle_sensor(name: str) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{name}_sensor",
        job_name=IDLE_JOB,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"{name} of every shop, once there is one.",
    )
    def tick() -> dg.SkipReason:
        return dg.SkipReason(no_shop_reason())

    return tick
