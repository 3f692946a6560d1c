"""``sync``, ``backfill`` and ``reconcile``: reading the platforms from the shell, the same calls as the assets make.

This module and what it imports stay free of Dagster and pandas: a cron job pays for neither.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orders_pipeline.cli.console import Steps, tell
from orders_pipeline.cli.options import about, chosen_shops, data_option, day_option, local, shops_option
from orders_pipeline.clock import Clock
from orders_pipeline.light import importing, without_pandas
from orders_pipeline.platforms.base import PlatformError
from orders_pipeline.settings import UserError, data_folder

if TYPE_CHECKING:
    from orders_pipeline.sync import ReconciliationReport, ShopSync, SyncReport

NAMED = 3  # order ids that fit a line; ops.reconciliations names more


@click.command()
@shops_option
@data_option
@click.pass_obj
def sync(clock: Clock, slugs: tuple[str, ...], data: Path | None) -> None:
    """Bring orders and refunds up to now: closed windows from the first hole on, then the tail.

    Run it as often as you like; what was read is not read again. Exit 1 if a shop could not be read; the others are.

    \b
    Example:
      orders-pipeline sync --shop tea_tmall
    """
    _each_shop(clock, slugs, data, "sync", lambda shop: _synced(shop.sync()))


@click.command()
@click.option("--days", type=click.IntRange(1, 92), metavar="N", help="Days back; default: the stanza's backfill_days.")
@shops_option
@data_option
@click.pass_obj
def backfill(clock: Clock, slugs: tuple[str, ...], data: Path | None, days: int | None) -> None:
    """First load: orders by creation day, newest first, then refunds, items and stock. Resumes where it stopped.

    At the default quota of 100 calls a minute, 90 days of 1,000 orders a day take about 13 minutes.

    \b
    Example:
      orders-pipeline backfill --shop tea_tmall --days 30
    """
    _each_shop(clock, slugs, data, "backfill", lambda shop: _synced(shop.backfill(days)))


@click.command()
@day_option("--day", help_text="Compare every order created on this day, YYYY-MM-DD, by id and version.")
@day_option("--until", help_text="With --day: the last day to compare; default: the first.")
@shops_option
@data_option
@click.pass_obj
def reconcile(clock: Clock, slugs: tuple[str, ...], data: Path | None, day: date | None, until: date | None) -> None:
    """Compare orders and refunds with the platform, and heal what differs.

    Without --day as each night: yesterday's hours and the last 13 weeks by count, 61 calls when nothing differs, and a
    sample by id. With --day every order of the day. Exit 1 if something differs and could not be healed.

    \b
    Example:
      orders-pipeline reconcile
      orders-pipeline reconcile --day 2026-11-11 --until 2026-11-13
    """
    if day is None:
        if until is not None:
            raise click.UsageError("--until needs --day, the first day to compare.")
        _each_shop(clock, slugs, data, "reconcile", _reconciled_night)
        return
    last = until or day
    if last < day:
        raise click.UsageError(f"--until {last} lies before --day {day}.")
    days = [day + timedelta(days=offset) for offset in range((last - day).days + 1)]
    _each_shop(clock, slugs, data, "reconcile", lambda shop: _reconciled(shop, days))


def _each_shop(
    clock: Clock, slugs: Sequence[str], data: Path | None, command: str, work: Callable[[ShopSync], str]
) -> None:
    """Do ``work`` for each shop and print the line it returns; one shop's failure does not stop the others."""
    with importing():
        from orders_pipeline.sync import ShopSync

    folder = data_folder(data).create()
    failed = False
    with without_pandas(), Steps(clock) as steps:
        for shop in chosen_shops(slugs):
            try:
                if isinstance(shop, UserError):
                    raise shop
                holder = f"orders-pipeline {command}"
                with ShopSync.open(shop, folder, clock=clock, progress=steps, holder=holder) as open_shop:
                    line = work(open_shop)
                tell(f"{shop.shop}: {line}")
            except (UserError, PlatformError) as error:
                failed = True
                click.echo(f"Error: {about(shop, error)}", err=True)
    if failed:
        raise click.exceptions.Exit(1)


def _synced(report: SyncReport) -> str:
    if report.paused:
        return f"{report.rows:,} rows in {report.calls:,} calls. {report.paused}"
    tail = f", {report.tail.rows:,} in the tail" if report.tail else ""
    return f"{report.rows:,} rows in {report.calls:,} calls{tail}; complete until {local(report.covered_until)}"


def _reconciled_night(shop: ShopSync) -> str:
    report = shop.reconcile_night()
    line = f"{report.windows} windows up to {report.day}, {_compared(report)} in {report.calls.total:,} calls"
    if report.differs:
        raise UserError(f"{line}: run `orders-pipeline reconcile` again in an hour.{_told(report)}")
    return line + _told(report)


def _reconciled(shop: ShopSync, days: Sequence[date]) -> str:
    parts = []
    for day in days:
        report = shop.reconcile(day)
        line = f"{day}: {_compared(report)}{_told(report)}"
        if report.differs:
            raise UserError(f"{line}: run `orders-pipeline reconcile --day {day}` again in an hour.")
        parts.append(line)
    return "; ".join(parts)


def _compared(report: ReconciliationReport) -> str:
    """A comparison, after what could be healed was healed."""
    differences = [
        f"{len(ids)} {word} ({', '.join(ids[:NAMED])}{', …' if len(ids) > NAMED else ''})"
        for word, ids in (("missing", report.missing), ("extra", report.extra), ("stale", report.stale))
        if ids
    ]
    differences += [f"{report.short} counted and never shown"] if report.short else []
    healed = f", {report.healed:,} differed and are healed" if report.healed else ""
    excused = f", {report.excused:,} too new to be due" if report.excused else ""
    now = ", ".join(differences) or "equal"
    return f"platform {report.platform_count:,}, here {report.local_count:,}{healed}{excused}, {now}"


def _told(report: ReconciliationReport) -> str:
    """What was lost, why, and how it came back: the first few; ops.reconciliations names more."""
    return "".join(f" [{finding}]" for finding in report.findings[:NAMED])
