"""``bench upsert``, ``publish``, ``ticks``, ``raw``, ``analytics``: options and output. What is measured is in ``bench``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orders_pipeline.cli.console import tell

if TYPE_CHECKING:
    from orders_pipeline.bench.report import Table

F = Callable[..., Any]

_out = click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Also write JSON and Markdown there.")


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
@_out
def upsert(sizes: tuple[int, ...], batches: tuple[int, ...], out: Path | None) -> None:
    """Batches of orders into large warehouses: CPU seconds from raw files to committed tables.

    \b
    Example:
      orders-pipeline bench upsert --orders 1000000 --orders 10000000
    """
    from orders_pipeline.bench.upsert import measure

    _report("upsert", measure(sizes, batches, _say), out)


@click.command()
@_sizes([1_000_000])
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
@_out
def publish(sizes: tuple[int, ...], rounds: int, out: Path | None) -> None:
    """Publishing beside a plain copy of the same file.

    \b
    Example:
      orders-pipeline bench publish --orders 1000000
    """
    from orders_pipeline.bench.publish import measure

    _report("publish", measure(sizes, rounds, _say), out)


@click.command()
@_sizes([100_000, 1_000_000])
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@_out
def ticks(sizes: tuple[int, ...], rounds: int, out: Path | None) -> None:
    """One `sync` with 2,500 changed orders, as more and more orders are stored.

    \b
    Example:
      orders-pipeline bench ticks --orders 100000 --orders 1000000 --orders 10000000
    """
    from orders_pipeline.bench.ticks import measure

    _report("ticks", measure(sizes, rounds, _say), out)


@click.command()
@click.option("--days", type=click.IntRange(1), default=30, show_default=True, help="Of 600 raw files each.")
@click.option("--orders-per-day", type=click.IntRange(1), default=300, show_default=True)
@_out
def raw(days: int, orders_per_day: int, out: Path | None) -> None:
    """The raw files of a shop as they land and after they were joined: listing, views, ledger, rebuild.

    \b
    Example:
      orders-pipeline bench raw --days 30
    """
    from orders_pipeline.bench.raw import measure

    _report("raw", measure(days, orders_per_day, _say), out)


@click.command()
@click.option(
    "--lines", type=click.IntRange(100_000), default=10_000_000, show_default=True, help="Order lines stored."
)
@_out
def analytics(lines: int, out: Path | None) -> None:
    """Daily sales and the forecast's features from all stored lines.

    \b
    Example:
      orders-pipeline bench analytics --lines 1000000
    """
    from orders_pipeline.bench.analytics import measure

    _report("analytics", measure(lines, _say), out)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _report(name: str, table: Table, out: Path | None) -> None:
    from orders_pipeline.bench.report import Report

    report = Report(name, [table])
    tell(report.markdown())
    if out:
        report.save(out)
