"""What the commands of the benchmarks share: where results go and how progress is told. Nothing is measured here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from orders_pipeline.cli.console import tell

if TYPE_CHECKING:
    from orders_pipeline.bench.report import Report

out_option = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("bench-results"), show_default=True,
    metavar="DIR", help="Folder of the results: JSON, Markdown, plots.",
)  # fmt: skip


def say(line: str) -> None:
    """One line of progress, on stderr: stdout holds the results alone."""
    click.echo(line, err=True)


def deliver(report: Report, out: Path) -> Path:
    """Write the report's files, print its tables, say where the files are; the path of the JSON."""
    data, text = report.save(out)
    tell(report.markdown())
    say(f"{data} {text}")
    return data
