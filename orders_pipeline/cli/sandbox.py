"""``orders-pipeline sandbox``: the local platform alone."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Port on 127.0.0.1.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same shop.")
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True, help="Days of history.")
@click.option("--orders-per-day", type=click.IntRange(1), default=1000, show_default=True, help="Mean orders a day.")
@click.option(
    "--calls-per-minute", type=click.IntRange(1), default=100, show_default=True, help="Quota of the app key."
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="Clock: 60 = a minute a second, 0 = stands still.",
)
@click.option("--replay", type=click.Path(path_type=Path), metavar="FILE.parquet", help="Transactions to replay.")
def sandbox(
    port: int, seed: int, days: int, orders_per_day: int, calls_per_minute: int, speed: float, replay: Path | None
) -> None:
    """Run a platform that speaks the Taobao gateway's protocol and holds a shop that lives, on 127.0.0.1.

    The shop is simulated, or made from a table of transactions with --replay. Credentials are printed at the start.

    \b
    Example:
      orders-pipeline sandbox --port 8080 --days 30 --orders-per-day 200
    """
    from orders_pipeline.sandbox.server import serve

    serve(
        port=port,
        seed=seed,
        days=days,
        orders_per_day=orders_per_day,
        calls_per_minute=calls_per_minute,
        replay=replay,
        speed=speed,
    )
