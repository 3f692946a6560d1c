"""Names that others rely on, and what becomes of files that other versions of the code have written."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.warehouse import Warehouse, columns, comment, schema, tables

CONTRACT = {
    "raw.trade_pages": "shop api window_start window_end page_no fetched_at request_id row_count body",
    "raw.refund_pages": "shop api window_start window_end page_no fetched_at request_id row_count body",
    "raw.item_pages": "shop api window_start window_end page_no fetched_at request_id row_count body",
    "raw.trace_pages": "shop api window_start window_end page_no fetched_at request_id row_count body",
    "raw.messages": "shop api window_start window_end page_no fetched_at request_id row_count body",
    "core.orders": "platform shop order_id order_type status source_status created_at created_on paid_at paid_on shipped_at "
    "ended_at modified_at goods_amount freight_amount discount_amount adjust_amount payable_amount paid_amount "
    "received_amount presale_step deposit_amount province city line_count synced_at vanished_at",
    "core.order_lines": "platform shop line_id order_id product_id sku_id merchant_sku title sku_properties quantity "
    "unit_price discount_amount shop_discount_share paid_amount status source_status refund_status is_gift carrier "
    "tracking_number shipped_at",
    "core.refunds": "platform shop refund_id order_id line_id status source_status kind phase applied_amount "
    "refunded_amount quantity goods_returned created_at modified_at refunded_at",
    "core.parcels": "platform shop order_id tracking_number carrier shipped_at last_trace_at last_trace_action signed_at "
    "stalled_since trace_state",
    "core.parcel_lines": "platform shop order_id tracking_number line_id quantity",
    "core.skus": "platform shop product_id sku_id merchant_sku title properties category barcode price status modified_at",
    "core.stock": "platform shop product_id sku_id merchant_sku on_hand withheld price snapshot_at",
    "core.stock_snapshots": "platform shop product_id sku_id merchant_sku on_hand withheld price snapshot_at",
    "planning.daily_sku_sales": "merchant_sku date units orders revenue refunded_units in_stock",
    "planning.sales_forecasts": "made_on merchant_sku target_date horizon_day mean q10 q50 q90 q95 model",
    "planning.sales_forecast_totals": "made_on merchant_sku days mean q50 q90 q95 model",
    "planning.forecast_accuracy": "made_on model horizon wape wrmsse bias pinball coverage_q90 coverage_q95",
    "planning.stock_position": "as_of merchant_sku on_hand reserved frozen available on_order returns_expected",
    "planning.replenishment_suggestions": "suggestion_id made_on merchant_sku supplier quantity order_by stock_out_on "
    "days_of_cover risk urgency amount reason rule_quantity state",
    "ops.sync_windows": "shop api window_start window_end fetched_at run_id calls pages rows channel",
    "ops.api_calls": "at shop api run_id latency_ms outcome code sub_code",
    "ops.reconciliations": "shop api axis window_start window_end checked_at platform_count local_count missing extra "
    "stale refetched healed",
    "ops.incidents": "id kind shop subject opened_at closed_at detail",
}


@pytest.mark.parametrize("table", CONTRACT)
def test_the_contracts_columns_exist(table: str) -> None:
    assert set(CONTRACT[table].split()) <= {column.name for column in columns(table)}


def test_every_table_and_column_says_what_it_is() -> None:
    silent = [table for table in tables() if not comment(table)]
    silent += [f"{table}.{column.name}" for table in tables() for column in columns(table) if not column.comment]
    assert silent == []


def test_money_is_decimal_and_instants_carry_a_zone() -> None:
    for table in tables():
        for column in columns(table):
            if column.name.endswith("_amount") or column.name in ("price", "unit_price", "revenue", "amount"):
                assert column.type == "DECIMAL(18,2)", (table, column)
            if column.name.endswith(("_at", "_since")) or column.name == "at":
                assert column.type == "TIMESTAMP WITH TIME ZONE", (table, column)


def test_a_plain_reader_finds_every_table_and_comment(warehouse: Warehouse, folder: DataFolder) -> None:
    with duckdb.connect(str(folder.published), read_only=True) as con:
        found = {
            (table, column, text)
            for table, column, text in con.execute(
                "SELECT schema_name || '.' || table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal"
            ).fetchall()
        }
        assert con.execute("SELECT count(*) FROM raw.trade_pages").fetchone() == (0,)
    assert found == {(table, column.name, column.comment) for table in tables() for column in columns(table)}


def test_prepare_again_changes_nothing(warehouse: Warehouse, folder: DataFolder) -> None:
    before = warehouse.last_published()
    warehouse.prepare()
    assert warehouse.last_published() == before


def test_an_older_file_is_migrated_and_keeps_its_rows(
    warehouse: Warehouse, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warehouse.write("test") as con:
        con.execute("INSERT INTO planning.daily_sku_sales VALUES ('TEE', '2026-01-15', 3, 2, 12.30, 0, NULL)")
    script = "ALTER TABLE planning.daily_sku_sales ADD COLUMN channel VARCHAR DEFAULT 'all'"
    known = schema.migrations()
    monkeypatch.setattr(schema, "migrations", lambda: (*known, script))
    with warehouse.write("test") as con:
        assert con.execute("SELECT units, revenue, channel FROM planning.daily_sku_sales").fetchall() == [
            (3, Decimal("12.30"), "all")
        ]
        assert con.execute("SELECT value FROM ops.meta WHERE key = 'schema_version'").fetchone() == (
            str(2 + len(known)),
        )


def test_a_file_of_newer_code_is_refused_in_one_line(warehouse: Warehouse) -> None:
    with warehouse.write("test") as con:
        con.execute("UPDATE ops.meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(UserError, match=r"version 99.*upgrade"), warehouse.write("test"):
        pass
