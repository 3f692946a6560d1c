"""The demand history as dense arrays: one row a SKU, one column a day, nothing on or after the day it is asked for.

Reads ``planning.daily_sku_sales`` (sparse) and ``core.skus`` (groups). No model and no feature belongs here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from orders_pipeline.forecasting.peaks import closed_days

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

HISTORY_DAYS = 728
"""Two years: last year's season is in it twice, and it bounds memory (100,000 SKUs: 290 MB an array)."""


@dataclass(frozen=True, slots=True)
class SalesHistory:
    """Daily sales of every SKU that sold within the last ``HISTORY_DAYS``, in the order of its code.

    Arrays have shape (SKUs, days); the last day is the day before ``until``. ``first_sale`` is the index of the first day with
    a unit, negative where it lies before the first column. ``price`` is revenue over units, carried forward (NaN before the
    first sale). ``without_stock`` marks days known to have had no stock and no sale: missing demand, not zero demand.
    ``closed`` (days,) says the same of the whole shop, see ``peaks.closed_days``.
    """

    until: date
    skus: tuple[str, ...]
    group: NDArray[np.int32]
    first_sale: NDArray[np.int32]
    units: NDArray[np.float32]
    orders: NDArray[np.float32]
    price: NDArray[np.float32]
    without_stock: NDArray[np.bool_]
    closed: NDArray[np.bool_]

    @property
    def days(self) -> int:
        return int(self.units.shape[1])

    @property
    def first_day(self) -> date:
        return self.until - timedelta(days=self.days)

    @property
    def age(self) -> NDArray[np.int32]:
        """Days since the first sale, both ends counted."""
        return (self.days - self.first_sale).astype(np.int32)


def load_history(con: duckdb.DuckDBPyConnection, until: date, max_days: int = HISTORY_DAYS) -> SalesHistory:
    """Sales of the days before ``until``. A shop without any gives arrays of shape (0, 0)."""
    start = until - timedelta(days=max_days)
    skus = con.execute(
        """
        SELECT s.merchant_sku, min(s.date) FILTER (s.units > 0) AS first_sale, any_value(c.category) AS category
        FROM planning.daily_sku_sales AS s
        LEFT JOIN (
            -- a SKU without a code stands as in the sales
            SELECT coalesce(nullif(trim(merchant_sku), ''), concat_ws(':', platform, product_id, sku_id)) AS name,
                   min(category) AS category
            FROM core.skus WHERE category <> '' GROUP BY name
        ) AS c ON c.name = s.merchant_sku
        WHERE s.date < $until
        GROUP BY s.merchant_sku
        HAVING max(s.date) FILTER (s.units > 0) >= $start
        ORDER BY s.merchant_sku
        """,
        {"until": until, "start": start},
    ).fetchall()
    names = tuple(row[0] for row in skus)
    start = max(start, min((row[1] for row in skus), default=until))
    shape = (len(names), (until - start).days)
    rows = con.execute(
        """
        WITH wanted AS (SELECT unnest($names::VARCHAR[]) AS merchant_sku, unnest(range(len($names::VARCHAR[]))) AS row)
        SELECT row::INTEGER AS row, (date - $start::DATE)::INTEGER AS day,  -- 32 bits: millions of rows
               units::REAL AS units, orders::REAL AS orders, revenue::DOUBLE::REAL AS revenue,
               coalesce(NOT in_stock, false) AND units = 0 AS without_stock
        FROM planning.daily_sku_sales JOIN wanted USING (merchant_sku) WHERE date >= $start AND date < $until
        """,
        {"until": until, "start": start, "names": list(names)},
    ).fetchnumpy()
    row, day = np.asarray(rows["row"], np.int32), np.asarray(rows["day"], np.int32)
    units, orders, revenue = (np.zeros(shape, np.float32) for _ in range(3))
    without_stock = np.zeros(shape, np.bool_)
    for values, column in (
        (units, "units"),
        (orders, "orders"),
        (revenue, "revenue"),
        (without_stock, "without_stock"),
    ):
        values[row, day] = rows[column]
    categories = {category: index for index, category in enumerate(sorted({row[2] or "" for row in skus}))}
    return SalesHistory(
        until=until,
        skus=names,
        group=np.array([categories[row[2] or ""] for row in skus], np.int32),
        first_sale=np.array([(row[1] - start).days for row in skus], np.int32),
        units=units,
        orders=orders,
        price=_carried_forward(revenue, units),
        without_stock=without_stock,
        closed=closed_days(orders),
    )


def _carried_forward(revenue: NDArray[np.float32], units: NDArray[np.float32]) -> NDArray[np.float32]:
    if not units.size:
        return np.zeros(units.shape, np.float32)
    known = (units > 0) & (revenue > 0)
    price = np.full(units.shape, np.nan, np.float32)
    price[known] = revenue[known] / units[known]
    last = np.where(known, np.arange(units.shape[1], dtype=np.int32), 0)
    np.maximum.accumulate(last, axis=1, out=last)
    return np.take_along_axis(price, last, axis=1)
