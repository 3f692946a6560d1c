"""What the assets across shops share: how they are shown, who may write, which shops they wait for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg

from orders_pipeline import marts
from orders_pipeline.components.catalogue import MART_TABLES
from orders_pipeline.components.checks import check_step, rule_checks
from orders_pipeline.components.reports import rows
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.shops import stanzas
from orders_pipeline.quality import MART_RULES, Freshness
from orders_pipeline.shops import Shop

OWNERS = ["team:planning"]

WRITER_TAG = {"orders_pipeline/writer": "planning"}
"""Runs with this tag go one after the other (``dagster.yaml``): they write the same tables."""


def shops() -> list[Shop]:
    """The shops that are loaded, for the lineage."""
    good, _ = stanzas()
    return good


def of_each_shop(*names: str) -> list[dg.AssetKey]:
    """The assets of these names of every shop."""
    return [dg.AssetKey([shop.shop, name]) for shop in shops() for name in names]


def shown(name: str, group: str) -> dict[str, Any]:
    """Key, group, text and columns of an asset across shops."""
    table = MART_TABLES[name]
    schema = {} if name == "published_copy" else table.metadata()
    return {
        "key": name,
        "group_name": group,
        "description": table.description(),
        "owners": OWNERS,
        "kinds": set(table.kinds),
        "metadata": schema or {"dagster/table_name": table.table},
    }


def checks_of(name: str) -> dg.AssetChecksDefinition:
    """The rules of ``quality`` for one asset across shops."""
    return check_step(f"{name}_checks", rule_checks((rule for rule in MART_RULES if rule.asset == name), []))


def holder(context: dg.AssetExecutionContext) -> str:
    """What others are told when they wait for the writer's lock."""
    return f"Dagster run {context.run.run_id}"


def written(pipeline: Pipeline, name: str, **metadata: Any) -> dg.MaterializeResult[Any]:
    """Result of a step that wrote ``name``: rows of its table, and what else its page shows."""
    return dg.MaterializeResult(metadata={"dagster/row_count": rows(pipeline, MART_TABLES[name].table), **metadata})


def late_shops(pipeline: Pipeline) -> list[Freshness]:
    """Shops that are behind now."""
    return marts.behind(pipeline.warehouse(), shops(), pipeline.clock.now())


def named(late: Sequence[Freshness]) -> dict[str, Any]:
    """Which shops are late, for the page of what was made all the same."""
    return {"shops_behind": len(late), **({"behind": [str(fresh) for fresh in late]} if late else {})}
