"""Reads the sales history of the SKUs that have a stock position into arrays, one row a SKU, one column a day.

What is made of it stands in ``levels.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from orders_pipeline.forecasting.peaks import closed_days, usual_share

if TYPE_CHECKING:
    import duckdb

    from orders_pipeline.replenishment.demand import Floats, Ints

HISTORY_DAYS = 400
"""A year and the weeks that its first levels need; older days weigh less than 2 % at the longest half-life."""
BULK_UNITS = 20
BULK_FACTOR = 10
"""Units of a day beyond its orders' usual size count as a bulk purchase above max(20, 10 × usual): somebody else's stock-up."""


@dataclass(frozen=True, slots=True)
class History:
    """Days ``first`` to the day before the suggestion. ``units`` without bulk purchases and peaks; ``known`` is false before the
    SKU's first row, on days without stock and on days of a closed shop (then nothing could sell, which says nothing about
    demand)."""

    first: date
    skus: tuple[str, ...]
    units: Floats  # (n, T)
    known: Any  # (n, T) bool
    bulk: Any  # (n,) bool: a bulk purchase was left out in the last 28 days
    sales_7_days: Ints  # (n,) as sold, bulk included
    revenue_90_days: Floats  # (n,) yuan, for ranking only

    @property
    def days(self) -> int:
        """Number of columns."""
        return int(self.units.shape[1])

    @property
    def open_days(self) -> Any:
        """(T,) whether the day is known of any SKU: of the others, those of a closed shop, nothing can be said."""
        return self.known.any(axis=0)


def read_history(con: duckdb.DuckDBPyConnection, made_on: date, skus: Sequence[str]) -> History:
    """planning.daily_sku_sales of ``skus`` before ``made_on``; a day without a row after the first one sold nothing."""
    import numpy as np

    earliest = made_on - timedelta(days=HISTORY_DAYS)
    columns = con.execute(
        """
        WITH wanted AS (SELECT unnest($skus::VARCHAR[]) AS merchant_sku, unnest(range(len($skus::VARCHAR[]))) AS row)
        SELECT w.row, (s.date - $earliest::DATE)::INTEGER AS day, s.units::DOUBLE AS units, s.orders::DOUBLE AS orders,
            s.revenue::DOUBLE AS revenue, coalesce(NOT s.in_stock, false) AS empty
        FROM planning.daily_sku_sales AS s JOIN wanted AS w USING (merchant_sku)
        WHERE s.date >= $earliest AND s.date < $made_on::DATE
        """,
        {"skus": list(skus), "earliest": earliest, "made_on": made_on},
    ).fetchnumpy()
    row, day = (np.asarray(columns[name], dtype=np.int64) for name in ("row", "day"))
    shape = (len(skus), HISTORY_DAYS)
    units, orders, revenue = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    empty, seen = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    units[row, day], orders[row, day], revenue[row, day] = columns["units"], columns["orders"], columns["revenue"]
    empty[row, day], seen[row, day] = columns["empty"], True
    baseline = _without_bulk(units, orders)
    bulk = baseline < units
    closed = closed_days(orders)
    baseline = baseline * usual_share(orders, closed)  # the weeks after 11.11 must not order for another one
    empty |= closed
    start = int(day.min()) if len(day) else HISTORY_DAYS - 1  # days before the shop's first are no history
    return History(
        first=earliest + timedelta(days=start),
        skus=tuple(skus),
        units=baseline[:, start:],
        known=(np.maximum.accumulate(seen, axis=1) & ~empty)[:, start:],
        bulk=bulk[:, -28:].any(axis=1),
        sales_7_days=units[:, -7:].sum(axis=1).astype(np.int64),
        revenue_90_days=revenue[:, -90:].sum(axis=1),
    )


def _without_bulk(units: Floats, orders: Floats) -> Floats:
    """Units with each day's excess over (orders × the SKU's usual units an order) cut where it is a bulk purchase."""
    import numpy as np

    sizes = np.where(orders > 0, units / np.maximum(orders, 1), np.nan)
    sold = orders.any(axis=1)
    usual = np.ones(len(units))
    if sold.any():
        usual[sold] = np.maximum(np.nanmedian(sizes[sold], axis=1), 1.0)
    ordinary = np.ceil(orders * usual[:, None])
    limit = np.maximum(BULK_UNITS, BULK_FACTOR * usual)[:, None]
    baseline: Floats = np.where(units - ordinary > limit, ordinary, units)
    return baseline
