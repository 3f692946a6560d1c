"""Daily reconciliation with the platforms, and the check that names what still differs."""

from datetime import date
from typing import Any

import dagster as dg

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.components.catalogue import table_asset
from orders_pipeline.components.first_day import first_day
from orders_pipeline.components.mart_assets import of_each_shop, shops, shown, written
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import RETRY_FETCH, failing_in_one_line, one_line
from orders_pipeline.platforms.base import PlatformError
from orders_pipeline.quality import CHECKED_DAYS, differences
from orders_pipeline.settings import UserError


@table_asset(
    **shown("daily_reconciliation", "marts/quality"),
    deps=of_each_shop("orders"),
    partitions_def=dg.DailyPartitionsDefinition(start_date=first_day().isoformat(), timezone=SHOP_TZ.key),
    backfill_policy=dg.BackfillPolicy.single_run(),
    retry_policy=RETRY_FETCH,
)
def daily_reconciliation(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    run_id, failures = context.run.run_id, []
    counts = dict.fromkeys(("platform_count", "local_count", "missing", "extra", "stale", "refetched", "healed"), 0)
    for shop in shops():
        try:
            with pipeline.open_shop(shop, run_id, f"Dagster run {run_id}") as sync:
                for day in context.partition_keys:
                    report = sync.reconcile(date.fromisoformat(day))
                    for name in counts:
                        value = getattr(report, name)
                        counts[name] += value if isinstance(value, int) else len(value)
        except (UserError, PlatformError) as error:
            failures.append(one_line(error))  # one shop's expired session must not leave the others unchecked
    if failures:
        raise dg.Failure(" | ".join(failures))
    with failing_in_one_line():
        differ = counts["missing"] + counts["extra"] + counts["stale"]
        return written(pipeline, "daily_reconciliation", mismatch_count=differ, **counts)


@dg.asset_check(
    asset=daily_reconciliation,
    name="matches_platform",
    description=f"Of the last {CHECKED_DAYS} days, every order that the platform lists is here in its newest version.",
)
def matches_platform(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
    with failing_in_one_line(), pipeline.warehouse().read() as con:
        found = differences(con, pipeline.today)
    return dg.AssetCheckResult(
        passed=not found,
        description="\n".join(map(str, found)) or "Counts, ids and versions agree.",
        metadata={"days_that_differ": len(found)},
    )
