"""``bench ingest`` and ``bench profile``: options and output. The measuring is ``bench/ingest.py`` and ``bench/spent.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from orders_pipeline.cli.bench_output import deliver, out_option, say


@click.command()
@click.option("--orders", default=50_000, show_default=True, type=click.IntRange(1_000), help="Orders on the server.")
@click.option("--latency", "latencies", multiple=True, type=float, help="Milliseconds an answer takes; repeatable.")
@click.option("--against", type=click.Choice(["none", "dlt-tuned", "dlt"]), default="none", show_default=True)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="The least CPU of so many counts.")
@out_option
def ingest(orders: int, latencies: tuple[float, ...], against: str, rounds: int, out: Path) -> None:
    """First load and 5 % increment as whole processes: ours, the raw floor and, with --against, dlt.

    \b
    Example:
      orders-pipeline bench ingest --against dlt --latency 0 --latency 50
    """
    from orders_pipeline.bench import ingest as bench
    from orders_pipeline.bench.report import Report

    runners = bench.contestants(against)  # type: ignore[arg-type]  # click has checked it
    tables, facts = [], {}
    for latency in latencies or (0.0,):
        costs = bench.measure(runners, orders, latency, rounds, say)
        facts[f"{latency:g} ms"] = bench.facts(costs)
        tables.append(bench.table(f"{orders:,} orders, {latency:.0f} ms an answer", costs, runners))
    tables.append(bench.floor_steps(costs))
    deliver(Report("ingest", tables, facts), out)


@click.command()
@click.option("--orders", default=50_000, show_default=True, type=click.IntRange(1_000), help="Orders on the server.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="The least CPU of so many counts.")
@out_option
def profile(orders: int, rounds: int, out: Path) -> None:
    """Where the CPU seconds of a first load and a 5 % increment go, step by step.

    \b
    Example:
      orders-pipeline bench profile     # *.folded: for speedscope, flamegraph.pl and the like
    """
    from orders_pipeline.bench import spent as bench
    from orders_pipeline.bench.report import Report

    spent = bench.measure(orders, rounds, say)
    facts: dict[str, Any] = {phase: dict(stacks) for phase, stacks in spent.items()}
    data = deliver(Report("profile", [bench.table(orders, spent)], facts), out)
    for phase, stacks in spent.items():
        text = "".join(f"{stack} {microseconds}\n" for stack, microseconds in stacks.items())
        data.with_name(f"{phase}.folded").write_text(text, encoding="utf-8")
