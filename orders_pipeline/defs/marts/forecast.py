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
        stated = marts.stated_events(pipeline.folder.master)
        made = marts.forecast(warehouse, holder(context), pipeline.today, stated)
        with warehouse.read() as con:
            fan = picture(forecast_fan_svg(con, made), "Past days and forecast of the best-selling SKUs")
        metadata = {**made.metrics, "skus": len(made.totals), "model": made.model, "made_on": made.made_on.isoformat()}
        if made.events:
            metadata["events"] = list(made.events)
        return written(pipeline, "sales_forecasts", forecast_fan=fan, **metadata, **named(late_shops(pipeline)))


@table_asset(**shown("forecast_accuracy", "marts/forecast"), deps=["sales_forecasts", "daily_sku_sales"])
def forecast_accuracy(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    with failing_in_one_line():
        now = pipeline.clock.now()
        report = marts.measure_accuracy(pipeline.warehouse(), holder(context), pipeline.today, now)
        newest = numbers(report.newest) if report.newest else {}
        return written(pipeline, "forecast_accuracy", **numbers(report), **newest)


@table_asset(**shown("forecast_backtest", "marts/forecast"), deps=["daily_sku_sales"])
def forecast_backtest(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    with failing_in_one_line():
        from orders_pipeline.forecasting.backtest_charts import backtest_svg, worst_table

        stated = marts.stated_events(pipeline.folder.master)
        made, mode, why = marts.backtest(pipeline.warehouse(), holder(context), pipeline.today, stated)
        names = ("wape", "wrmsse", "bias", "pinball", "coverage_q90", "coverage_q95")
        metrics = {name: value for name in names if (value := made.mean(mode, name)) is not None}
        plots = picture(backtest_svg(made), "Accuracy over time, by horizon, and calibration")
        worst = dg.MetadataValue.md(worst_table(made))
        return written(
            pipeline, "forecast_backtest", plots=plots, worst_skus=worst, model_in_use=mode, decision=why, **metrics
        )


sales_forecasts_checks = checks_of("sales_forecasts")
forecast_accuracy_checks = checks_of("forecast_accuracy")
