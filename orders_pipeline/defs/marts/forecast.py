"""Seven-day forecasts, and how good past ones were."""

from typing import Any

import dagster as dg

from orders_pipeline import marts
from orders_pipeline.components.catalogue import table_asset
from orders_pipeline.components.mart_assets import checks_of, holder, late_shops, named, shown, written
from orders_pipeline.components.reports import numbers, picture
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line


@table_asset(**shown("sales_forecasts", "marts/forecast"), deps=["daily_sku_sales"])
def sales_forecasts(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    with failing_in_one_line():
        from orders_pipeline.forecasting.charts import forecast_fan_svg

        warehouse = pipeline.warehouse()
        made = marts.forecast(warehouse, holder(context), pipeline.today)
        with warehouse.read() as con:
            fan = picture(forecast_fan_svg(con, made), "Past days and forecast of the best-selling SKUs")
        metadata = {**made.metrics, "skus": len(made.totals), "model": made.model, "made_on": made.made_on.isoformat()}
        return written(pipeline, "sales_forecasts", forecast_fan=fan, **metadata, **named(late_shops(pipeline)))


@table_asset(**shown("forecast_accuracy", "marts/forecast"), deps=["sales_forecasts", "daily_sku_sales"])
def forecast_accuracy(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    with failing_in_one_line():
        report = marts.measure_accuracy(pipeline.warehouse(), holder(context), pipeline.today)
        newest = numbers(report.newest) if report.newest else {}
        return written(pipeline, "forecast_accuracy", **numbers(report), **newest)


sales_forecasts_checks = checks_of("sales_forecasts")
forecast_accuracy_checks = checks_of("forecast_accuracy")
