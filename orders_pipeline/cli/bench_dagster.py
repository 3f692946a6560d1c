"""``orders-pipeline bench startup`` and ``latency``: Dagster's processes on a simulated shop."""

from __future__ import annotations

from pathlib import Path

import click

from orders_pipeline.cli.bench_output import deliver, out_option, say


@click.command()
@click.option("--repeats", default=3, show_default=True, help="Of each measurement; the least counts.")
@out_option
def startup(repeats: int, out: Path) -> None:
    """Costs of imports, of Dagster's processes, of a run that does nothing and of the runs of a shop's day.

    \b
    Example:
      orders-pipeline bench startup
    """
    from orders_pipeline.bench.startup import measure

    deliver(measure(repeats, say), out)


@click.command()
@click.option("--tier", type=click.Choice(["run", "linger"]), default="run", show_default=True,
              help="A run for each change, or runs that linger.")  # fmt: skip
@click.option("--seconds", default=600.0, show_default=True, help="How long changes are watched; 3600 for an hour.")
@click.option("--shops", default=1, show_default=True, help="Shops that share one app key.")
@click.option("--orders", default=100_000, show_default=True, help="Orders stored before, all shops together.")
@click.option("--orders-per-day", default=10_000, show_default=True, help="What each shop sells.")
@click.option("--calls-per-minute", default=100, show_default=True, help="The quota of the app key.")
@out_option
def latency(
    tier: str, seconds: float, shops: int, orders: int, orders_per_day: int, calls_per_minute: int, out: Path
) -> None:
    """Times changes from the platform to orders.duckdb, step by step, with the calls that they cost.

    \b
    Example:
      orders-pipeline bench latency --tier linger --seconds 3600
    """
    from orders_pipeline.bench.latency import Workload, measure, plot_of

    work = Workload(tier, seconds, shops, orders, orders_per_day, calls_per_minute)  # type: ignore[arg-type]
    report = measure(work, say)
    plot = deliver(report, out).with_suffix(".svg")
    plot.write_text(plot_of(report), encoding="utf-8")
    say(str(plot))
