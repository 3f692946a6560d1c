"""The messages of one app key: one sensor asks for all its shops, one job reads again what they name."""

from collections.abc import Sequence

import dagster as dg

from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line, one_line
from orders_pipeline.platforms.base import PermissionDeniedError, PlatformError
from orders_pipeline.settings import UserError
from orders_pipeline.shops import Shop

POLL_SECONDS = 60
"""A poll costs a call and a run three CPU-seconds; what changes in between is found by the changes sensor anyway."""


def key_groups(shops: Sequence[Shop]) -> list[tuple[str, list[Shop]]]:
    """Shops by app key, told apart by the name of the variable that holds it and by the gateway it belongs to."""
    groups: dict[tuple[str, str], list[Shop]] = {}
    for shop in shops:
        groups.setdefault((shop.app_key_env, shop.gateway_url), []).append(shop)
    return [(f"messages_{members[0].shop}", members) for members in groups.values()]


def message_automation(shops: Sequence[Shop]) -> dg.Definitions:
    """A sensor and a job for each app key, named after its first shop."""
    jobs, sensors = [], []
    for name, members in key_groups(shops):
        job = _job(name, members)
        jobs.append(job)
        sensors.append(_sensor(name, members, job))
    return dg.Definitions(jobs=jobs, sensors=sensors)


def _job(name: str, members: Sequence[Shop]) -> dg.JobDefinition:
    shop = members[0]

    @dg.op(
        name=f"read_{name}",
        description="Reads again the orders, refunds and parcels that waiting messages name, then confirms the messages.",
    )
    def read(context: dg.OpExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
        run_id = context.run.run_id
        with failing_in_one_line(), pipeline.open_shop(shop, run_id, f"Dagster run {run_id}") as sync:
            report = sync.poll_messages()
        metadata: dict[str, int] = {"messages": report.messages, "calls": report.calls}
        for asset, count in (("orders", report.orders_read), ("refunds", report.refunds_read)):
            if count:
                key = dg.AssetKey([shop.shop, asset])
                context.log_event(dg.AssetObservation(key, metadata={**metadata, "rows_read": count}))

    @dg.job(name=name, description=f"Messages of {', '.join(member.shop for member in members)}.")
    def messages() -> None:
        read()

    return messages


def _sensor(name: str, members: Sequence[Shop], job: dg.JobDefinition) -> dg.SensorDefinition:
    shop = members[0]

    @dg.sensor(
        name=f"{name}_sensor",
        job=job,
        minimum_interval_seconds=POLL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Takes waiting messages of the app key of {', '.join(member.shop for member in members)}.",
    )
    def waiting(
        context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline]
    ) -> dg.RunRequest | dg.SkipReason:
        busy = pipeline.busy("messages", shop.shop)
        if busy:
            return dg.SkipReason(busy)
        try:
            with pipeline.open_shop(shop, "", f"sensor {context.sensor_name}") as sync:
                count = sync.receive_messages()
        except (UserError, PermissionDeniedError) as error:  # an app without messages is a usual thing: nothing to mend
            return dg.SkipReason(one_line(error))
        except PlatformError as error:
            raise dg.Failure(one_line(error)) from None
        if not count:
            return dg.SkipReason("No message is waiting.")
        return dg.RunRequest(tags={"orders_pipeline/messages": str(count)})

    return waiting
