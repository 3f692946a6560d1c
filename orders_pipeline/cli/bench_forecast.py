"""``bench forecast``: accuracy and cost of the forecasts on real panels, beside other libraries'."""

from __future__ import annotations

import json
from pathlib import Path

import click

from orders_pipeline.cli.console import tell
from orders_pipeline.settings import UserError

DATA_FOLDER = Path("../shared/data")
PANELS = ("m5", "online-retail")


@click.command()
@click.option("--panel", "panels", type=click.Choice(PANELS), multiple=True, help="Repeatable; default: both.")
@click.option(
    "--origins",
    type=click.Choice(["evaluation", "development"]),
    default="evaluation",
    show_default=True,
    help="The eight that are reported, or those that models are shaped on.",
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    metavar="NAME",
    help="ours, fast, window-average-28, empirical-56, a peer's name, or peers (all); repeatable; default: ours and fast.",
)
@click.option("--seed", "seeds", type=int, multiple=True, help="Repeatable; default: 0.")
@click.option(
    "--data-folder",
    type=click.Path(path_type=Path),
    default=DATA_FOLDER,
    show_default=True,
    help="Where the panels' Parquet files are.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write FILE.json and FILE.md too.")
def forecast(
    panels: tuple[str, ...],
    origins: str,
    methods: tuple[str, ...],
    seeds: tuple[int, ...],
    data_folder: Path,
    out: Path | None,
) -> None:
    """Measure forecasts on real panels: same origins, same metrics, CPU seconds of one origin.

    \b
    Example:
      orders-pipeline bench forecast --panel m5 --method ours --method fast --method lightgbm
    """
    from orders_pipeline.bench.forecast import panels as source
    from orders_pipeline.bench.forecast import peers
    from orders_pipeline.bench.forecast.methods import OWN
    from orders_pipeline.bench.forecast.run import document, markdown, run

    wanted = list(
        dict.fromkeys(name for given in methods or ("ours", "fast") for name in _spelled(given, peers.names()))
    )
    unknown = [name for name in wanted if name not in OWN and name not in {*peers.names(), *peers.STATISTICAL}]
    if unknown:
        raise click.BadParameter(f"no method {unknown[0]!r}; known: {', '.join([*OWN, *peers.names(), 'auto-ets'])}.")
    results = []
    for name in panels or PANELS:
        try:
            panel = source.load(name, data_folder)
        except UserError as error:
            tell(f"Skipped: {error}")
            continue
        results += run(panel, origins, wanted, seeds or (0,), tell)
        if out:  # after each panel: what is measured is not lost
            out.with_suffix(".json").write_text(json.dumps(document(results), indent=1), encoding="utf-8")
            out.with_suffix(".md").write_text(markdown(results), encoding="utf-8")
    if results:
        click.echo(markdown(results))


def _spelled(given: str, peers: list[str]) -> list[str]:
    return peers if given == "peers" else [given]
