"""``orders-pipeline bench``: one command a benchmark, loaded when it is called. What is measured is in the room ``bench``."""

from __future__ import annotations

import click

from orders_pipeline.cli.group import CommandGroup

BENCHMARKS = {
    "startup": "bench_dagster:startup",
    "latency": "bench_dagster:latency",
    "ingest": "bench_ingest:ingest",
    "profile": "bench_ingest:profile",
    "upsert": "bench_store:upsert",
    "publish": "bench_store:publish",
    "ticks": "bench_store:ticks",
    "analytics": "bench_store:analytics",
    "forecast": "bench_forecast:forecast",
}
"""Benchmark -> module of this room and command."""


@click.group(cls=CommandGroup, commands_in=BENCHMARKS)
def bench() -> None:
    """Measures what the pipeline costs and how fast it is, on this machine.

    \b
    Example:
      orders-pipeline bench latency --seconds 600
      orders-pipeline bench ingest --against dlt
      orders-pipeline bench forecast --panel m5
    """
