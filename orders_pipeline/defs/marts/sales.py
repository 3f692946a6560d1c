"""Daily sales of each SKU, across shops."""

from typing import Any

import dagster as dg

from orders_pipeline import marts
from orders_pipeline.components.catalogue import table_asset
from orders_pipeline.components.mart_assets import checks_of, holder, of_each_shop, shown, written
from orders_pipeline.components.reports import numbers, picture
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line


@table_asset(
    **shown("daily_sku_sales", "marts/sales"),
    deps=of_each_shop("orders", "order_lines", "refunds", "stock"),
)
def daily_sku_sales(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    with failing_in_one_line():
        from orders_pipeline.forecasting.charts import sales_curve_svg

        warehouse = pipeline.warehouse()
        report = marts.refresh_daily_sales(warehouse, holder(context))
        with warehouse.read() as con:
            curve = picture(sales_curve_svg(con, pipeline.today), "Units a day")
        return written(pipeline, "daily_sku_sales", sales_curve=curve, **numbers(report))


sales_checks = checks_of("daily_sku_sales")
