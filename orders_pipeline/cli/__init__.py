"""The console script ``orders-pipeline``: one module a command or pair of commands, loaded when it is called.

What belongs here: options, progress, tables and exit codes. What a command does is a call into the other rooms, the same
one that the assets make.
"""

from __future__ import annotations

import click

from orders_pipeline.cli.group import CommandGroup
from orders_pipeline.clock import SystemClock

COMMANDS = {
    "demo": "demo:demo",
    "sandbox": "sandbox:sandbox",
    "shops": "shops:shops",
    "sync": "sync:sync",
    "backfill": "sync:backfill",
    "reconcile": "sync:reconcile",
    "forecast": "plan:forecast",
    "replenish": "plan:replenish",
    "status": "status:status",
    "rebuild": "rebuild:rebuild",
    "compact": "compact:compact",
    "purge": "purge:purge",
    "metrics": "metrics:metrics",
    "bench": "bench:bench",
}
"""Command name -> module of this room and attribute."""


@click.group(
    "orders-pipeline", cls=CommandGroup, commands_in=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
# read by CommandGroup, which is where errors end
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an unexpected error.")
@click.version_option(package_name="orders-pipeline")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Keeps Taobao, Tmall and Douyin orders in step with the platform and turns them into purchase suggestions.

    \b
    Example:
      orders-pipeline demo                  # the whole thing on a simulated shop, no account needed
      orders-pipeline shops add tea_tmall --platform tmall
      orders-pipeline status
    """
    ctx.obj = ctx.obj or SystemClock()  # a test hands in a clock that steps
