"""Daily reconciliation with the platforms, and the check that names what still differs."""

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.components.catalogue import table_asset
from orders_pipeline.components.first_day import first_day
from orders_pipeline.components.mart_assets import of_each_shop, shops, shown, written
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import RETRY_FETCH, failing_in_one_line, one_line
from orders_pipeline.platforms.base import PlatformError
from orders_pipeline.quality import CHECKED_DAYS, Difference, differences
from orders_pipeline.settings import UserError
from orders_pipeline.shops import Shop

if TYPE_CHECKING:
    from orders_pipeline.sync import ReconciliationReport

SHOWN = 20
"""Findings on the page of a run; ``ops.reconciliations`` holds more."""


class Comparison(dg.Config):
    """How to compare. Every id and version of the day; or as each night, by counts, with the 90 days before it; or ``again``,
    by ids, what earlier comparisons by ids left different, whatever day that is."""

    nightly: bool = False
    again: bool = False
    only: list[str] = []  # noqa: RUF012 - slugs of shops, empty = all; Dagster's Config copies it


@table_asset(
    **shown("daily_reconciliation", "marts/quality"),
    deps=of_each_shop("orders"),
    partitions_def=dg.DailyPartitionsDefinition(start_date=first_day().isoformat(), timezone=SHOP_TZ.key),
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRY_FETCH,
)
def daily_reconciliation(
    context: dg.AssetExecutionContext, config: Comparison, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    run_id, failures = context.run.run_id, []
    reports: list[ReconciliationReport] = []
    for shop in shops():
        if config.only and shop.shop not in config.only:
            continue
        try:
            with pipeline.open_shop(shop, run_id, f"Dagster run {run_id}") as sync:
                if config.again:
                    reports += [sync.reconcile_window(one.api, one.window) for one in _left(pipeline, shop)]
                else:
                    compare = sync.reconcile_night if config.nightly else sync.reconcile
                    reports += [compare(date.fromisoformat(day)) for day in context.partition_keys]
        except (UserError, PlatformError) as error:
            failures.append(one_line(error))  # one shop's expired session must not leave the others unchecked
    if failures:
        raise dg.Failure(" | ".join(failures))
    with failing_in_one_line():
        return written(pipeline, "daily_reconciliation", **told(reports))


def _left(pipeline: Pipeline, shop: Shop) -> list[Difference]:
    with pipeline.warehouse().read() as con:
        return [one for one in differences(con, pipeline.today) if one.shop == shop.shop and one.method == "ids"]


def told(reports: "Iterable[ReconciliationReport]") -> dict[str, Any]:
    """Sums over reports, and the first findings: what was lost, why, how it came back."""
    names = ("platform_count", "local_count", "missing", "extra", "stale", "short", "excused", "refetched", "healed")
    sums: dict[str, Any] = dict.fromkeys(names, 0)
    findings: list[str] = []
    for report in reports:
        for name in names:
            value = getattr(report, name)
            sums[name] += value if isinstance(value, int) else len(value)
        findings += [f"{report.shop}: {finding}" for finding in report.findings]
    sums["mismatch_count"] = sum(sums[name] for name in ("missing", "extra", "stale", "short"))
    return {**sums, **({"findings": findings[:SHOWN]} if findings else {})}


@dg.asset_check(
    asset=daily_reconciliation,
    name="matches_platform",
    description=f"Of the last {CHECKED_DAYS} days, every order and refund that the platform lists is here in its newest version.",
)
def matches_platform(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    with failing_in_one_line(), pipeline.warehouse().read() as con:
        found = differences(con, pipeline.today)
    return dg.AssetCheckResult(
        passed=not found,
        description="\n".join(map(str, found)) or "Counts, ids and versions agree.",
        metadata={"windows_that_differ": len(found)},
    )
