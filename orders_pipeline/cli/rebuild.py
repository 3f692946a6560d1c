"""``orders-pipeline rebuild``: the warehouse again from ``raw/``."""

from __future__ import annotations

from pathlib import Path

import click

from orders_pipeline.cli.console import Steps, tell
from orders_pipeline.cli.options import data_option
from orders_pipeline.clock import Clock
from orders_pipeline.settings import UserError, data_folder


@click.command()
@data_option
@click.pass_obj
def rebuild(clock: Clock, data: Path | None) -> None:
    """Build the warehouse again from the raw pages, without a call to a platform.

    It is built beside the old one, which stays in use meanwhile. Forecasts, suggestions, reconciliations and incidents,
    which the raw pages do not tell, are carried over where the old file can be read.

    \b
    Example:
      orders-pipeline rebuild
    """
    from orders_pipeline import marts
    from orders_pipeline.warehouse import Warehouse

    folder = data_folder(data).create()
    if not any(folder.raw.glob("*/shop=*/*/*.parquet")):  # else a lost raw/ would empty a good warehouse
        raise UserError(f"Nothing to rebuild from: {folder.raw} holds no pages; run `orders-pipeline backfill`.")
    warehouse = Warehouse(folder, clock)
    with Steps(clock) as steps:
        report = warehouse.rebuild(lambda done, total: steps("raw pages to tables", done, total))
        steps("daily SKU sales")
        marts.refresh_daily_sales(warehouse, "orders-pipeline rebuild")
    rows = ", ".join(f"{table} {count:,}" for table, count in sorted(report.rows.items()) if table.startswith("core."))
    tell(f"Rebuilt from {report.windows:,} windows; rows read: {rows}.")
    if report.quarantined:
        tell(f"{report.quarantined:,} rows could not be mapped: see ops.quarantine.")
