"""Whether the tables hold what the platform has, and whether two data folders hold the same."""

from __future__ import annotations

from typing import Any

import duckdb

from orders_pipeline.settings import DataFolder
from orders_pipeline_tests import truth

KEYS = {
    "core.orders": ("platform", "shop", "order_id"),
    "core.order_lines": ("platform", "shop", "line_id"),
    "core.refunds": ("platform", "shop", "refund_id"),
    "core.parcels": ("platform", "shop", "order_id", "tracking_number"),
    "core.parcel_lines": ("platform", "shop", "order_id", "tracking_number", "line_id"),
}

DEPENDS_ON_WHEN = ("synced_at", "deposit_amount", "vanished_at", "trace_state", "first_seen_at")
"""What a run saw on its way: when it read a row, a deposit before the final payment hid it."""


def expected(source: dict[str, Any], platform: str, shop: str) -> dict[str, dict[tuple[str, ...], truth.Row]]:
    """Rows by table that the platform's ``source`` amounts to."""
    return {
        "core.orders": truth.orders(source, platform, shop),
        "core.order_lines": truth.order_lines(source, platform, shop),
        "core.refunds": truth.refunds(source, platform, shop),
        "core.parcels": truth.parcels(source, platform, shop),
        "core.parcel_lines": truth.parcel_lines(source, platform, shop),
    }


def check_tables(folder: DataFolder, source: dict[str, Any], platform: str, shop: str) -> int:
    """Every row of the platform once and equal in every field, none besides. Returns the orders compared."""
    with duckdb.connect(str(folder.published), read_only=True) as con:
        for table, rows in expected(source, platform, shop).items():
            columns = tuple(next(iter(rows.values()), {}))
            truth.compare(rows, truth.rows_of(con, table, KEYS[table], columns), table)
        assert con.execute("SELECT count(*) FROM ops.quarantine").fetchone() == (0,)
    return len(source["trades"])


def differing_tables(one: DataFolder, other: DataFolder) -> list[str]:
    """Tables whose rows differ in anything but what depends on when they were read."""
    differing = []
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{one.published.resolve()}' AS one (READ_ONLY)")
        con.execute(f"ATTACH '{other.published.resolve()}' AS other (READ_ONLY)")
        for table in KEYS:
            columns = [name for (name, *_) in con.execute(f"DESCRIBE one.{table}").fetchall()]
            compared = ", ".join(name for name in columns if name not in DEPENDS_ON_WHEN)
            a, b = f"SELECT {compared} FROM one.{table}", f"SELECT {compared} FROM other.{table}"
            (count,) = con.execute(
                f"SELECT count(*) FROM (({a} EXCEPT ALL {b}) UNION ALL ({b} EXCEPT ALL {a}))"
            ).fetchone() or (0,)
            if count:
                differing.append(f"{table}: {count} rows")
    return differing
