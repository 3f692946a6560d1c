"""Daily sales, 7-day forecasts with quantiles, and how good they were. No Dagster, no order quantities."""

from orders_pipeline.forecasting.accuracy import AccuracyReport, measure_accuracy
from orders_pipeline.forecasting.backtest import Backtest, champion, decide, note_drift, run_backtest
from orders_pipeline.forecasting.daily_sales import DailySalesReport, refresh_daily_sales
from orders_pipeline.forecasting.history import SalesHistory, load_history
from orders_pipeline.forecasting.model import Forecast, make_forecast, store_forecast

__all__ = [
    "AccuracyReport",
    "Backtest",
    "DailySalesReport",
    "Forecast",
    "SalesHistory",
    "champion",
    "decide",
    "load_history",
    "make_forecast",
    "measure_accuracy",
    "note_drift",
    "refresh_daily_sales",
    "run_backtest",
    "store_forecast",
]
