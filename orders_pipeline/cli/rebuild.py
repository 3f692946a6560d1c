"""``orders-pipeline rebuild``: the warehouse again from ``raw/``."""

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
def rebuild(clock: Clock, data: Path | None) -> None:
    """Build the warehouse again from the raw pages, without a call to a platform.

    Readers keep the published copy meanwhile. Forecasts, suggestions and incidents are carried over where the old file
    can be read; the old file stays as warehouse.before-rebuild.duckdb.

    \b
    Example:
      orders-pipeline rebuild
    """
    from orders_pipeline import marts
    from orders_pipeline.warehouse import Warehouse
    from orders_pipeline.warehouse.rebuild import rebuild as rebuild_warehouse

    folder = data_folder(data).create()
    holder = "orders-pipeline rebuild"
    with Steps(clock) as steps:
        report = rebuild_warehouse(folder, clock, holder, steps)
        steps("daily SKU sales")
        marts.refresh_daily_sales(Warehouse(folder, clock), holder)
    rows = ", ".join(f"{table} {count:,}" for table, count in sorted(report.applied.rows.items()))
    tell(f"Rebuilt from {report.files:,} raw files: {rows}.")
    if report.kept is None:
        return
    if report.carried_over:
        tell(f"Forecasts, suggestions and incidents were carried over; the old file is kept as {report.kept.name}.")
    else:
        tell(
            f"The old file could not be read, forecasts and incidents of earlier days are gone; it is kept as {report.kept.name}."
        )
