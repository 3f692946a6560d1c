"""Rules of ``quality`` as Dagster asset checks. They read the published copy, so they hold up no writer.

The checks of one table run in one step over one connection: a step of its own for each would cost a run of seconds more and
five events, kept for ever, each time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import dagster as dg
import duckdb

from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line
from orders_pipeline.light import without_pandas
from orders_pipeline.quality import Finding, Rule, evaluate

Evaluation = Callable[[duckdb.DuckDBPyConnection, Pipeline], dg.AssetCheckResult]
"""What a check does, given the published copy."""

Check = tuple[dg.AssetCheckSpec, Evaluation]


def rule_checks(rules: Iterable[Rule], prefix: Sequence[str], shop: str | None = None) -> list[Check]:
    """Each rule as a check. A failing one stops nothing: the rows that hold are still worth a forecast."""
    return [
        (
            dg.AssetCheckSpec(
                rule.name,
                asset=dg.AssetKey([*prefix, rule.asset]),
                description=f"{rule.description[:1].upper()}{rule.description[1:]}.",
            ),
            _evaluation(rule, shop),
        )
        for rule in rules
    ]


def check_step(name: str, checks: Sequence[Check]) -> dg.AssetChecksDefinition:
    """One step that makes these checks, or those of them that were asked for."""

    @dg.multi_asset_check(name=name, specs=[spec for spec, _ in checks], can_subset=True)
    def step(
        context: dg.AssetCheckExecutionContext, pipeline: dg.ResourceParam[Pipeline]
    ) -> Iterator[dg.AssetCheckResult]:
        with failing_in_one_line(), without_pandas(), pipeline.warehouse().read() as con:
            for spec, evaluation in checks:
                if spec.key in context.selected_asset_check_keys:
                    yield evaluation(con, pipeline)._replace(asset_key=spec.asset_key, check_name=spec.name)

    return step


def result_of(finding: Finding) -> dg.AssetCheckResult:
    """What people read on the check's page."""
    metadata: dict[str, Any] = {"rows_breaking": finding.count}
    if finding.examples:
        metadata["examples"] = list(finding.examples)
    return dg.AssetCheckResult(passed=finding.passed, description=str(finding), metadata=metadata)


def _evaluation(rule: Rule, shop: str | None) -> Evaluation:
    return lambda con, _: result_of(evaluate(con, rule, shop))
