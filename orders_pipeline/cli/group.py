"""The edge where commands are loaded and where every error becomes one line and an exit code.

Nothing about a single command belongs here.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from orders_pipeline.light import importing
from orders_pipeline.platforms.base import PlatformError
from orders_pipeline.settings import UserError

DEBUG_ENV = "ORDERS_PIPELINE_DEBUG"
FAILED, USAGE = 1, 2


class CommandGroup(click.Group):
    """A group whose commands are imported when called, so that ``sync`` pays for nothing that ``demo`` needs.

    Exit codes: 0 done, 1 failed or something needs a person, 2 wrong usage. An error is one line on stderr; the
    traceback of an unexpected one is shown with ``--debug`` or ORDERS_PIPELINE_DEBUG=1.
    """

    def __init__(self, *args: Any, commands_in: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = dict(commands_in or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._places, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = self._places.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, attribute = place.split(":")
        with importing():
            command: click.Command = getattr(importlib.import_module(f"orders_pipeline.cli.{module}"), attribute)
        return command

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run the command line and exit; see the class for exit codes."""
        given = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(given, prog_name, **{**extra, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(USAGE)
        except click.UsageError as error:
            path = error.ctx.command_path if error.ctx else "orders-pipeline"
            _stop(f"{error.format_message()} See `{path} --help`.", USAGE)
        except (click.Abort, KeyboardInterrupt):
            _stop("Stopped. What was stored stays; run the same command again to go on.", FAILED)
        except BrokenPipeError:  # `orders-pipeline status | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(FAILED)
        except Exception as error:
            if "--debug" in given or os.environ.get(DEBUG_ENV, "") not in ("", "0"):
                raise
            _stop(_line_of(error), FAILED)
        sys.exit(code if isinstance(code, int) else 0)


def _line_of(error: Exception) -> str:
    """The one line to show. The text of a foreign error is withheld: it may hold a customer's data, and cron keeps it."""
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, UserError | PlatformError):
        return str(error)
    hint = f"`orders-pipeline --debug ...` or {DEBUG_ENV}=1 shows the rest"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename or 'no file named'} ({hint})."
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "orders_pipeline" in frame.filename] or frames
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"Unexpected {type(error).__name__}{place}, a fault of the program ({hint})."


def _stop(message: str, code: int) -> NoReturn:
    click.echo(f"Error: {' '.join(message.split())}", err=True)
    sys.exit(code)
