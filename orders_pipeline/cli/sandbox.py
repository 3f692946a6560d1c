"""``orders-pipeline sandbox``: the local platform alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from orders_pipeline.sandbox.faults import FaultPlan


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
@click.option("--faults", type=click.Path(path_type=Path), metavar="FILE.yaml", help="What goes wrong, and when.")
def sandbox(
    port: int,
    seed: int,
    days: int,
    orders_per_day: int,
    calls_per_minute: int,
    speed: float,
    replay: Path | None,
    faults: Path | None,
) -> None:
    """Run a platform that speaks the Taobao gateway's protocol and holds a shop that lives, on 127.0.0.1.

    The shop is simulated, or made from a table of transactions with --replay. Credentials are printed at the start.

    \b
    Example:
      orders-pipeline sandbox --port 8080 --days 30 --orders-per-day 200

    \b
    A file of faults, every setting but the kind optional:
      seed: 7
      faults:
        - {kind: http_status, status: 502, calls: 10-20}
        - {kind: row_moves, apis: taobao.trades.*, probability: 0.1}
        - {kind: late_commit, share: 0.01, seconds: 1200}
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
        faults=_plan(faults),
    )


def _plan(file: Path | None) -> FaultPlan | None:
    if file is None:
        return None
    from orders_pipeline.sandbox.faults import FaultPlan

    return FaultPlan.load(file)
