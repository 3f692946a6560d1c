"""``bench``: the benchmarks. This file lists them; each is a module of its own beside it."""

from __future__ import annotations

import click

from orders_pipeline.cli.group import CommandGroup

BENCHMARKS = {"forecast": "bench_forecast:forecast"}
"""Command name -> module of this room and attribute."""


@click.group(cls=CommandGroup, commands_in=BENCHMARKS)
def bench() -> None:
    """Benchmarks on real data, beside what else could be used.

    \b
    Example:
      orders-pipeline bench forecast --panel m5
    """
