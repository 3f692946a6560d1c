"""The messages of one app key: one sensor asks for all its shops, one job reads again what they name.

Two tiers. A run reads what waits and ends; or, for shops with ``linger_seconds``, it goes on reading while there are changes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES, RunsFilter

from orders_pipeline.components.observing import Observer
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line, on_its_way, one_line
from orders_pipeline.platforms.base import FlowControlError, PermissionDeniedError, PlatformError, SessionError
from orders_pipeline.settings import UserError
from orders_pipeline.shops import Shop

if TYPE_CHECKING:
    from orders_pipeline.sync import ShopSync
    from orders_pipeline.sync.key_reader import Reading

POLL_SECONDS = 4
"""Dagster's daemon looks every 5 s; asked for 5, a tick that comes a few milliseconds early in its round would be skipped and
the next one come after 10. A poll costs a call for all shops of the key, 12 a minute, and no run where nothing waits."""

LINGERING_TAG = "orders_pipeline/lingering"
"""Of runs that go on reading. ``dagster.yaml`` limits them to MOST_LINGERING, so that others have two slots at least."""

MOST_LINGERING = 2


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
        from orders_pipeline.sync import ShopBusyError
        from orders_pipeline.sync.key_reader import KeyReader, linger, read_once

        holder = f"Dagster run {context.run.run_id}"
        observer = Observer(context, pipeline.clock)
        quiet = timedelta(seconds=max(member.linger_seconds for member in members))
        failures: list[str] = []

        def tell(readings: "list[Reading]") -> None:
            for reading in readings:
                if reading.report:
                    observer.saw(reading.shop, reading.report)
                elif reading.error and reading.has_no_messages:
                    context.log.info(f"{reading.shop}: {one_line(reading.error)}")
                elif reading.error:
                    failures.append(f"{reading.shop}: {one_line(reading.error)}")

        with failing_in_one_line():
            try:
                with (
                    pipeline.hold("channel", members[0].shop, holder),
                    KeyReader(
                        members, lambda shop: pipeline.open_shop(shop, context.run.run_id, holder), pipeline.clock
                    ) as reader,
                ):
                    if LINGERING_TAG in context.run.tags:
                        observer.ended(linger(reader, quiet, tell))
                    else:
                        read_once(reader, tell)
                        observer.ended("")
            except ShopBusyError as busy:  # requested twice: whoever has it reads everything
                context.log.info(str(busy))
            if failures:
                raise dg.Failure(" | ".join(failures))

    @dg.job(name=name, description=f"Messages of {', '.join(member.shop for member in members)}.")
    def messages() -> None:
        read()

    return messages


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
        busy = pipeline.busy("channel", members[0].shop)
        for member in members:
            busy = busy or pipeline.busy("messages", member.shop) or pipeline.paused(member.shop)
        if busy:
            return dg.SkipReason(busy)
        try:
            with _permitted(members, pipeline, f"sensor {context.sensor_name}") as (sync, refused):
                count = sync.receive_messages()  # needs no session, so any shop of the key may ask
        except (UserError, PermissionDeniedError, FlowControlError) as error:
            # an app without messages is a usual thing, and a ban ends by itself: nothing to mend
            return dg.SkipReason(one_line(error))
        except PlatformError as error:
            raise dg.Failure(one_line(error)) from None
        if not count:
            return dg.SkipReason(" ".join(["No message is waiting.", *refused]))
        return _request(context.instance, job.name, members, count)

    return waiting


def _request(
    instance: dg.DagsterInstance, job: str, members: Sequence[Shop], count: int
) -> dg.RunRequest | dg.SkipReason:
    """A run for these messages; none while one is on its way, a short one where as many as may linger do."""
    if on_its_way(instance, job):
        return dg.SkipReason(f"{count} messages wait for the run that starts at this moment.")
    tags = {"orders_pipeline/messages": str(count)}
    if any(member.linger_seconds for member in members):
        lingering = instance.get_runs_count(RunsFilter(tags={LINGERING_TAG: "true"}, statuses=IN_PROGRESS_RUN_STATUSES))
        if lingering < MOST_LINGERING:
            tags[LINGERING_TAG] = "true"
    return dg.RunRequest(tags=tags)


@contextmanager
def _permitted(members: Sequence[Shop], pipeline: Pipeline, holder: str) -> "Iterator[tuple[ShopSync, list[str]]]":
    """One shop's reader, once each shop's messages have been asked for, which is done once in its life; and the refusals of
    shops whose neighbours are served all the same."""
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
    with pipeline.open_shop(members[0], "", holder) as sync:
        yield sync, refused
