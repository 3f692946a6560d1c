"""``orders-pipeline bench all``: every benchmark of the registry in turn, one table on top of what they found."""

from __future__ import annotations

from pathlib import Path

import click

from orders_pipeline.cli.bench_forecast import DATA_FOLDER
from orders_pipeline.cli.bench_output import deliver, out_option, say
from orders_pipeline.cli.group import FAILED


@click.command("all")
@click.option(
    "--quick", is_flag=True, help="Small sizes: eight minutes instead of 35. Most goals are set for larger ones."
)
@click.option("--only", multiple=True, metavar="NAME", help="Only this benchmark; repeatable; default: all of them.")
@click.option(
    "--data-folder", type=click.Path(path_type=Path), default=DATA_FOLDER, show_default=True,
    help="Where the panels of `bench forecast` are.",
)  # fmt: skip
@out_option
def everything(quick: bool, only: tuple[str, ...], data_folder: Path, out: Path) -> None:
    """Run every benchmark in turn and gather them in bench.md and bench.json, a table of all goals on top.

    Exit 1 where a benchmark failed; the others run all the same. Nothing else should use the machine meanwhile.

    \b
    Example:
      orders-pipeline bench all --out bench-results
      orders-pipeline bench all --quick --only ingest --only forecast
    """
    from orders_pipeline.bench.everything import run_all
    from orders_pipeline.cli.bench import BENCHMARKS
    from orders_pipeline.cli.bench_plan import steps

    known = [name for name in BENCHMARKS if name != "all"]
    unknown = [name for name in only if name not in known]
    if unknown:
        raise click.BadParameter(f"no benchmark {unknown[0]!r}; known: {', '.join(known)}.")
    chosen = [name for name in known if not only or name in only]
    planned = steps(chosen, quick=quick, data_folder=data_folder)
    report, outcomes = run_all(planned, out, say, with_unmeasured=not quick)
    deliver(report, out)
    if any(outcome.code for outcome in outcomes):
        raise click.exceptions.Exit(FAILED)
