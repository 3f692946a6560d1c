"""What only the merchant knows: suppliers, terms of each SKU, purchase orders, receipts, events. Files in ``master/``.

A file that is absent switches its feature off, with a label; one that is there but wrong is a UserError with row and column.
Columns may carry English or Chinese headers. Reading cells is ``master_files.py``'s business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from orders_pipeline.replenishment.events import Event, load_events
from orders_pipeline.replenishment.master_files import (
    CellError,
    Column,
    choice,
    day,
    find_table,
    money,
    number,
    read_table,
    text,
    whole,
)
from orders_pipeline.settings import UserError

Closures = tuple[tuple[date, date], ...]


@dataclass(frozen=True, slots=True)
class SkuTerms:
    """What a supplier offers for one SKU; None = not stated. Money in yuan a unit."""

    sku: str
    supplier: str
    lead_days: float | None = None
    moq: int | None = None
    pack: int | None = None
    unit_cost: Decimal | None = None
    shelf_cap: int | None = None
    service_class: str | None = None
    category: str | None = None
    eol_date: date | None = None
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier's terms; ``closures`` are (first, last) days on which nothing is made or sent."""

    supplier: str
    lead_days: float | None = None
    review_days: int | None = None
    min_order_value: Decimal | None = None
    closures: Closures = ()


@dataclass(frozen=True, slots=True)
class PurchaseOrder:
    """One line of a purchase order: units not yet received."""

    po: str
    sku: str
    supplier: str
    units_left: int
    ordered_on: date
    eta: date | None
    draft: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """Goods received against a purchase order, ``lead_days`` after it where that order is known."""

    po: str
    sku: str
    units: int
    received_on: date
    supplier: str
    lead_days: int | None


@dataclass(frozen=True, slots=True)
class MasterData:
    """Everything from ``master/``. ``missing`` names the files that are absent; the first line of a SKU is the one used."""

    sku_terms: Mapping[str, SkuTerms] = field(default_factory=dict)
    suppliers: Mapping[str, Supplier] = field(default_factory=dict)
    purchase_orders: tuple[PurchaseOrder, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    events: tuple[Event, ...] = ()
    missing: tuple[str, ...] = ("suppliers", "sku_suppliers", "purchase_orders", "receipts", "events.yaml")


def closures(cell: str) -> Closures:
    """``2027-02-01~2027-02-12; 2027-10-01~2027-10-07`` as (first, last) pairs."""
    spans = []
    for span in cell.replace("；", ";").replace(",", ";").replace("，", ";").split(";"):
        if span.strip():
            ends = [day(end.strip()) for end in span.replace("～", "~").replace("至", "~").split("~")]
            if len(ends) > 2 or ends[0] > ends[-1]:
                raise CellError("must be spans such as 2027-02-01~2027-02-12")
            spans.append((ends[0], ends[-1]))
    return tuple(spans)


_SKU = Column("sku", ("merchant_sku", "商家编码", "编码", "货号"), text, required=True)
_SUPPLIER = ("供应商", "供应商名称")
_PO = Column("po", ("po_no", "采购单号", "单号"), text, required=True)
_LEAD = Column("lead_days", ("交期", "交期(天)", "交货天数", "到货天数"), number(0.5))

SKU_SUPPLIERS = (
    _SKU,
    Column("supplier", _SUPPLIER, text, required=True),
    _LEAD,
    Column("moq", ("起订量", "最小起订量", "最小采购量"), whole(1)),
    Column("pack", ("箱规", "装箱数", "包装基数"), whole(1)),
    Column("unit_cost", ("含税单价", "进价", "采购价", "单价"), money),
    Column("shelf_cap", ("货位容量", "最大库存", "库存上限"), whole(0)),
    Column("service_class", ("服务等级", "等级", "abc"), choice(A=("a",), B=("b",), C=("c",))),
    Column("category", ("类目", "分类"), text),
    Column("eol_date", ("停产日期", "下架日期"), day),
    Column("status", ("状态",), choice(active=("在售", "正常"), stopped=("停售", "停产", "下架"))),
)
SUPPLIERS = (
    Column("supplier", _SUPPLIER, text, required=True),
    _LEAD,
    Column("review_days", ("采购周期", "采购频率"), whole(1)),
    Column("min_order_value", ("起订金额", "最低金额"), money),
    Column("closures", ("放假", "停工"), closures),
)
PURCHASE_ORDERS = (
    _PO,
    _SKU,
    Column("supplier", _SUPPLIER, text),
    Column("quantity", ("qty", "采购数量", "数量"), whole(0)),
    Column("qty_left", ("未到数量", "未入库数量", "在途数量"), whole(0)),
    Column("ordered_at", ("下单日期", "采购日期"), day, required=True),
    Column("eta", ("预计到货日", "期望到货日", "到货日期"), day),
    Column(
        "status",
        ("状态",),
        choice(
            confirmed=("已确认", "已审核"), draft=("草稿", "待审核"), cancelled=("已取消", "作废"), closed=("已完成",)
        ),
    ),
)
RECEIPTS = (
    _PO,
    _SKU,
    Column("qty", ("quantity", "入库数量", "到货数量", "数量"), whole(0), required=True),
    Column("received_at", ("入库日期", "到货日期", "收货日期"), day, required=True),
)


def load_master(folder: Path) -> MasterData:
    """Read the files that are there. Raises UserError naming file, row and column of the first fault."""
    missing: list[str] = []

    def rows(stem: str, columns: tuple[Column, ...]) -> list[dict[str, Any]]:
        file = find_table(folder, stem)
        if file is None:
            missing.append(stem)
            return []
        return read_table(file, columns)

    suppliers = {
        row["supplier"]: Supplier(**(row | {"closures": row["closures"] or ()})) for row in rows("suppliers", SUPPLIERS)
    }
    terms: dict[str, SkuTerms] = {}
    for row in rows("sku_suppliers", SKU_SUPPLIERS):
        terms.setdefault(row["sku"], SkuTerms(**row))
    order_rows = rows("purchase_orders", PURCHASE_ORDERS)
    receipt_rows = rows("receipts", RECEIPTS)
    orders = _purchase_orders(folder, order_rows, receipt_rows, terms)
    events_file = folder / "events.yaml"
    if not events_file.is_file():
        missing.append("events.yaml")
    return MasterData(
        sku_terms=terms,
        suppliers=suppliers,
        purchase_orders=orders,
        receipts=_receipts(receipt_rows, order_rows, terms),
        events=load_events(events_file) if events_file.is_file() else (),
        missing=tuple(missing),
    )


def _purchase_orders(
    folder: Path, rows: list[dict[str, Any]], receipts: list[dict[str, Any]], terms: Mapping[str, SkuTerms]
) -> tuple[PurchaseOrder, ...]:
    """Open lines. Where a file says only what was ordered, receipts of the same order and SKU are taken off, first line first."""
    received: dict[tuple[str, str], int] = defaultdict(int)
    for row in receipts:
        received[row["po"], row["sku"]] += row["qty"]
    orders = []
    for row in rows:
        left = row["qty_left"]
        if left is None:
            if row["quantity"] is None:
                raise UserError(
                    f"{folder}: purchase_orders, order {row['po']}, SKU {row['sku']}: "
                    f"fill in quantity (采购数量) or qty_left (未到数量)."
                )
            used = min(received[row["po"], row["sku"]], row["quantity"])
            received[row["po"], row["sku"]] -= used
            left = row["quantity"] - used
        if row["status"] in ("cancelled", "closed"):
            continue
        orders.append(
            PurchaseOrder(
                po=row["po"],
                sku=row["sku"],
                supplier=row["supplier"] or (terms[row["sku"]].supplier if row["sku"] in terms else ""),
                units_left=left,
                ordered_on=row["ordered_at"],
                eta=row["eta"],
                draft=row["status"] == "draft",
            )
        )
    return tuple(orders)


def _receipts(
    rows: list[dict[str, Any]], orders: list[dict[str, Any]], terms: Mapping[str, SkuTerms]
) -> tuple[Receipt, ...]:
    ordered = {(row["po"], row["sku"]): row for row in reversed(orders)}
    receipts = []
    for row in rows:
        order = ordered.get((row["po"], row["sku"]))
        days = (row["received_at"] - order["ordered_at"]).days if order else None
        stated = (order or {}).get("supplier") or (terms[row["sku"]].supplier if row["sku"] in terms else "")
        receipts.append(
            Receipt(
                po=row["po"],
                sku=row["sku"],
                units=row["qty"],
                received_on=row["received_at"],
                supplier=stated,
                lead_days=max(days, 1) if days is not None and days >= 0 else None,
            )
        )
    return tuple(receipts)
