"""``bench forecast``: accuracy and cost of the forecasts on real panels, beside other libraries'."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from orders_pipeline.cli.bench_output import deliver, out_option, say
from orders_pipeline.settings import UserError

DATA_FOLDER = Path("../shared/data")
PANELS = ("m5", "online-retail", "complete-journey", "m5-departments")
SAMPLED = "auto-ets"


@click.command()
@click.option("--panel", "panels", type=click.Choice(PANELS), multiple=True, help="Repeatable; default: all.")
@click.option(
    "--origins",
    "which",
    type=click.Choice(["evaluation", "development", "closed"]),
    default="evaluation",
    show_default=True,
    help="The eight that are reported, those that models are shaped on, or weeks after the shop was closed.",
)
@click.option("--last", type=click.IntRange(1), metavar="N", help="Only the last N of these origins.")
@click.option(
    "--method",
    "methods",
    multiple=True,
    metavar="NAME",
    help="ours, fast, window-average-28, empirical-56, a peer's name, or peers (all but auto-ets); repeatable; "
    "default: ours and fast.",
)
@click.option("--seed", "seeds", type=int, multiple=True, help="Repeatable, for ours and fast; default: 0.")
@click.option(
    "--sample",
    type=click.IntRange(1),
    metavar="N",
    help="Measure on N SKUs of each origin: for auto-ets, which is slow.",
)
@click.option(
    "--skus", type=click.IntRange(1), metavar="N",
    help="A shop of N SKUs: the panel's repeated until there are as many, or N of them drawn by the first seed.",
)  # fmt: skip
@click.option(
    "--data-folder",
    type=click.Path(path_type=Path),
    default=DATA_FOLDER,
    show_default=True,
    help="Where the Parquet files of m5 and online-retail are; complete-journey comes with the extra `bench`.",
)
@out_option
def forecast(
    panels: tuple[str, ...],
    which: str,
    last: int | None,
    methods: tuple[str, ...],
    seeds: tuple[int, ...],
    sample: int | None,
    skus: int | None,
    data_folder: Path,
    out: Path,
) -> None:
    """Measure forecasts on real panels: same origins, same metrics; CPU seconds and memory of one origin.

    Where LightGBM takes part, costs are also told as multiples of its own.

    \b
    Example:
      orders-pipeline bench forecast --panel m5 --method ours --method fast --method lightgbm
      orders-pipeline bench forecast --panel online-retail --method auto-ets --method ours --sample 200 --last 3
      orders-pipeline bench forecast --panel m5 --skus 100000 --last 1
      orders-pipeline bench forecast --panel m5 --skus 15 --seed 1 --method ours --method auto-ets
    """
    from orders_pipeline.bench.forecast.panels import origins
    from orders_pipeline.bench.forecast.run import check_libraries, kept_panel, run
    from orders_pipeline.bench.forecast.tables import report

    wanted = _wanted(methods)
    check_libraries(wanted)
    name = f"forecast-{skus}-skus" if skus else "forecast"
    results = []
    for panel in panels or PANELS:
        chosen = origins(panel, which)[-(last or 0) :]
        if not chosen:
            say(f"Skipped: panel {panel} has no {which} origins.")
            continue
        try:
            with kept_panel(panel, data_folder, skus or 0, (seeds or (0,))[0]) as folder:
                results += run(panel, folder, chosen, wanted, seeds or (0,), sample or 0, say)
        except UserError as error:
            say(f"Skipped: {error}")
            continue
        report(results, which, name).save(out)  # what is measured is not lost if the next panel fails
    if results:
        deliver(report(results, which, name), out)


def _wanted(given: Sequence[str]) -> list[str]:
    """The methods, ``peers`` spelled out, each once. Raises click.BadParameter for an unknown one."""
    from orders_pipeline.bench.forecast import peers
    from orders_pipeline.bench.forecast.methods import OWN

    known = [*OWN, *peers.names(), SAMPLED]
    spelled = [name for one in given or ("ours", "fast") for name in (peers.names() if one == "peers" else [one])]
    unknown = [name for name in spelled if name not in known]
    if unknown:
        raise click.BadParameter(f"no method {unknown[0]!r}; known: {', '.join(known)}.")
    return list(dict.fromkeys(spelled))
