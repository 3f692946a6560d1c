"""``bench``: the benchmarks, one sub-command each, loaded when called. What they measure is in ``orders_pipeline/bench``."""

from __future__ import annotations

import click

from orders_pipeline.cli.group import CommandGroup

COMMANDS = {"ingest": "bench_ingest:ingest"}
"""Sub-command -> module of this room and attribute."""


@click.group("bench", cls=CommandGroup, commands_in=COMMANDS)
def bench() -> None:
    """Measure speed: whole processes, CPU seconds, ratios first. Results as a table, JSON and Markdown.

    \b
    Example:
      orders-pipeline bench ingest --against dlt
    """
