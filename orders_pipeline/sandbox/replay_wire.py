"""Trades, refunds and items of a replay, as the platform would show them: paid, finished, refunded after the end.

The rules of what becomes a sale or a refund are in ``replay.py``. Replayed trades know no discounts, freight or parcels,
because the tables they come from do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from orders_pipeline.sandbox.world.wire import money

if TYPE_CHECKING:
    from orders_pipeline.sandbox.replay import Row
    from orders_pipeline.sandbox.store import Store

Wire = dict[str, Any]

SETTLES_WITHIN = 3  # seconds from order to end: one each for payment, shipping and confirmation
FIRST_TID, ID_STEP, LINES_PER_TRADE = 4_100_000_000_000_000_000, 10_007, 4096  # an invoice has up to 1,350 lines
FIRST_REFUND = 282_000_000_000_000_000
FIRST_ITEM = 800_000_000_001
COVER_DAYS = 28  # of mean sales lie in stock: a wholesaler's month
_FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass(slots=True)
class Sale:
    """A line that can be refunded: ``left`` is the quantity that has not been."""

    trade: Wire
    order: Wire
    left: int


class Shop:
    """Collects a replay's trades and writes them into a store at the end."""

    def __init__(self, seller_nick: str) -> None:
        self._nick = seller_nick
        self._trades: dict[str, Wire] = {}  # by invoice
        self._refunds: list[Wire] = []
        self._items: dict[str, Wire] = {}  # by code

    def sell(self, row: Row, price: int, at: datetime) -> Sale:
        """Add a line (price in fen) to the trade of its invoice; the trade is created with its first line."""
        trade = self._trades.get(row.invoice)
        if trade is None:
            trade = self._trades[row.invoice] = self._trade(row, at)
        item = self._item(row, price, at)
        item["sold_quantity"] += row.quantity
        orders: list[Wire] = trade["orders"]
        fee = money(price * row.quantity)
        order = {
            "oid": trade["tid"] + ID_STEP * (len(orders) + 1), "status": "TRADE_FINISHED", "title": item["title"],
            "num_iid": item["num_iid"], "num": row.quantity, "cid": item["cid"], "outer_iid": row.code, "price": money(price),
            "total_fee": fee, "payment": fee, "divide_order_fee": fee, "discount_fee": "0.00", "adjust_fee": "0.00",
            "refund_status": "NO_REFUND", "seller_type": "B", "consign_time": trade["consign_time"],
            "end_time": trade["end_time"], "is_oversold": False,
        }  # fmt: skip
        orders.append(order)
        return Sale(trade, order, row.quantity)

    def refund(self, sale: Sale, quantity: int, price: int, at: datetime) -> None:
        """Refund part of a sale (price in fen), after the trade's end."""
        sale.left -= quantity
        trade, order = sale.trade, sale.order
        now = max(at.strftime(_FORMAT), trade["end_time"])
        refund_id = str(FIRST_REFUND + len(self._refunds) * 31)
        order["refund_status"], order["refund_id"] = "SUCCESS", refund_id
        trade["modified"] = now
        self._refunds.append({
            "refund_id": refund_id, "tid": trade["tid"], "oid": order["oid"], "status": "SUCCESS", "num": quantity,
            "order_status": "TRADE_FINISHED", "refund_phase": "aftersale", "dispute_type": "REFUND_AND_RETURN",
            "good_status": "BUYER_RETURNED_GOODS", "has_good_return": True, "refund_fee": money(price * quantity),
            "reason": "不想要了", "desc": "", "title": order["title"], "num_iid": order["num_iid"], "price": order["price"],
            "outer_id": order["outer_iid"], "sku": "", "created": now, "modified": now, "end_time": now,
            "buyer_open_uid": trade["buyer_open_uid"], "buyer_nick": trade["buyer_nick"], "seller_nick": self._nick,
        })  # fmt: skip

    def write(self, store: Store, days: int) -> tuple[int, int]:
        """Put everything into the store; returns the numbers of trades and refunds. ``days``: length of the replay."""
        for item in self._items.values():
            item["num"] = item["sold_quantity"] * COVER_DAYS // days + 1
            store.put_item(item)
        for trade in self._trades.values():
            orders = trade["orders"]
            total = sum(_fen(order["total_fee"]) for order in orders)
            trade["total_fee"] = trade["payment"] = trade["received_payment"] = money(total)
            if len(orders) == 1:
                trade |= {key: orders[0][key] for key in ("num", "num_iid", "price")}
            store.put_trade(trade, [])
        for refund in self._refunds:
            paid = store.trades[refund["tid"]]["payment"]
            refund |= {"total_fee": paid, "payment": money(_fen(paid) - _fen(refund["refund_fee"]))}
            store.put_refund(refund)
        return len(self._trades), len(self._refunds)

    def _trade(self, row: Row, at: datetime) -> Wire:
        created, paid, sent, ended = ((at + timedelta(seconds=s)).strftime(_FORMAT) for s in range(SETTLES_WITHIN + 1))
        known = row.customer is not None
        return {
            "tid": FIRST_TID + len(self._trades) * ID_STEP * LINES_PER_TRADE, "status": "TRADE_FINISHED", "type": "fixed",
            "title": self._nick, "seller_nick": self._nick, "buyer_nick": "买**", "created": created, "pay_time": paid,
            "consign_time": sent, "end_time": ended, "modified": ended, "num": 0, "post_fee": "0.00", "discount_fee": "0.00",
            "adjust_fee": "0.00", "available_confirm_fee": "0.00", "cod_status": "NEW_CREATED", "shipping_type": "free",
            "buyer_open_uid": f"AAHreplay{row.customer:08d}" if known else f"AAHguest{row.invoice}",
            "receiver_country": row.country or "", "receiver_state": row.country or "", "orders": [],
        }  # fmt: skip

    def _item(self, row: Row, price: int, at: datetime) -> Wire:
        item = self._items.get(row.code)
        if item is None:
            day = at.strftime(_FORMAT)
            item = self._items[row.code] = {
                "num_iid": FIRST_ITEM + len(self._items), "title": row.code, "cid": 50008163, "outer_id": row.code, "num": 0,
                "with_hold_quantity": 0, "sub_stock": 2, "sold_quantity": 0, "approve_status": "onsale", "list_time": day,
                "modified": day, "skus": [],
            }  # fmt: skip
        item["price"] = money(price)  # the newest
        if row.description:
            item["title"] = row.description.strip()
        return item


def _fen(text: str) -> int:
    return int(text.replace(".", ""))
