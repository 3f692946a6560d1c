"""``forecast`` and ``replenish``: planning from the shell, the same steps as the assets take (``marts.py``)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import click

from orders_pipeline.cli.console import Steps, show_table, tell
from orders_pipeline.cli.options import data_option, day_option
from orders_pipeline.clock import Clock, shop_day
from orders_pipeline.settings import DataFolder, data_folder
from orders_pipeline.shops import read_stanzas

SHOWN = 20  # rows that fit a screen; --top shows more

top_option = click.option(
    "--top", type=click.IntRange(min=1), default=SHOWN, show_default=True, metavar="N", help="Rows to print."
)


@click.command()
@day_option("--made-on", help_text="First day to forecast, YYYY-MM-DD; default: today in Asia/Shanghai.")
@top_option
@data_option
@click.pass_obj
def forecast(clock: Clock, made_on: date | None, top: int, data: Path | None) -> None:
    """Forecast the next 7 days of each SKU from the orders stored so far, and score earlier forecasts.

    \b
    Example:
      orders-pipeline forecast --top 50
    """
    from orders_pipeline import marts
    from orders_pipeline.warehouse import Warehouse

    day = made_on or shop_day(clock.now())
    folder = data_folder(data).create()
    warehouse = Warehouse(folder, clock)
    holder = "orders-pipeline forecast"
    with Steps(clock) as steps:
        warehouse.prepare()
        steps("daily SKU sales")
        marts.refresh_daily_sales(warehouse, holder)
        steps(f"forecast of 7 days from {day} on")
        marts.forecast(warehouse, holder, day, marts.stated_events(folder.master))
        steps("accuracy of earlier forecasts")
        marts.measure_accuracy(warehouse, holder, day, clock.now())
        late = marts.behind(warehouse, read_stanzas()[0], clock.now())
    show_forecasts(folder, day, top)
    for fresh in late:
        tell(f"Made although late: {fresh}")


@click.command()
@day_option("--made-on", help_text="Day of the suggestions, YYYY-MM-DD; default: today in Asia/Shanghai.")
@top_option
@data_option
@click.pass_obj
def replenish(clock: Clock, made_on: date | None, top: int, data: Path | None) -> None:
    """Work out stock position and purchase suggestions from the newest forecasts; reasons are in Chinese.

    Exit 1 where SKUs get no suggestion because something is missing or too old, and says what.

    \b
    Example:
      orders-pipeline forecast && orders-pipeline replenish
    """
    from orders_pipeline import marts
    from orders_pipeline.warehouse import Warehouse

    day = made_on or shop_day(clock.now())
    folder = data_folder(data).create()
    warehouse = Warehouse(folder, clock)
    holder = "orders-pipeline replenish"
    with Steps(clock) as steps:
        warehouse.prepare()
        steps("stock position")
        marts.refresh_stock_position(warehouse, holder, day, folder.master, read_stanzas()[0])
        steps("purchase suggestions")
        now = clock.now()
        late = marts.behind(warehouse, read_stanzas()[0], now)
        made = marts.suggest(warehouse, holder, day, folder.master, now=now, late=late)
    show_suggestions(folder, day, top)
    for note in made.notes:
        tell(note)
    for error in made.errors:
        click.echo(f"Error: {error}", err=True)
    if made.errors:
        raise click.exceptions.Exit(1)


def show_forecasts(folder: DataFolder, made_on: date, top: int) -> None:
    """Print the SKUs with the largest expected week."""
    rows, total = _rows(
        folder,
        """SELECT merchant_sku, round(coalesce(mean_with_bulk, mean), 1) AS expected, round(mean, 1), q50, q90, q95, model,
        count(*) OVER () FROM planning.sales_forecast_totals WHERE made_on = ? ORDER BY expected DESC, merchant_sku LIMIT ?""",
        [made_on, top],
    )
    columns = ["merchant SKU", "expected>", "mean>", "q50>", "q90>", "q95>", "model"]
    show_table(f"Units in the 7 days from {made_on}", columns, rows, note=_note(len(rows), total))


def show_suggestions(folder: DataFolder, made_on: date, top: int) -> None:
    """Print what to buy, most urgent first, with the reasons."""
    from orders_pipeline.replenishment.table import URGENCY_WORDS

    rows, total = _rows(
        folder,
        """SELECT urgency, merchant_sku, quantity, order_by, stock_out_on, reason, count(*) OVER ()
        FROM planning.replenishment_suggestions WHERE made_on = ? AND quantity > 0
        ORDER BY urgency, risk * daily_demand DESC, merchant_sku LIMIT ?""",
        [made_on, top],
    )
    show_table(
        f"Purchase suggestions of {made_on}",
        ["urgency", "merchant SKU", "buy>", "order by", "runs out on", "reason"],
        [(URGENCY_WORDS[urgency], *cells) for urgency, *cells in rows],
        note=_note(len(rows), total),
    )


def _rows(folder: DataFolder, sql: str, values: list[object]) -> tuple[list[tuple[Any, ...]], int]:
    """Rows of the published copy, and how many there are beyond the limit (the last column, cut off)."""
    from orders_pipeline.warehouse import Warehouse

    with Warehouse(folder).read() as con:
        found = con.execute(sql, values).fetchall()
    return [row[:-1] for row in found], found[0][-1] if found else 0


def _note(shown: int, total: int) -> str:
    if not total:
        return "none"
    return f"{shown} of {total}; --top shows more" if shown < total else f"{total} in all"
