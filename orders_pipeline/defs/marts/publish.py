"""The copy that readers open."""

from typing import Any

import dagster as dg

from orders_pipeline.components.catalogue import table_asset
from orders_pipeline.components.mart_assets import checks_of, of_each_shop, shown
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line

ALL_ROWS = "SELECT coalesce(sum(estimated_size), 0) FROM duckdb_tables() WHERE database_name = current_database()"


@table_asset(
    **shown("published_copy", "publish"),
    deps=[
        "daily_sku_sales",
        "sales_forecasts",
        "forecast_accuracy",
        "stock_position",
        "replenishment_suggestions",
        *of_each_shop("orders", "order_lines", "refunds", "parcels", "stock"),
    ],
)
def published_copy(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult[Any]:
    with failing_in_one_line():
        warehouse = pipeline.warehouse()
        warehouse.flush()
        with warehouse.read() as con:
            (rows,) = con.execute(ALL_ROWS).fetchone() or (0,)
        copy, last = pipeline.folder.published.resolve(), warehouse.last_published()
        copies, written = last.written_on(pipeline.today) if last else (0, 0)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": int(rows),
                "megabytes": round(copy.stat().st_size / 1e6, 1),
                "version": copy.name,
                "copies_today": copies,
                "megabytes_written_today": round(written / 1e6, 1),
                "open_with": f"duckdb.connect({str(pipeline.folder.published)!r}, read_only=True)",
            }
        )


publish_checks = checks_of("published_copy")
