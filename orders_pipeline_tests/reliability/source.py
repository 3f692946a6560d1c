"""The shop of the scenarios: 351 orders before noon, 11 more and some changes between the syncs at 12:00, 12:10, 12:20."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from orders_pipeline.sandbox.clock import to_wire
from orders_pipeline.sandbox.store import Store
from orders_pipeline_tests.conftest import NOON

Wire = dict[str, Any]
FIRST_TID = 4_100_000_000_000_000_000
BEFORE_NOON = 351
"""Four pages of 100; the peers were measured with as many."""

LATER = 11
SINCE = NOON - timedelta(minutes=27)


def tid(number: int) -> int:
    return FIRST_TID + number * 10_007


def order_id(number: int) -> str:
    return str(tid(number))


def an_order(number: int, created: datetime, modified: datetime | None = None, **fields: Any) -> Wire:
    """Order ``number`` in the platform's words, its money in agreement; every third has two lines."""
    at, changed = to_wire(created), to_wire(modified or created)
    pieces = 2 if number % 3 == 0 else 1
    status = fields.get("status", "WAIT_SELLER_SEND_GOODS")
    lines = [
        {
            "oid": tid(number) + 1 + line,
            "status": status,
            "num_iid": 700_000_000_001 + line,
            "sku_id": str(5_000_000_000_001 + line),
            "outer_sku_id": f"SKU-{line}",
            "title": "短袖T恤",
            "num": 1 + number % 2,
            "price": "59.00",
            "total_fee": f"{59 * (1 + number % 2)}.00",
            "divide_order_fee": f"{59 * (1 + number % 2)}.00",
            "discount_fee": "0.00",
            "adjust_fee": "0.00",
            "refund_status": "NO_REFUND",
        }
        for line in range(pieces)
    ]
    total = f"{59 * (1 + number % 2) * pieces}.00"
    return {
        "tid": tid(number),
        "type": "fixed",
        "status": status,
        "seller_nick": "测试店",
        "created": at,
        "modified": changed,
        "pay_time": at,
        "total_fee": total,
        "payment": total,
        "post_fee": "0.00",
        "discount_fee": "0.00",
        "received_payment": "0.00",
        "receiver_state": "浙江省",
        "receiver_city": "杭州市",
        "orders": lines,
    } | fields


def orders_before_noon(count: int = BEFORE_NOON) -> list[Wire]:
    """Created and last changed between 11:33 and 11:56, about four seconds apart."""
    span = timedelta(minutes=23) / count
    return [an_order(number, SINCE + number * span) for number in range(count)]


class Script:
    """A world that does what it is told at the times it is told."""

    def __init__(self) -> None:
        self._events: list[tuple[datetime, Callable[[], None]]] = []

    def at(self, when: datetime, what: Callable[[], None]) -> None:
        self._events.append((when, what))

    def advance(self, to: datetime) -> None:
        due = sorted((event for event in self._events if event[0] <= to), key=lambda event: event[0])
        self._events = [event for event in self._events if event[0] > to]
        for _, what in due:
            what()


def a_shop(orders: list[Wire] | None = None, *, lives: bool = True) -> tuple[Store, Script]:
    """A store as of noon and, where it ``lives``, the script of what comes after: 11 orders, and 6 changes of older ones."""
    store, script = Store(), Script()
    for order in orders if orders is not None else orders_before_noon():
        store.put_trade(order)
    if not lives:
        return store, script
    for number in range(LATER):
        created = NOON + timedelta(seconds=95 + 100 * number)  # 12:01:35 to 12:18:15
        script.at(created, lambda n=number, c=created: store.put_trade(an_order(BEFORE_NOON + n, c)))  # type: ignore[misc]
    for step in range(6):
        when = NOON + timedelta(seconds=30 + 200 * step)  # 12:00:30 to 12:17:10
        script.at(when, lambda n=17 * step, w=when: ship(store, n, w))  # type: ignore[misc]
    return store, script


def ship(store: Store, number: int, at: datetime) -> None:
    """The order and its lines go from paid to shipped."""
    known = store.trades[tid(number)]
    lines = [line | {"status": "WAIT_BUYER_CONFIRM_GOODS"} for line in known["orders"]]
    changes = {"status": "WAIT_BUYER_CONFIRM_GOODS", "consign_time": to_wire(at), "modified": to_wire(at)}
    store.put_trade(known | changes | {"orders": lines})
