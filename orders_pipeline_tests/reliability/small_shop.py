"""A shop of few orders that a test moves by hand, and a gateway before it that fails, drifts and lies on demand."""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from orders_pipeline.sandbox.clock import to_wire
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline_tests.sandbox.shop import a_refund, a_trade, an_order

Wire = dict[str, Any]

NEXT = {
    "WAIT_BUYER_PAY": ("WAIT_SELLER_SEND_GOODS", "TRADE_CLOSED_BY_TAOBAO"),
    "WAIT_SELLER_SEND_GOODS": ("WAIT_BUYER_CONFIRM_GOODS", "TRADE_CLOSED"),
    "WAIT_BUYER_CONFIRM_GOODS": ("TRADE_FINISHED", "TRADE_CLOSED"),
}
FAULTS = ("timeout", "ban", "html", "cut", "silence", "half a page", "no total")


class SmallShop:
    """Writes into a store what a few buyers do. ``now`` is the platform's."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.random = random.Random(seed)
        self._number = 0

    def create(self, now: datetime, late: timedelta) -> None:
        """An order placed ``late`` ago that is listed from now on."""
        self._number += 1
        trade = a_trade(self._number, to_wire(now - late), status="WAIT_BUYER_PAY")
        trade |= {"total_fee": "118.00", "post_fee": "0.00", "discount_fee": "0.00"}
        trade["orders"] = [an_order(trade["tid"], status="WAIT_BUYER_PAY")]
        self.store.put_trade(trade)

    def move_on(self, now: datetime, late: timedelta) -> None:
        """Some order takes its next step; the version is listed ``late`` after its time."""
        open_ones = [trade for trade in self.store.trades.values() if trade["status"] in NEXT]
        if not open_ones:
            return
        trade = dict(self.random.choice(open_ones))
        at = to_wire(max(now - late, _after(trade["modified"], now)))
        status = self.random.choice(NEXT[trade["status"]])
        trade |= {"status": status, "modified": at, "orders": [an_order(trade["tid"], status=status)]}
        if status == "WAIT_SELLER_SEND_GOODS":
            trade["pay_time"] = at
        self.store.put_trade(trade)

    def touch(self, now: datetime) -> None:
        """Some order is marked by the seller: nothing but its time changes, and it leaves the window it was in."""
        if self.store.trades:
            trade = dict(self.random.choice(list(self.store.trades.values())))
            trade["modified"] = to_wire(max(now, _after(trade["modified"], now)))
            self.store.put_trade(trade)

    def refund(self, now: datetime, late: timedelta) -> None:
        """A refund of some order is asked for."""
        if self.store.trades:
            self._number += 1
            tid = self.random.choice(list(self.store.trades))
            self.store.put_refund(a_refund(self._number, tid, to_wire(now - late)))

    def settle_refund(self, now: datetime) -> None:
        """Some refund is paid out."""
        if self.store.refunds:
            refund = dict(self.random.choice(list(self.store.refunds.values())))
            refund |= {"status": "SUCCESS", "modified": to_wire(max(now, _after(refund["modified"], now)))}
            self.store.put_refund(refund)


class Gate:
    """Stands before a sandbox's gateway: each planned fault meets one list call, each planned drift happens just before one."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self._answer = sandbox.gateway.answer
        self._sandbox = sandbox
        self.shop: SmallShop | None = None
        self.faults: deque[str] = deque()
        self.drifts = 0
        sandbox.gateway.answer = self.answer  # type: ignore[method-assign]

    def answer(self, verb: str, params: Mapping[str, str]) -> bytes:
        if not any(name.startswith("start_") for name in params):
            return self._answer(verb, params)
        if self.drifts and self.shop:
            self.drifts -= 1
            with self._sandbox.gateway.lock:
                self.shop.touch(self._sandbox.clock.now())
        honest = self._answer(verb, params)
        return wrong(self.faults.popleft(), honest) if self.faults else honest


def wrong(fault: str, honest: bytes) -> bytes:
    """What comes instead of an honest answer."""
    if fault == "html":
        return b"<html><body>502 Bad Gateway</body></html>"
    if fault == "cut":
        return honest[: len(honest) // 2]
    if fault in ("timeout", "ban"):
        error = {"code": 15, "msg": "Remote service error", "sub_code": "isp.remote-service-timeout"}
        if fault == "ban":
            error = {"code": 7, "msg": "App Call Limited", "sub_msg": "This ban will last for 3 more seconds"}
        return json.dumps({"error_response": error}).encode()
    body = json.loads(honest)
    (root,) = body
    if fault == "silence":
        return json.dumps({root: {"request_id": "1"}}).encode()
    if fault == "no total":
        body[root].pop("total_results", None)
        body[root]["has_next"] = True
    elif fault == "half a page":
        for rows in [inner for group in body[root].values() if isinstance(group, dict) for inner in group.values()]:
            del rows[len(rows) // 2 :]
    return json.dumps(body).encode()


def _after(modified: str, now: datetime) -> datetime:
    """A second after a row's version: versions only rise."""
    return datetime.fromisoformat(modified + "+08:00").astimezone(now.tzinfo) + timedelta(seconds=1)
