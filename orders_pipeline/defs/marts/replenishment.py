"""Stock position and what to buy."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orders_pipeline import marts
from orders_pipeline.components.catalogue import table_asset
from orders_pipeline.components.mart_assets import (
    checks_of,
    holder,
    late_shops,
    named,
    of_each_shop,
    shops,
    shown,
    written,
)
from orders_pipeline.components.reports import numbers
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line


@table_asset(
    **shown("stock_position", "marts/replenishment"), deps=of_each_shop("stock", "orders", "order_lines", "refunds")
)
def stock_position(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    with failing_in_one_line():
        report = marts.refresh_stock_position(
            pipeline.warehouse(), holder(context), pipeline.today, pipeline.folder.master, shops()
        )
        counts = {name: len(getattr(report, name)) for name in ("oversold", "negative", "unmapped")}
        return written(pipeline, "stock_position", **numbers(report), **counts)


@table_asset(
    **shown("replenishment_suggestions", "marts/replenishment"),
    deps=["sales_forecasts", "stock_position", "forecast_accuracy"],
    check_specs=[
        dg.AssetCheckSpec(
            "no_sku_left_out",
            asset="replenishment_suggestions",
            description="No SKU is without a suggestion because a count or a forecast is missing, too old or negative.",
        )
    ],
)
def replenishment_suggestions(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    with failing_in_one_line():
        from orders_pipeline.replenishment import markdown_table

        late, warehouse, folder = late_shops(pipeline), pipeline.warehouse(), pipeline.folder
        made = marts.suggest(
            warehouse, holder(context), pipeline.today, folder.master, now=pipeline.clock.now(), late=late
        )
        metadata = {
            "to_order": len(made.to_order),
            "amount_yuan": float(made.amount),
            "suggestions": dg.MetadataValue.md(markdown_table(made)),
            "notes": list(made.notes),
            **named(late),
        }
        yield written(pipeline, "replenishment_suggestions", **metadata)
        yield dg.AssetCheckResult(passed=not made.errors, description="\n".join(made.errors) or "All are there.")


stock_position_checks = checks_of("stock_position")
replenishment_suggestions_checks = checks_of("replenishment_suggestions")
