"""The messages of one app key: one sensor asks for all its shops, one job reads again what they name."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line, one_line
from orders_pipeline.platforms.base import FlowControlError, PermissionDeniedError, PlatformError, SessionError
from orders_pipeline.settings import UserError
from orders_pipeline.shops import Shop

if TYPE_CHECKING:
    from orders_pipeline.sync.messages import MessageReport

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
    @dg.op(
        name=f"read_{name}",
        description="Reads again the orders, refunds and parcels that waiting messages name, then confirms the messages.",
    )
    def read(context: dg.OpExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> None:
        run_id = context.run.run_id
        failures, consumed = [], False
        with failing_in_one_line():
            for shop in members:
                others = [member.shop for member in members if member is not shop]
                try:
                    with pipeline.open_shop(shop, run_id, f"Dagster run {run_id}") as sync:
                        report = sync.poll_messages(others, consume=not consumed)
                except PermissionDeniedError as error:  # a shop without messages: its closed windows serve it
                    context.log.info(f"{shop.shop}: {one_line(error)}")
                    continue
                except (UserError, PlatformError) as error:
                    failures.append(f"{shop.shop}: {one_line(error)}")  # its messages wait; the others' must not
                    continue
                consumed = True
                _observe(context, shop.shop, report)
            if failures:
                raise dg.Failure(" | ".join(failures))

    @dg.job(name=name, description=f"Messages of {', '.join(member.shop for member in members)}.")
    def messages() -> None:
        read()

    return messages


def _observe(context: dg.OpExecutionContext, shop: str, report: "MessageReport") -> None:
    metadata = {"messages": report.messages, "calls": report.calls, "given_up": report.given_up}
    for asset, count in (("orders", report.orders_read), ("refunds", report.refunds_read)):
        if count:
            context.log_event(
                dg.AssetObservation(dg.AssetKey([shop, asset]), metadata={**metadata, "rows_read": count})
            )


def _sensor(name: str, members: Sequence[Shop], job: dg.JobDefinition) -> dg.SensorDefinition:
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
        for member in members:
            busy = pipeline.busy("messages", member.shop) or pipeline.paused(member.shop)
            if busy:
                return dg.SkipReason(busy)
        try:
            refused = _permit(members, pipeline, f"sensor {context.sensor_name}")
            with pipeline.open_shop(members[0], "", f"sensor {context.sensor_name}") as sync:
                count = sync.receive_messages()  # needs no session, so any shop of the key may ask
        except (UserError, PermissionDeniedError, FlowControlError) as error:
            # an app without messages is a usual thing, and a ban ends by itself: nothing to mend
            return dg.SkipReason(one_line(error))
        except PlatformError as error:
            raise dg.Failure(one_line(error)) from None
        if not count:
            return dg.SkipReason(" ".join(["No message is waiting.", *refused]))
        return dg.RunRequest(tags={"orders_pipeline/messages": str(count)})

    return waiting


def _permit(members: Sequence[Shop], pipeline: Pipeline, holder: str) -> list[str]:
    """Ask for each shop's messages once in its life; the refusals of shops whose neighbours are served all the same."""
    from orders_pipeline.sync.messages import is_permitted

    refused: list[str] = []
    for member in members:
        if is_permitted(pipeline.folder, member.shop):
            continue
        try:
            with pipeline.open_shop(member, "", holder) as sync:
                sync.permit_messages()
        except (SessionError, PermissionDeniedError) as error:
            if len(members) == 1:
                raise
            refused.append(f"{member.shop}: {one_line(error)}")
    return refused
