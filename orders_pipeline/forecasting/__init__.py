"""Daily sales, 7-day forecasts with quantiles, and how good they were. No Dagster, no order quantities."""

from orders_pipeline.forecasting.accuracy import AccuracyReport, measure_accuracy
from orders_pipeline.forecasting.daily_sales import DailySalesReport, refresh_daily_sales
from orders_pipeline.forecasting.history import SalesHistory, load_history
from orders_pipeline.forecasting.model import Forecast, make_forecast, store_forecast

__all__ = [
    "AccuracyReport",
    "DailySalesReport",
    "Forecast",
    "SalesHistory",
    "load_history",
    "make_forecast",
    "measure_accuracy",
    "refresh_daily_sales",
    "store_forecast",
]
