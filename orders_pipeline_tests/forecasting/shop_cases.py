"""Orders, lines, refunds and stock counts to test daily sales with, and the rules recomputed row by row in plain Python."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import duckdb
from hypothesis import strategies as st

CST = timezone(timedelta(hours=8))
DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=CST)


@dataclass
class Shop:
    """Rows as dicts, with defaults for what a case does not name."""

    orders: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    refunds: list[dict[str, Any]]
    counts: list[dict[str, Any]]

    @classmethod
    def empty(cls) -> Shop:
        return cls([], [], [], [])

    def order(self, paid_at: datetime | None = NOON, **more: Any) -> str:
        order_id = f"o{len(self.orders)}"
        created = (paid_at or NOON) - timedelta(minutes=5)
        self.orders.append(
            {"platform": "taobao", "shop": "a", "order_id": order_id, "order_type": "fixed", "status": "to_ship",
             "created_at": created, "paid_at": paid_at, "shipped_at": None, "modified_at": paid_at or NOON,
             "synced_at": paid_at or NOON, "presale_step": None, "vanished_at": None} | more
        )  # fmt: skip
        return order_id

    def line(self, order_id: str, **more: Any) -> str:
        line_id = f"l{len(self.lines)}"
        base = {"platform": "taobao", "shop": "a", "line_id": line_id, "order_id": order_id, "product_id": "7", "sku_id": "8",
                "merchant_sku": "TEE", "quantity": 2, "unit_price": Decimal("10.00"), "paid_amount": Decimal("20.00"),
                "status": "to_ship", "is_gift": False, "tracking_number": None, "shipped_at": None}  # fmt: skip
        self.lines.append(base | more)
        return line_id

    def refund(self, line_id: str, at: datetime = NOON, **more: Any) -> None:
        base = {"platform": "taobao", "shop": "a", "refund_id": f"r{len(self.refunds)}", "order_id": None, "line_id": line_id,
                "status": "refunded", "refunded_amount": Decimal("20.00"), "quantity": None, "goods_returned": False,
                "refunded_at": at, "modified_at": at, "created_at": at, "synced_at": at}  # fmt: skip
        owner = next(line["order_id"] for line in self.lines if line["line_id"] == line_id)
        self.refunds.append(base | {"order_id": owner} | more)

    def count(self, at: datetime, on_hand: int, merchant_sku: str | None = "TEE", sku_id: str = "8") -> None:
        self.counts.append({"platform": "taobao", "shop": "a", "product_id": "7", "sku_id": sku_id, "merchant_sku": merchant_sku,
                            "on_hand": on_hand, "snapshot_at": at})  # fmt: skip

    def carried(self, line: dict[str, Any]) -> dict[str, Any]:
        """What a line says of its order and its neighbours, worked out from them."""
        order = next(order for order in self.orders if order["order_id"] == line["order_id"])
        skus = [sku_of(other) for other in self.lines if other["order_id"] == line["order_id"]]
        sent = line["tracking_number"] or line["status"] in ("shipped", "completed")
        return {
            "sku": sku_of(line),
            "order_shipped_at": order["shipped_at"] if line["shipped_at"] is None and sent else None,
            "paid_on": order["paid_at"] and order["paid_at"].astimezone(CST).date(),
            "is_presale": order["order_type"] == "step" or bool(order["presale_step"]),
            "skus_differ": len(set(skus)) == len(skus),
            "early_refund_units": self.refunded_early(line)[0],
            "early_refund_amount": self.refunded_early(line)[1],
        }

    def refunded_early(self, line: dict[str, Any]) -> tuple[int, Decimal]:
        """Units and money of a line that were refunded before it was sent."""
        order = next(order for order in self.orders if order["order_id"] == line["order_id"])
        shipped = line["shipped_at"]
        if shipped is None and (line["tracking_number"] or line["status"] in ("shipped", "completed")):
            shipped = order["shipped_at"]
        if shipped is None and line["status"] in ("closed_refunded", "closed_unpaid"):
            return line["quantity"], line["paid_amount"]
        gone, money = 0, Decimal(0)
        for refund in self.refunds:
            if refund["line_id"] != line["line_id"] or refund["status"] != "refunded" or refund["goods_returned"]:
                continue
            if shipped is not None and refund["refunded_at"] >= shipped:
                continue
            asked = line["quantity"] if refund["quantity"] is None else refund["quantity"]
            if line["paid_amount"]:
                asked = min(asked, int(line["quantity"] * refund["refunded_amount"] / line["paid_amount"]))
            gone += asked
            money += refund["refunded_amount"]
        return min(gone, line["quantity"]), min(money, line["paid_amount"])

    def store(self, con: duckdb.DuckDBPyConnection) -> None:
        """Replace what ``core`` holds; columns the rules do not look at get a blank."""
        tables = {
            "orders": self.orders,
            "order_lines": self.lines,
            "refunds": self.refunds,
            "stock_snapshots": self.counts,
        }
        for table, rows in tables.items():
            con.execute(f"DELETE FROM core.{table}")
            described = con.execute(f"DESCRIBE core.{table}").fetchall()
            for row in rows:
                full = dict(row)
                if table == "order_lines":
                    full |= self.carried(row)
                if table == "orders":
                    full["created_on"] = row["created_at"].astimezone(CST).date()
                    full["paid_on"] = row["paid_at"] and row["paid_at"].astimezone(CST).date()
                for name, kind, nullable, *_ in described:
                    if nullable == "NO" and name not in full:
                        full[name] = "x" if kind == "VARCHAR" else 0
                con.execute(
                    f"INSERT INTO core.{table} ({', '.join(full)}) VALUES ({', '.join('?' * len(full))})",
                    list(full.values()),
                )


def sku_of(row: dict[str, Any]) -> str:
    code = (row["merchant_sku"] or "").strip()
    return code or f"{row['platform']}:{row['product_id']}:{row['sku_id']}"


def listing_of(count: dict[str, Any]) -> tuple[Any, ...]:
    return count["product_id"], count["sku_id"], count["merchant_sku"]


def brute_force(shop: Shop) -> set[tuple[Any, ...]]:
    """The rules of ``daily_sales.py``, row by row."""
    orders = {order["order_id"]: order for order in shop.orders}
    units: dict[tuple[str, date], int] = defaultdict(int)
    refunded: dict[tuple[str, date], int] = defaultdict(int)
    revenue: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    buyers: dict[tuple[str, date], set[str]] = defaultdict(set)
    for line in shop.lines:
        order = orders[line["order_id"]]
        if order["paid_at"] is None or order["vanished_at"] or order["order_type"] == "step" or order["presale_step"]:
            continue
        if line["is_gift"] or line["unit_price"] == 0:
            continue
        gone, money = shop.refunded_early(line)
        key = (sku_of(line), order["paid_at"].astimezone(CST).date())
        units[key] += line["quantity"] - gone
        refunded[key] += gone
        revenue[key] += line["paid_amount"] - money
        buyers[key] |= {order["order_id"]} if line["quantity"] > gone else set()
    first = {
        sku: min(day for (s, day), n in units.items() if s == sku and n)
        for sku in {s for (s, _), n in units.items() if n}
    }
    paid_days = [o["paid_at"].astimezone(CST).date() for o in shop.orders if o["paid_at"]]
    counted_days = [c["snapshot_at"].astimezone(CST).date() for c in shop.counts]
    rows = set()
    days = paid_days + counted_days
    for sku in {s for s, _ in units} | {sku_of(c) for c in shop.counts}:
        for n in range((max(days) - min(days)).days + 1 if days else 0):
            day = min(days) + timedelta(days=n)
            seen = []
            for listing in {listing_of(c) for c in shop.counts if sku_of(c) == sku}:
                own = sorted((c["snapshot_at"], c["on_hand"]) for c in shop.counts if listing_of(c) == listing)
                today = [amount for at, amount in own if at.astimezone(CST).date() == day]
                before = [amount for at, amount in own if at.astimezone(CST).date() == day - timedelta(days=1)]
                seen += today + before[-1:]
            in_stock = None if not seen else max(seen) > 0 or units.get((sku, day), 0) > 0
            key = (sku, day)
            if key in units or (in_stock is False and sku in first and first[sku] <= day):
                money = revenue.get(key, Decimal(0)).quantize(Decimal("0.01"))
                rows.add((sku, day, units.get(key, 0), len(buyers.get(key, ())), money, refunded.get(key, 0), in_stock))
    return rows


TIMES = st.integers(0, 6 * 12).map(lambda n: datetime(2026, 3, 8, tzinfo=CST) + timedelta(hours=2 * n))
"""Six days in steps of two hours: midnights of Shanghai and of UTC are among them, and times that coincide are common."""


@st.composite
def shops(draw: st.DrawFn) -> Shop:
    shop = Shop.empty()
    for _ in range(draw(st.integers(0, 6))):
        paid_at = draw(st.one_of(TIMES, TIMES, st.none()))
        shipped_at = draw(st.one_of(st.none(), TIMES))
        order_id = shop.order(
            paid_at,
            order_type=draw(st.sampled_from(["fixed", "fixed", "ec", "step", None])),
            presale_step=draw(st.sampled_from([None, None, None, "FRONT_PAID_FINAL_PAID"])),
            vanished_at=draw(st.sampled_from([None, None, None, NOON])),
            shipped_at=shipped_at,
        )
        for _ in range(draw(st.integers(1, 3))):
            quantity = draw(st.integers(1, 4))
            paid = Decimal(draw(st.integers(0, 3000))) / 100
            line_id = shop.line(
                order_id,
                merchant_sku=draw(st.sampled_from(["TEE", "SOCK", " TEE ", "", None])),
                sku_id=draw(st.sampled_from(["8", ""])),
                quantity=quantity,
                paid_amount=paid,
                unit_price=draw(st.sampled_from([Decimal("10.00"), Decimal("10.00"), Decimal("0.00")])),
                is_gift=draw(st.sampled_from([False, False, False, True])),
                status=draw(st.sampled_from(["to_ship", "shipped", "completed", "closed_refunded", "unknown"])),
                shipped_at=draw(st.sampled_from([None, shipped_at])),
                tracking_number=draw(st.sampled_from([None, "SF1"])),
            )
            for _ in range(draw(st.integers(0, 2))):
                share = draw(st.sampled_from([0, 1, 2, 4]))
                shop.refund(
                    line_id,
                    draw(TIMES),
                    status=draw(st.sampled_from(["refunded", "refunded", "requested", "closed"])),
                    refunded_amount=(paid * share / 4).quantize(Decimal("0.01")),
                    quantity=draw(st.sampled_from([None, quantity, 1])),
                    goods_returned=draw(st.sampled_from([False, False, None, True])),
                )
    counts = draw(
        st.dictionaries(
            st.tuples(TIMES, st.sampled_from(["TEE", "SOCK", None])), st.sampled_from([0, 0, 3]), max_size=6
        )
    )
    for (at, code), on_hand in counts.items():
        shop.count(at, on_hand, code)
    return shop
