"""Replenishment: stock position, demand distribution, order policy, suggestions with their reasons, master data.

Knows no Dagster and no platform. Forecasts come from ``forecasting``.
"""

from __future__ import annotations

from orders_pipeline.replenishment.master import MasterData, load_master
from orders_pipeline.replenishment.position import PositionReport, PositionSettings, refresh_stock_position
from orders_pipeline.replenishment.rows import Suggestion
from orders_pipeline.replenishment.suggestions import Suggestions, make_suggestions, store_suggestions
from orders_pipeline.replenishment.table import HEADERS, markdown_table, top_rows

__all__ = [
    "HEADERS",
    "MasterData",
    "PositionReport",
    "PositionSettings",
    "Suggestion",
    "Suggestions",
    "load_master",
    "make_suggestions",
    "markdown_table",
    "refresh_stock_position",
    "store_suggestions",
    "top_rows",
]
