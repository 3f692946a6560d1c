"""The stock position of each merchant SKU: what is there, what is spoken for, what is coming. Writes planning.stock_position.

The statement is ``position.sql``; what to order stands in ``policy.py``. Its rules:

- ``available = on_hand − reserved − ceil(frozen × conversion)``; negative = oversold.
- ``reserved``: units of paid lines (and of cash on delivery) that have not left, gifts included: they need goods too.
  ``frozen``: units of presale orders whose deposit is paid and whose final payment is not. The final payment moves a unit
  from frozen to reserved. The sales history leaves presales out, so each unit counts once.
- **A shop's quantity is net of its paid orders.** Taobao and Tmall take a unit off when it is ordered (sub_stock 1) or paid
  (sub_stock 2), not when it is shipped. Deducting ``reserved`` from it would count every unshipped order twice, so
  ``on_hand`` (what lies in the warehouse) is the shop's quantity *plus* reserved, less what was paid after the count.
  A warehouse system's count is not net: for it ``snapshot_is_net`` is false and ``on_hand`` is the count less what was
  shipped since. Deposits are unpaid orders to the platform: still in its quantity, so ``frozen`` is deducted either way.
- ``withheld`` (ordered, unpaid) is not deducted: most such orders are paid within the hour or never.
- A platform's quantity stops at 0, so units sold beyond it cannot be seen in a net count: an oversold SKU shows 0 free.
- A refund before shipping after the count shows with the next count, when the platform puts the unit back on sale.
- Shops that sell from one stock (a pool) show the same goods: one count is taken, the newest, never the sum.
- ``on_order``: all that suppliers still owe, late or not, drafts younger than three days, and suggestions taken up in the
  last three days that have no purchase order yet. Older drafts have been forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from orders_pipeline.replenishment.master import MasterData

_SQL = (Path(__file__).parent / "position.sql").read_text(encoding="utf-8")
DRAFT_DAYS = 3  # a draft that is not confirmed within three days has been dropped more often than not


@dataclass(frozen=True, slots=True)
class PositionSettings:
    """What the tables do not say.

    ``pools``: shop → name of the stock it sells from; a shop that is not named has its own. ``snapshot_is_net``: shop →
    whether its counts already lack paid, unshipped units (default: yes, as on Taobao and Tmall). ``deposit_conversion``:
    share of deposits whose final payment follows; 1.0 until the shop's own rate is measured, so that nobody is sold short.
    ``resell_rate``: share of returned units that can be sold again; 0 until measured.
    """

    pools: Mapping[str, str] = field(default_factory=dict)
    snapshot_is_net: Mapping[str, bool] = field(default_factory=dict)
    deposit_conversion: float = 1.0
    resell_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class PositionReport:
    """What was written, and what is wrong in the data. ``unmapped``: sold SKUs without any stock count."""

    as_of: date
    rows: int
    on_hand: int
    oversold: tuple[str, ...]
    negative: tuple[str, ...]
    unmapped: tuple[str, ...]
    oldest_snapshot: datetime | None


def refresh_stock_position(
    con: duckdb.DuckDBPyConnection, as_of: date, master: MasterData, settings: PositionSettings | None = None
) -> PositionReport:
    """Replace the rows of ``as_of`` in planning.stock_position by the position now. Runs in the caller's transaction."""
    settings = settings or PositionSettings()
    shops = sorted({*settings.pools, *settings.snapshot_is_net})
    orders = [
        order
        for order in master.purchase_orders
        if order.units_left > 0 and (not order.draft or order.ordered_on > as_of - timedelta(days=DRAFT_DAYS))
    ]
    parameters = {
        "as_of": as_of,
        "shops": shops,
        "pools": [settings.pools.get(shop, shop) for shop in shops],
        "is_net": [settings.snapshot_is_net.get(shop, True) for shop in shops],
        "conversion": settings.deposit_conversion,
        "resell_rate": settings.resell_rate,
        "draft_days": DRAFT_DAYS,
        "order_skus": [order.sku for order in orders],
        "order_units": [order.units_left for order in orders],
        "order_days": [order.ordered_on for order in orders],
        "receipt_skus": [receipt.sku for receipt in master.receipts],
        "receipt_units": [receipt.units for receipt in master.receipts],
        "receipt_days": [receipt.received_on for receipt in master.receipts],
    }
    con.execute("DELETE FROM planning.stock_position WHERE as_of = ?", [as_of])
    con.execute(f"INSERT INTO planning.stock_position BY NAME {_SQL}", parameters)
    return _report(con, as_of)


def _report(con: duckdb.DuckDBPyConnection, as_of: date) -> PositionReport:
    def skus(query: str) -> tuple[str, ...]:
        return tuple(str(row[0]) for row in con.execute(query, [as_of]).fetchall())

    row = con.execute(
        "SELECT count(*), coalesce(sum(on_hand), 0), min(snapshot_at) FROM planning.stock_position WHERE as_of = ?",
        [as_of],
    ).fetchone()
    rows, on_hand, oldest = row or (0, 0, None)
    of_day = "SELECT merchant_sku FROM planning.stock_position WHERE as_of = ?"
    return PositionReport(
        as_of=as_of,
        rows=int(rows),
        on_hand=int(on_hand),
        oversold=skus(f"{of_day} AND available < 0 ORDER BY ALL"),
        negative=skus(f"{of_day} AND on_hand < 0 ORDER BY ALL"),
        unmapped=skus(
            # 60 days: what has not sold for longer is not about to be ordered
            "SELECT DISTINCT merchant_sku FROM planning.daily_sku_sales WHERE date >= $1::DATE - 60 AND units > 0 "
            "AND merchant_sku NOT IN (SELECT merchant_sku FROM planning.stock_position WHERE as_of = $1) ORDER BY ALL"
        ),
        oldest_snapshot=oldest,
    )
