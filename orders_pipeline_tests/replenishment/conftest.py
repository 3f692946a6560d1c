"""A DuckDB file with the warehouse's own tables, and short ways to put orders, stock, sales and forecasts into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

import orders_pipeline.warehouse
from orders_pipeline.clock import SHOP_TZ

TODAY = date(2026, 12, 1)
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=SHOP_TZ)
SCHEMA = Path(orders_pipeline.warehouse.__file__).parent / "schema"


@dataclass
class Tables:
    """Inserts rows with sensible values for what a test does not care about."""

    con: duckdb.DuckDBPyConnection
    _lines: int = 0

    def insert(self, table: str, **values: Any) -> None:
        names = ", ".join(values)
        marks = ", ".join("?" for _ in values)
        self.con.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))

    def stock(
        self,
        sku: str,
        units: int,
        *,
        shop: str = "main",
        at: datetime = NOW - timedelta(hours=1),
        status: str = "on_sale",
        category: str = "50",
        product: str | None = None,
    ) -> None:
        product = product or f"P-{sku}"
        key = {"platform": "taobao", "shop": shop, "product_id": product, "sku_id": "1", "merchant_sku": sku}
        self.insert("core.stock", **key, on_hand=units, withheld=0, snapshot_at=at)
        self.insert("core.skus", **key, category=category, status=status, modified_at=at, synced_at=at)

    def line(
        self,
        sku: str,
        quantity: int,
        status: str,
        *,
        shop: str = "main",
        order_status: str | None = None,
        paid_at: datetime | None = NOW - timedelta(days=1),
        shipped_at: datetime | None = None,
        vanished_at: datetime | None = None,
    ) -> str:
        self._lines += 1
        key = f"{self._lines}"
        created = (paid_at or NOW) - timedelta(minutes=5)
        money = dict.fromkeys(
            ("goods_amount", "freight_amount", "discount_amount", "adjust_amount", "payable_amount", "paid_amount"), 0
        )
        order_status = order_status or status
        self.insert(
            "core.orders",
            platform="taobao",
            shop=shop,
            order_id=f"o{key}",
            order_type="step" if order_status == "deposit_paid" else "fixed",
            status=order_status,
            source_status="X",
            created_at=created,
            created_on=created.date(),
            paid_at=paid_at,
            modified_at=created,
            received_amount=0,
            line_count=1,
            synced_at=NOW,
            vanished_at=vanished_at,
            **money,
        )
        self.insert(
            "core.order_lines",
            platform="taobao",
            shop=shop,
            line_id=f"l{key}",
            order_id=f"o{key}",
            product_id=f"P-{sku}",
            sku_id="1",
            merchant_sku=sku,
            quantity=quantity,
            unit_price=10,
            discount_amount=0,
            shop_discount_share=0,
            paid_amount=10 * quantity,
            status=status,
            source_status="X",
            refund_status="none",
            is_gift=False,
            shipped_at=shipped_at,
            sku=sku,
            is_presale=order_status == "deposit_paid",
            skus_differ=True,
            early_refund_units=0,
            early_refund_amount=0,
        )
        return f"l{key}"

    def refund(
        self, line_id: str, status: str, quantity: int, *, kind: str = "return_refund", shop: str = "main"
    ) -> None:
        self.insert(
            "core.refunds",
            platform="taobao",
            shop=shop,
            refund_id=f"r{line_id}",
            order_id="o" + line_id[1:],
            line_id=line_id,
            status=status,
            source_status="X",
            kind=kind,
            applied_amount=1,
            refunded_amount=0,
            quantity=quantity,
            created_at=NOW,
            modified_at=NOW,
            synced_at=NOW,
        )

    def sales(self, sku: str, units: list[int], *, until: date = TODAY, price: int = 10) -> None:
        """``units`` of the days up to the day before ``until``; days with 0 get no row, as in the table."""
        first = until - timedelta(days=len(units))
        self.con.execute(
            "INSERT INTO planning.daily_sku_sales (merchant_sku, date, units, orders, revenue, refunded_units) "
            "SELECT $sku, $first::DATE + day::INTEGER, sold, greatest(sold // 2, 1), sold * $price, 0 "
            "FROM (SELECT unnest($units::INTEGER[]) AS sold, unnest(range(len($units::INTEGER[]))) AS day) WHERE sold > 0",
            {"sku": sku, "first": first, "units": units, "price": price},
        )

    def forecast(self, sku: str, week: float, *, made_on: date = TODAY) -> None:
        self.insert(
            "planning.sales_forecast_totals",
            made_on=made_on,
            merchant_sku=sku,
            days=7,
            mean=week * 0.8,  # cut, as real ones are: nothing about stock may rest on it
            mean_with_bulk=week,
            q50=week,
            q90=week * 1.5,
            q95=week * 1.8,
            model="test",
        )

    def suggestions(self, day: date = TODAY) -> dict[str, dict[str, Any]]:
        """Stored rows of a day by SKU."""
        cursor = self.con.execute(
            "SELECT * FROM planning.replenishment_suggestions WHERE made_on = ? ORDER BY merchant_sku", [day]
        )
        names = [column[0] for column in cursor.description]
        return {row["merchant_sku"]: row for row in (dict(zip(names, row, strict=True)) for row in cursor.fetchall())}

    def positions(self, day: date = TODAY) -> dict[str, dict[str, Any]]:
        """Stored positions of a day by SKU."""
        cursor = self.con.execute("SELECT * FROM planning.stock_position WHERE as_of = ?", [day])
        names = [column[0] for column in cursor.description]
        return {row["merchant_sku"]: row for row in (dict(zip(names, row, strict=True)) for row in cursor.fetchall())}


def steady(random: Random, mean: float, days: int) -> list[int]:
    """Sales around a mean, a little lumpy."""
    return [sum(random.random() < mean / 20 for _ in range(20)) for _ in range(days)]


def new_tables(file: Path | str = ":memory:") -> Tables:
    """A database with the tables of ``warehouse/schema``."""
    con = duckdb.connect(str(file))
    con.execute("SET TimeZone = 'Asia/Shanghai'")
    con.begin()  # one commit instead of one a comment
    for name in ("core", "planning"):
        con.execute((SCHEMA / f"{name}.sql").read_text(encoding="utf-8"))
    con.commit()
    return Tables(con)


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    made = new_tables(tmp_path / "warehouse.duckdb")
    yield made
    made.con.close()


@pytest.fixture
def shop(tables: Tables) -> Tables:
    """A shop with 90 days of history: 30 ordinary SKUs, some presales and unshipped orders, a forecast of this morning."""
    random = Random(7)
    tables.con.begin()  # one commit instead of one a row
    for number in range(30):
        sku = f"S{number:02d}"
        mean = 0.2 + number * 0.3
        tables.sales(sku, steady(random, mean, 90))
        tables.stock(sku, random.randrange(0, int(mean * 25) + 2))
        tables.forecast(sku, 7 * mean)
        if number % 3 == 0:
            tables.line(sku, 1 + number % 4, "to_ship")
        if number % 5 == 0:
            tables.line(sku, 20, "unpaid", order_status="deposit_paid", paid_at=None)
    tables.con.commit()
    return tables
