"""The steps across shops, each whole: read the published copy, compute, write in one short transaction, publish.

Assets and shell commands both call these, so that there is one code path. No Dagster, and no arithmetic of its own: that is
``forecasting`` and ``replenishment``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from orders_pipeline.platforms.base import FeedName
from orders_pipeline.platforms.taobao.feeds import FEEDS
from orders_pipeline.quality import Freshness, freshness
from orders_pipeline.warehouse import purged_until

if TYPE_CHECKING:
    from orders_pipeline.forecasting import AccuracyReport, Backtest, DailySalesReport, Forecast
    from orders_pipeline.replenishment import PositionReport, Suggestions
    from orders_pipeline.replenishment.events import Event
    from orders_pipeline.shops import Shop
    from orders_pipeline.warehouse import Warehouse


def behind(warehouse: Warehouse, shops: Sequence[Shop], now: datetime) -> list[Freshness]:
    """Shops whose orders are late: forecasts are made without them all the same, and say so."""
    feed = FEEDS[FeedName.ORDERS_BY_MODIFIED]
    with warehouse.read() as con:
        found = [freshness(con, shop.shop, feed, now) for shop in shops]
    return [fresh for fresh in found if fresh.late]


def refresh_daily_sales(warehouse: Warehouse, holder: str) -> DailySalesReport:
    """planning.daily_sku_sales from the orders as they are."""
    from orders_pipeline import forecasting

    with warehouse.write(holder) as con:
        report = forecasting.refresh_daily_sales(con, kept_from=purged_until(con))
    warehouse.flush()
    return report


def stated_events(master_folder: Path) -> Sequence[Event]:
    """The merchant's events; none where there is no file. Raises UserError naming file, line and key of a fault."""
    from orders_pipeline.replenishment.events import load_events

    file = master_folder / "events.yaml"
    return load_events(file) if file.is_file() else ()


def forecast(warehouse: Warehouse, holder: str, made_on: date, stated: Sequence[Event] = ()) -> Forecast:
    """planning.sales_forecasts and sales_forecast_totals of ``made_on``; the lock is held for the writing only."""
    from orders_pipeline import forecasting

    with warehouse.read() as con:
        made = forecasting.make_forecast(con, made_on, mode=forecasting.champion(con), stated=stated)
    with warehouse.write(holder) as con:
        forecasting.store_forecast(con, made)
    warehouse.flush()
    return made


def backtest(warehouse: Warehouse, holder: str, as_of: date, stated: Sequence[Event] = ()) -> tuple[Backtest, str, str]:
    """Past weeks forecast anew by each model, which of them makes the next forecasts, and why."""
    from orders_pipeline import forecasting

    with warehouse.read() as con:
        made = forecasting.run_backtest(con, as_of, stated)
    with warehouse.write(holder) as con:
        chosen, why = forecasting.decide(con, made, as_of)
    warehouse.flush()
    return made, chosen, why


def measure_accuracy(warehouse: Warehouse, holder: str, as_of: date, now: datetime) -> AccuracyReport:
    """planning.forecast_accuracy of the forecasts whose days are over; an incident where they are off their rails.

    Where none is that old yet, the forecast of a week ago is made now from the sales before it, and measured: a fresh install
    need not wait a week to know how good its forecasts are.
    """
    from orders_pipeline import forecasting

    week_ago = as_of - timedelta(days=7)
    with warehouse.read() as con:
        old = con.execute("SELECT 1 FROM planning.sales_forecasts WHERE made_on <= ? LIMIT 1", [week_ago]).fetchone()
        made = None if old else forecasting.make_forecast(con, week_ago)
    with warehouse.write(holder) as con:
        if made is not None:
            forecasting.store_forecast(con, made)
        report = forecasting.measure_accuracy(con, as_of)
        forecasting.note_drift(con, now)
    warehouse.flush()
    return report


def refresh_stock_position(
    warehouse: Warehouse, holder: str, as_of: date, master_folder: Path, shops: Sequence[Shop]
) -> PositionReport:
    """planning.stock_position of ``as_of``. Raises UserError naming file and row of a fault in the master data."""
    from orders_pipeline import replenishment

    master = replenishment.load_master(master_folder)
    settings = replenishment.PositionSettings(pools={shop.shop: shop.pool for shop in shops})
    with warehouse.write(holder) as con:
        report = replenishment.refresh_stock_position(con, as_of, master, settings)
    warehouse.flush()
    return report


def suggest(
    warehouse: Warehouse,
    holder: str,
    made_on: date,
    master_folder: Path,
    *,
    now: datetime,
    late: Sequence[Freshness] = (),
) -> Suggestions:
    """planning.replenishment_suggestions of ``made_on``. ``late``: shops that are behind, named in the reasons.

    Raises UserError as ``refresh_stock_position`` does.
    """
    from orders_pipeline import replenishment

    master = replenishment.load_master(master_folder)
    with warehouse.read() as con:
        made = replenishment.make_suggestions(
            con, made_on, master, now=now, behind_shops=[fresh.shop for fresh in late]
        )
    with warehouse.write(holder) as con:
        replenishment.store_suggestions(con, made)
    warehouse.flush()
    return made
