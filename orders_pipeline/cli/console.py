"""What people see in the shell: progress on stderr, results on stdout."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

import click

from orders_pipeline.clock import Clock, SystemClock

if TYPE_CHECKING:  # at run time only where a terminal or a table needs it: cron pays 25 ms less for each tick
    from rich.console import Console
    from rich.progress import Progress, TaskID

PLAIN_EVERY_SECONDS = 2.0  # a log stays readable, and a person waiting still sees that it moves
_DIGITS = re.compile(r"[\d,]+")
PLAIN_WIDTH = 200  # a table in a pipe or log has no terminal to fit into


class Steps:
    """Progress of long work, the ``Progress`` that ``sync`` reports to: a live line on a terminal, else plain lines.

    Each line carries the seconds since the command began.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._began = self._clock.now()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._stem = ""
        self._last_line = float("-inf")

    def __enter__(self) -> Steps:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            self._bar = Progress(
                SpinnerColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=30),
                TextColumn("{task.fields[count]}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("", total=None, count="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    @property
    def elapsed(self) -> float:
        """Seconds since the command began."""
        return (self._clock.now() - self._began).total_seconds()

    def __call__(self, text: str, done: int = 0, total: int | None = None) -> None:
        """Show where the work stands: ``done`` of ``total`` (None = how much is not known)."""
        count = f"{done:,}/{total:,}" if total else (f"{done:,}" if done else "")
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=text, completed=done, total=total, count=count)
            return
        elapsed, stem = self.elapsed, _DIGITS.sub("", text)  # running counts do not make it another step
        if stem == self._stem and elapsed - self._last_line < PLAIN_EVERY_SECONDS:
            return
        self._stem, self._last_line = stem, elapsed
        self._line(f"{text} {count}".rstrip(), elapsed)

    def finish(self) -> None:
        """Take the live line away, before results are printed; more progress brings it back as plain lines."""
        self.__exit__(None, None, None)

    def say(self, text: str) -> None:
        """A line that stays."""
        if self._bar is not None:
            self._bar.console.print(f"[{self.elapsed:6.1f} s] {text}", markup=False, highlight=False)
        else:
            self._line(text, self.elapsed)

    def _line(self, text: str, elapsed: float) -> None:
        print(f"[{elapsed:6.1f} s] {text}", file=sys.stderr, flush=True)  # noqa: T201 - the shell is the output


def output() -> Console:
    """The console of results: stdout, wide when it is not a terminal."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=PLAIN_WIDTH)


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, note: str = "") -> None:
    """Print rows under a title. A column that ends in ``>`` is set flush right."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", caption=note or None, caption_justify="left")
    for column in columns:
        table.add_column(column.rstrip(">"), justify="right" if column.endswith(">") else "left", overflow="fold")
    for row in rows:
        # Text, not str: brackets in a title or a reason are no markup
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    output().print(table)


def tell(text: str) -> None:
    """One plain line of result."""
    click.echo(text)
