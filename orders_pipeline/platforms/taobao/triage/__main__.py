"""Prints how rule and model do: the tables of ``docs/errors.md``."""

from __future__ import annotations

import click

from orders_pipeline.platforms.taobao.triage.model import report

click.echo(report())
