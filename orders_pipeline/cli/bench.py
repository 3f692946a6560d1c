"""``orders-pipeline bench``: one command a benchmark, loaded when it is called. What is measured is in the room ``bench``."""

from __future__ import annotations

import click

from orders_pipeline.cli.children import stop_signals_interrupt
from orders_pipeline.cli.group import CommandGroup

BENCHMARKS = {
    "all": "bench_all:everything",
    "startup": "bench_dagster:startup",
    "latency": "bench_dagster:latency",
    "ingest": "bench_ingest:ingest",
    "profile": "bench_ingest:profile",
    "upsert": "bench_store:upsert",
    "publish": "bench_store:publish",
    "ticks": "bench_store:ticks",
    "raw": "bench_store:raw",
    "analytics": "bench_store:analytics",
    "replenish": "bench_store:replenish",
    "forecast": "bench_forecast:forecast",
}
"""Benchmark -> module of this room and command. ``all`` runs the others in this order: ``bench_plan.py`` has their sizes."""


@click.group(cls=CommandGroup, commands_in=BENCHMARKS)
@click.pass_context
def bench(ctx: click.Context) -> None:
    """Measures what the pipeline costs and how fast it is, on this machine.

    \b
    Example:
      orders-pipeline bench all
      orders-pipeline bench latency --seconds 600
      orders-pipeline bench ingest --against dlt
      orders-pipeline bench forecast --panel m5
    """
    ctx.with_resource(
        stop_signals_interrupt()
    )  # folders of gigabytes go, and processes end, however a benchmark is stopped
