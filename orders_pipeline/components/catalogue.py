"""What each table is and how to read it: the text of an asset's page, and the metadata drawn from the warehouse's schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import dagster as dg


@dataclass(frozen=True, slots=True)
class Table:
    """An asset's table, as people see it. ``where`` is the SQL condition that picks the asset's own rows."""

    asset: str
    table: str
    text: str
    sql: str
    kinds: tuple[str, ...] = ("duckdb",)

    def description(self, **names: str) -> str:
        """Markdown: what it is, and a query to copy. ``names`` fill the query's placeholders."""
        query = self.sql.format(**names)
        return f"{self.text}\n\n```sql\n-- duckdb.connect('data/orders.duckdb', read_only=True)\n{query}\n```"

    def metadata(self) -> dict[str, Any]:
        """Table name and columns. A table that is a view over ``raw/`` has no row in the published copy."""
        return {"dagster/table_name": self.table, "dagster/column_schema": column_schema(self.table)}


def table_asset(**options: Any) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """``dg.asset``, with a type: a type checker cannot tell which of its overloads unpacked options mean."""
    return cast("Callable[[Callable[..., Any]], dg.AssetsDefinition]", dg.asset(**options))


def column_schema(table: str) -> dg.TableSchema:
    """The columns of a table as its DDL and comments say."""
    from orders_pipeline.warehouse import columns

    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type,
                description=column.comment,
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in columns(table)
        ]
    )


_RAW = "One row is one page of one complete window, as received less what may never be stored; append-only Parquet."

SHOP_TABLES: dict[str, Table] = {
    table.asset: table
    for table in (
        Table(
            "raw_full_pages",
            "raw.trade_pages",
            f"Pages of the **full pull**: orders by the day they were created, for the first load and for days that are "
            f"read again. {_RAW} Days that have been read are skipped; `refetch_days` in the run's config reads days "
            "again, `since` and `until` bound the pull.",
            "SELECT window_start, page_no, row_count, calls FROM raw.trade_pages WHERE shop = '{shop}'",
            ("parquet",),
        ),
        Table(
            "raw_incremental_pages",
            "raw.trade_pages",
            f"Pages of the **incremental pull**: orders by the time they changed, in closed windows of at most 30 minutes "
            f"that end 3 minutes behind the platform's clock and overlap by 5. {_RAW} After the windows the tail is read: "
            "what changed in the last minutes goes straight to the tables and is read again by the next window.",
            "SELECT window_start, page_no, row_count, calls FROM raw.trade_pages WHERE shop = '{shop}'",
            ("parquet",),
        ),
        Table(
            "raw_refund_pages",
            "raw.refund_pages",
            f"Pages of the **refund list**, by the time a refund changed. {_RAW}",
            "SELECT window_start, page_no, row_count, calls FROM raw.refund_pages WHERE shop = '{shop}'",
            ("parquet",),
        ),
        Table(
            "orders",
            "core.orders",
            "One row an **order**, its newest version. Amounts are yuan; goods + freight + adjust − discount = payable. "
            "Applying landed pages calls no platform, so this step can be run alone.",
            "SELECT created_on, status, count(*), sum(paid_amount) FROM core.orders\n"
            "WHERE shop = '{shop}' GROUP BY ALL ORDER BY 1 DESC",
        ),
        Table(
            "order_lines",
            "core.order_lines",
            "One row a **line** of an order. The lines' paid_amount + the order's freight = the order's payable_amount.",
            "SELECT merchant_sku, sum(quantity), sum(paid_amount) FROM core.order_lines\n"
            "WHERE shop = '{shop}' GROUP BY ALL ORDER BY 2 DESC",
        ),
        Table(
            "refunds",
            "core.refunds",
            "One row a **refund**, its newest version. An order that is older than the platform's three months is not here.",
            "SELECT status, kind, count(*), sum(refunded_amount) FROM core.refunds\nWHERE shop = '{shop}' GROUP BY ALL",
        ),
        Table(
            "parcels",
            "core.parcels",
            "One row a **parcel** of an order. A trace is asked for only when a parcel crosses 24, 72 or 120 hours without "
            "being signed for; `trace_state` says whether it was.",
            "SELECT order_id, tracking_number, carrier, stalled_since FROM core.parcels\n"
            "WHERE shop = '{shop}' AND stalled_since IS NOT NULL",
        ),
        Table(
            "stock",
            "core.stock",
            "One row a **SKU's stock**, the newest snapshot; all snapshots are in core.stock_snapshots.",
            "SELECT merchant_sku, on_hand, withheld, snapshot_at FROM core.stock WHERE shop = '{shop}' ORDER BY on_hand",
        ),
    )
}

MART_TABLES: dict[str, Table] = {
    table.asset: table
    for table in (
        Table(
            "daily_reconciliation",
            "ops.reconciliations",
            "**What the platform counts against what is here**, for every shop: each night yesterday's hours and the last 13 "
            "weeks; on demand ids and versions of a day. What differs is read again at once; what still differs is named by "
            "the check beside it.",
            "SELECT shop, window_start, platform_count, local_count, missing, extra, stale, healed\n"
            "FROM ops.reconciliations ORDER BY checked_at DESC",
        ),
        Table(
            "daily_sku_sales",
            "planning.daily_sku_sales",
            "**Units sold a day** of each SKU, all shops together; bundles count as their parts. `in_stock` is NULL where "
            "nobody knows whether the SKU could be bought.",
            "SELECT date, sum(units), sum(revenue) FROM planning.daily_sku_sales GROUP BY 1 ORDER BY 1 DESC",
        ),
        Table(
            "sales_forecasts",
            "planning.sales_forecasts",
            "**Units of the next 7 days** of each SKU: mean and quantiles, by day here and of the whole week in "
            "planning.sales_forecast_totals (quantiles of days must not be added up).",
            "SELECT * FROM planning.sales_forecasts\n"
            "WHERE made_on = (SELECT max(made_on) FROM planning.sales_forecasts) ORDER BY merchant_sku, horizon_day",
            ("duckdb", "scikitlearn"),
        ),
        Table(
            "forecast_accuracy",
            "planning.forecast_accuracy",
            "**How good past forecasts were**, measured against what was then sold. `coverage_q90` should lie near 0.90.",
            "SELECT * FROM planning.forecast_accuracy ORDER BY made_on DESC, horizon",
        ),
        Table(
            "forecast_backtest",
            "planning.forecast_champions",
            "**What forecasts of the last weeks would have been worth**, made anew from what was known then, by each model; "
            "the ten SKUs missed by most, and why. A model replaces the one in use only if it wins on pinball loss and is not "
            "more biased.",
            "SELECT * FROM planning.forecast_champions ORDER BY decided_on DESC",
            ("duckdb", "scikitlearn"),
        ),
        Table(
            "stock_position",
            "planning.stock_position",
            "**What can be sold** of each SKU: on hand, reserved by paid orders, frozen, on order, expected back.",
            "SELECT * FROM planning.stock_position\n"
            "WHERE as_of = (SELECT max(as_of) FROM planning.stock_position) ORDER BY available",
        ),
        Table(
            "replenishment_suggestions",
            "planning.replenishment_suggestions",
            "**What to buy**, how much and by when, with the calculation in words (`reason`).",
            "SELECT merchant_sku, quantity, order_by, urgency, reason FROM planning.replenishment_suggestions\n"
            "WHERE made_on = (SELECT max(made_on) FROM planning.replenishment_suggestions) ORDER BY order_by",
        ),
        Table(
            "published_copy",
            "orders.duckdb",
            "The **copy that readers open** while the pipeline writes: same schemas and tables, a new version after "
            "changes. Open it read-only with any DuckDB client; it never shows half a transaction.",
            "SELECT schema_name, table_name, estimated_size FROM duckdb_tables() WHERE database_name = current_database() "
            "ORDER BY ALL",
        ),
    )
}
