"""``orders-pipeline demo``: the whole main job on a simulated shop, then the Dagster UI until Ctrl-C.

Only the order of the steps belongs here: folder (``demo_folder.py``), processes (``demo_stack.py``), the work itself (the
assets, in a process of its own: ``demo_run.py``).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orders_pipeline.cli.children import stop_signals_interrupt
from orders_pipeline.cli.console import Steps, tell
from orders_pipeline.clock import Clock, shop_day
from orders_pipeline.settings import DataFolder, UserError, project_root

if TYPE_CHECKING:
    from orders_pipeline.cli.demo_stack import DemoStack

CALLS_PER_MINUTE = 6_000  # the pull's own speed, no pause for quota; a real app key starts at 100
SUGGESTIONS_SHOWN = 10  # with their reasons they fill a screen; the UI and `replenish` show all
WATCH_SECONDS = 0.5  # how soon a crashed child is noticed
DEFAULT_QUOTA = 100  # calls a minute


@click.command()
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Demo folder; default: data-demo/.")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port of the UI.")
@click.option("--no-ui", is_flag=True, help="End after the results.")
@click.option("--days", type=click.IntRange(8, 90), default=90, show_default=True, help="Days of history.")
@click.option("--orders-per-day", type=click.IntRange(1), default=1000, show_default=True, help="Mean orders a day.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same shop.")
@click.pass_obj
def demo(clock: Clock, data: Path | None, port: int, no_ui: bool, days: int, orders_per_day: int, seed: int) -> None:
    """Watch a shop's orders become forecasts and purchase suggestions; needs no account and no configuration.

    Starts a sandbox platform on 127.0.0.1, pulls the shop through real HTTP, runs every asset, prints the suggestions
    and serves the Dagster UI, with sensors and schedules running, until Ctrl-C. Starts afresh each time, in a folder of
    its own. Your own shops are not touched.

    \b
    Example:
      orders-pipeline demo
      orders-pipeline demo --no-ui --days 30 --orders-per-day 100
    """
    from orders_pipeline.cli.demo_folder import demo_folder
    from orders_pipeline.cli.demo_stack import DemoStack, require_free_port

    if not (project_root() / "dagster.yaml").is_file():
        raise UserError("No dagster.yaml found: run the demo from a checkout of orders-pipeline.")
    if not no_ui:
        require_free_port(port)
    with (
        stop_signals_interrupt(),
        Steps(clock) as steps,
        demo_folder((data or project_root() / "data-demo").resolve()) as (
            folder,
            held,
        ),
    ):
        steps.say(
            f"Demo of {days} days x about {orders_per_day:,} orders at {CALLS_PER_MINUTE:,} calls a minute, to save your "
            f"time: at the {DEFAULT_QUOTA} a minute of a real app key, 90 days x 1,000 orders take about 13 minutes."
        )
        with DemoStack(folder, held, steps, clock) as stack:
            _run(stack, steps, clock, port=port, no_ui=no_ui, days=days, orders_per_day=orders_per_day, seed=seed)
        tell(f"Nothing is running any more. Until the next demo the results stay in {folder.published}.")


def _run(
    stack: DemoStack, steps: Steps, clock: Clock, *, port: int, no_ui: bool, days: int, orders_per_day: int, seed: int
) -> None:
    from orders_pipeline.cli.plan import show_suggestions

    stack.start_sandbox(days, orders_per_day, seed, CALLS_PER_MINUTE)
    stack.start_assets()
    if not no_ui:
        stack.wait_for_history()
        stack.start_ui(port)  # loads while the sandbox lives through its days
    stack.wait_for_sandbox(days)
    stack.materialize()
    steps.finish()
    tell(_pulled(stack.folder))
    show_suggestions(stack.folder, shop_day(clock.now()), SUGGESTIONS_SHOWN)
    if no_ui:
        return
    stack.wait_for_ui(port)
    stack.start_daemon()
    tell(f"Dagster UI: http://127.0.0.1:{port} (sensors and schedules are running). Ctrl-C stops everything.")
    try:
        while True:
            stack.check()
            clock.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        return


def _pulled(folder: DataFolder) -> str:
    """What the pull cost, and what it would cost at the default quota."""
    with closing(sqlite3.connect(f"file:{folder.ops}?mode=ro", uri=True)) as ops:
        (calls,) = ops.execute("SELECT count(*) FROM api_calls").fetchone()
    return f"{calls:,} calls were made; {DEFAULT_QUOTA} a minute would have allowed them in {calls / DEFAULT_QUOTA:.1f} minutes."
