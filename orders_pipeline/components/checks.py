"""Rules of ``quality`` as Dagster asset checks. They read the published copy, so they hold up no writer."""

from typing import Any

import dagster as dg

from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line
from orders_pipeline.quality import Finding, Rule, evaluate


def rule_check(rule: Rule, key: dg.AssetKey, shop: str | None = None) -> dg.AssetChecksDefinition:
    """One rule on one asset: red with the first offending rows when any row breaks it. Downstream goes on: the rows that
    hold are still worth a forecast, and the check says what is wrong."""

    @dg.asset_check(asset=key, name=rule.name, description=f"{rule.description[:1].upper()}{rule.description[1:]}.")
    def check(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
        with failing_in_one_line(), pipeline.warehouse().read() as con:
            return result_of(evaluate(con, rule, shop))

    return check


def result_of(finding: Finding) -> dg.AssetCheckResult:
    """What people read on the check's page."""
    metadata: dict[str, Any] = {"rows_breaking": finding.count}
    if finding.examples:
        metadata["examples"] = list(finding.examples)
    return dg.AssetCheckResult(passed=finding.passed, description=str(finding), metadata=metadata)
