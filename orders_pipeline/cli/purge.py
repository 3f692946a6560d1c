"""``orders-pipeline purge``: old orders out of the tables and the raw pages, for good."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from orders_pipeline.cli.console import Steps, show_table, tell
from orders_pipeline.cli.options import data_option
from orders_pipeline.clock import Clock, shop_day
from orders_pipeline.settings import data_folder
from orders_pipeline.warehouse import DEFAULT_DAYS, LEAST_DAYS


@click.command()
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(min=LEAST_DAYS),
    default=DEFAULT_DAYS,
    show_default=True,
    metavar="DAYS",
    help="Days without a change after which an order goes.",
)
@click.option("--yes", is_flag=True, help="Remove; without it only what would go is shown.")
@data_option
@click.pass_obj
def purge(clock: Clock, days: int, yes: bool, data: Path | None) -> None:
    """Remove orders that have not changed for DAYS, with their lines, refunds, parcels and traces, and their raw pages.

    Daily sales sums, forecasts, products and stock stay. The database file is written anew and older copies for readers are
    removed, so that nothing of it stays on this disk; backups are yours to purge. The platform lists orders for three
    months and would bring back what is younger, so DAYS is at least 100.

    \b
    Example:
      orders-pipeline purge --older-than 180          # what would go
      orders-pipeline purge --older-than 180 --yes
    """
    from orders_pipeline.sync.ops import Ops
    from orders_pipeline.warehouse import Warehouse
    from orders_pipeline.warehouse.purge import cutoff_of

    folder = data_folder(data)
    kept_from = shop_day(clock.now()) - timedelta(days=days)
    warehouse = Warehouse(folder, clock)
    if yes:
        with Steps(clock) as steps:
            report = warehouse.purge(kept_from, steps)
        if folder.ops.exists():
            ops = Ops(folder.ops)
            ops.forget_traces_asked(cutoff_of(kept_from))
            ops.close()
    else:
        report = warehouse.preview_purge(kept_from)
    rows = [(table, f"{count:,}") for table, count in report.rows.items()]
    rows += [("raw files removed", f"{report.files_removed:,}"), ("raw files rewritten", f"{report.files_rewritten:,}")]
    show_table(f"Unchanged since before {kept_from}", ["what", "rows>"], rows)
    tell("Removed." if yes else "Nothing was removed: add --yes.")
