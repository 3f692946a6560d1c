"""Shops to test against, grown once per session, with every version that was ever written to the store."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sandbox.messages import TOPICS
from orders_pipeline.sandbox.store import Store
from orders_pipeline.sandbox.world import World

START = datetime(2025, 10, 20, tzinfo=SHOP_TZ)  # presale, 11.11 and its aftermath lie in the next five weeks
DAYS = 36


class RecordingStore(Store):
    """A store that keeps a copy of each version."""

    def __init__(self) -> None:
        super().__init__()
        self.trade_versions: dict[int, list[dict[str, Any]]] = {}
        self.refund_versions: dict[str, list[dict[str, Any]]] = {}

    def put_trade(self, trade: Any, promotions: Any = None, **more: Any) -> None:
        super().put_trade(trade, promotions, **more)
        self.trade_versions.setdefault(trade["tid"], []).append(copy.deepcopy(trade))

    def put_refund(self, refund: Any) -> None:
        super().put_refund(refund)
        self.refund_versions.setdefault(refund["refund_id"], []).append(copy.deepcopy(refund))


def permit_all(store: Store) -> None:
    store.messages.topics = TOPICS


@cache
def grown() -> RecordingStore:
    """About 8,000 orders of a shop, with all their versions; every TMC topic is permitted."""
    store = RecordingStore()
    permit_all(store)
    World(store, seed=11, start=START, orders_per_day=150).advance(START + timedelta(days=DAYS))
    return store


def fen(text: str) -> int:
    """Written here again, apart from the sandbox's own formatting: "12.30" -> 1230."""
    yuan, cents = text.split(".")
    assert len(cents) == 2
    return (-1 if text.startswith("-") else 1) * (abs(int(yuan)) * 100 + int(cents))
