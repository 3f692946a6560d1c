"""``orders-pipeline compact``: fewer and larger raw files, for whoever runs the commands from cron instead of Dagster."""

from __future__ import annotations

from pathlib import Path

import click

from orders_pipeline.cli.console import Steps, tell
from orders_pipeline.cli.options import data_option
from orders_pipeline.clock import Clock
from orders_pipeline.settings import data_folder


@click.command()
@data_option
@click.pass_obj
def compact(clock: Clock, data: Path | None) -> None:
    """Join the small raw files of past days into one file a day and kind of call.

    Run it once a day; Dagster's job `upkeep` does the same. One run joins a day's files, the next one, at least twelve hours
    later, shows the joined file instead of the small ones, and two runs on these are gone: whoever reads the raw.* views
    meanwhile sees every row once. What is in the files does not change.

    \b
    Example:
      orders-pipeline compact
    """
    from orders_pipeline.warehouse import Warehouse

    with Steps(clock) as steps:
        report = Warehouse(data_folder(data), clock).compact(steps)
    tell(
        f"{report.windows:,} small files joined into {report.joined:,}, to be used from the next run on; "
        f"{report.shown:,} joined files now in use; {report.leaving:,} small files listed no more; {report.removed:,} removed."
    )
    if report.unlike:
        tell(f"! {report.unlike:,} joined files did not hold what the small ones hold: these stay. Check the disk.")
        raise click.exceptions.Exit(1)
