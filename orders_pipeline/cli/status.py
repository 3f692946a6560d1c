"""``orders-pipeline status``: is everything fresh and whole, at a glance."""

from __future__ import annotations

from pathlib import Path

import click

from orders_pipeline.cli.console import show_table, tell
from orders_pipeline.cli.options import data_option, local
from orders_pipeline.clock import Clock, shop_day
from orders_pipeline.light import without_pandas
from orders_pipeline.settings import UserError, data_folder
from orders_pipeline.shops import credentials, read_stanzas, shops_file

INCIDENTS_SHOWN = 10  # a glance; the table ops.incidents has all


@click.command()
@data_option
@click.pass_obj
def status(clock: Clock, data: Path | None) -> None:
    """Freshness, coverage holes, last reconciliation, forecasts, suggestions and open incidents.

    Reads only; calls no platform. Exit 1 when something needs a person, and says what.

    \b
    Example:
      orders-pipeline status || echo "look at the lines that begin with !"
    """
    from orders_pipeline.cli.health import look, problems

    folder = data_folder(data)
    shops, bad = read_stanzas()
    with without_pandas():
        health = look(folder, [shop.shop for shop in shops], clock.now())
    wrong = [str(stanza) for stanza in bad]
    for shop in shops:
        try:
            credentials(shop)
        except UserError as error:
            wrong.append(str(error))
    wrong += problems(health, shop_day(clock.now()))

    copies, written = health.published_today
    published = f"published {local(health.published_at)}, {copies:,} copies and {written / 1e6:,.1f} MB written today"
    tell(f"Data folder {folder.root}: {published if health.published_at else 'nothing stored yet'}")
    if not shops and not bad:
        tell(f"No shop in {shops_file()}: add one with `orders-pipeline shops add`, or try `orders-pipeline demo`.")
    if shops:
        rows = [
            (
                shop.shop,
                f"{shop.orders:,}",
                local(shop.fresh.covered_until if shop.fresh else None),
                local(shop.tail),
                len(shop.holes),
                shop.breaker.state,
                local(shop.reconciled_at),
                len(shop.differences) if shop.reconciled_at else "-",
            )
            for shop in health.shops.values()
        ]
        columns = [
            "shop",
            "orders>",
            "complete until",
            "tail read until",
            "holes>",
            "breaker",
            "last reconciliation",
            "days that differ>",
        ]
        show_table("Shops (times in Asia/Shanghai)", columns, rows)
    for shop_health in health.shops.values():
        for api, hole in shop_health.holes[:INCIDENTS_SHOWN]:
            tell(f"  hole: {shop_health.shop} {api} {local(hole.start)} to {local(hole.end)}")
        for api, hole in shop_health.lost[:INCIDENTS_SHOWN]:
            span = f"{local(hole.start)} to {local(hole.end)}"
            tell(f"  never read, and the platform lists nothing of then any more: {shop_health.shop} {api} {span}")
    tell(f"Forecasts: {_made(health.forecast_on, health.forecast_skus, 'SKUs')}")
    tell(f"Suggestions: {_made(health.suggested_on, health.suggestions, 'suggestions')}")
    if health.incidents:
        incidents = [
            (kind, shop, subject, local(since), detail) for kind, shop, subject, since, detail in health.incidents
        ]
        note = f"{len(incidents)} open"
        show_table("Incidents", ["kind", "shop", "subject", "since", "detail"], incidents[:INCIDENTS_SHOWN], note=note)
    for line in wrong:
        tell(f"! {line}")
    if wrong:
        raise click.exceptions.Exit(1)
    tell("Nothing needs a person.")


def _made(on: object, count: int, what: str) -> str:
    return f"made on {on}, {count:,} {what}" if on else "never made"
