"""``bench upsert``, ``publish``, ``ticks``, ``raw``, ``analytics``, ``replenish``: options and output.

What is measured is in the room ``bench``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from orders_pipeline.cli.bench_output import deliver, out_option, say

F = Callable[..., Any]


def _sizes(default: Sequence[int]) -> Callable[[F], F]:
    return click.option(
        "--orders", "sizes", multiple=True, type=click.IntRange(50_000), default=default, show_default=True,
        help="Orders stored; repeatable. Ten million take minutes to build and 4 GB of disk.",
    )  # fmt: skip


@click.command()
@_sizes([1_000_000])
@click.option(
    "--batch", "batches", multiple=True, type=click.IntRange(10), default=[100, 5_000, 100_000], show_default=True
)
@out_option
def upsert(sizes: tuple[int, ...], batches: tuple[int, ...], out: Path) -> None:
    """Batches of orders into large warehouses: CPU seconds from raw files to committed tables.

    \b
    Example:
      orders-pipeline bench upsert --orders 1000000 --orders 10000000
    """
    from orders_pipeline.bench.report import Report
    from orders_pipeline.bench.upsert import measure

    deliver(Report("upsert", [measure(sizes, batches, say)]), out)


@click.command()
@_sizes([1_000_000])
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@out_option
def publish(sizes: tuple[int, ...], rounds: int, out: Path) -> None:
    """Publishing beside a plain copy of the same file.

    \b
    Example:
      orders-pipeline bench publish --orders 1000000
    """
    from orders_pipeline.bench.publish import measure
    from orders_pipeline.bench.report import Report

    deliver(Report("publish", [measure(sizes, rounds, say)]), out)


@click.command()
@_sizes([100_000, 1_000_000])
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@out_option
def ticks(sizes: tuple[int, ...], rounds: int, out: Path) -> None:
    """One `sync` with 2,500 changed orders, as more and more orders are stored.

    \b
    Example:
      orders-pipeline bench ticks --orders 100000 --orders 1000000 --orders 10000000
    """
    from orders_pipeline.bench.report import Report
    from orders_pipeline.bench.ticks import measure

    deliver(Report("ticks", [measure(sizes, rounds, say)]), out)


@click.command()
@click.option("--days", type=click.IntRange(1), default=30, show_default=True, help="Of 600 raw files each.")
@click.option("--orders-per-day", type=click.IntRange(1), default=300, show_default=True)
@out_option
def raw(days: int, orders_per_day: int, out: Path) -> None:
    """The raw files of a shop as they land and after they were joined: listing, views, ledger, rebuild.

    \b
    Example:
      orders-pipeline bench raw --days 30
    """
    from orders_pipeline.bench.raw import measure
    from orders_pipeline.bench.report import Report

    deliver(Report("raw", [measure(days, orders_per_day, say)]), out)


@click.command()
@click.option(
    "--lines", type=click.IntRange(100_000), default=10_000_000, show_default=True, help="Order lines stored."
)
@out_option
def analytics(lines: int, out: Path) -> None:
    """Daily sales and the forecast's features from all stored lines.

    \b
    Example:
      orders-pipeline bench analytics --lines 1000000
    """
    from orders_pipeline.bench.analytics import measure
    from orders_pipeline.bench.report import Report

    deliver(Report("analytics", [measure(lines, say)]), out)


@click.command()
@click.option(
    "--skus", "sizes", multiple=True, type=click.IntRange(1), default=[2_600, 10_000], show_default=True,
    help="SKUs of the shop; repeatable. Each has a hundred orders stored.",
)  # fmt: skip
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="The least CPU of so many counts.")
@out_option
def replenish(sizes: tuple[int, ...], rounds: int, out: Path) -> None:
    """Stock position and purchase suggestions of a whole shop, as the command `replenish` makes them.

    \b
    Example:
      orders-pipeline bench replenish --skus 10000
    """
    from orders_pipeline.bench.replenish import measure
    from orders_pipeline.bench.report import Report

    deliver(Report("replenish", [measure(sizes, rounds, say)]), out)
