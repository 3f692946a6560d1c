"""What the sandbox platform knows of its one seller, in the platform's own words (wire dicts).

The world (or a replay, or a test) writes, the gateway reads. No HTTP, no permissions and no paging here, and no idea of
how a shop behaves.

Dates are wire strings "yyyy-MM-dd HH:mm:ss" (GMT+8), money strings such as "12.30", ids integers except
``Order.sku_id`` and ``refund_id``, which are strings on the wire. A dict that was put may be changed in place, but the
change is only seen by time windows once it is put again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any, Literal

import msgspec

from orders_pipeline.sandbox.index import TimeIndex
from orders_pipeline.sandbox.messages import MessageQueue

Wire = dict[str, Any]
TradeAxis = Literal["created", "modified", "arrived"]


class Store:
    """One seller's trades, refunds, items, parcels and messages.

    ``trades``: tid -> Trade; "orders" is a plain list of Order dicts (the gateway wraps it into {"order": [...]}).
    ``promotions``: tid -> promotion_detail dicts, which only fullinfo returns.
    ``refunds``: refund_id -> Refund. ``items``: num_iid -> Item; "skus" is a plain list of Sku dicts.
    ``unlisted`` and ``unknown``: trades that a fault keeps out of the lists, and out of the reads of one trade.
    ``shuffle_ties``: the chance by which a fault orders rows of one second anew at every call.
    ``shippings``: tid -> Shipping dicts. ``traces``: tid -> [{out_sid, company_name, status, trace_list: [step, ...]}].
    """

    def __init__(self, seller_nick: str = "测试店", user_id: int = 2200000001) -> None:
        self.seller_nick = seller_nick
        self.user_id = user_id
        self.trades: dict[int, Wire] = {}
        self.promotions: dict[int, list[Wire]] = {}
        self.refunds: dict[str, Wire] = {}
        self.items: dict[int, Wire] = {}
        self.shippings: dict[int, list[Wire]] = {}
        self.traces: dict[int, list[Wire]] = {}
        self.messages = MessageQueue(user_id, seller_nick)
        self.unlisted: list[Callable[[Wire], bool]] = []
        self.unknown: list[Callable[[Wire], bool]] = []
        self.shuffle_ties: Random | None = None
        self.stock_update_keys: set[str] = set()  # outer_biz_key of each tmall delta that was applied
        self._trade_times: dict[TradeAxis, TimeIndex[int]] = {
            "created": TimeIndex(),
            "modified": TimeIndex(),
            "arrived": TimeIndex(),
        }
        self._refunds_modified: TimeIndex[str] = TimeIndex()
        self._parcels: dict[str, Wire] = {}
        self._parcels_created: TimeIndex[str] = TimeIndex()

    def put_trade(self, trade: Wire, promotions: list[Wire] | None = None, *, arrived: str | None = None) -> None:
        """Insert or update by ``tid``. Needs tid, created, modified, status, type and orders.

        ``arrived`` is when this version reached the seller's database (``async_modified`` on the wire, incrementv's
        axis); default: its ``modified``.
        """
        tid = trade["tid"]
        trade["async_modified"] = arrived or trade["modified"]
        self.trades[tid] = trade
        if promotions is not None:
            self.promotions[tid] = promotions
        self._trade_times["created"].put(tid, trade["created"])
        self._trade_times["modified"].put(tid, trade["modified"])
        self._trade_times["arrived"].put(tid, trade["async_modified"])

    def put_refund(self, refund: Wire) -> None:
        """Insert or update by ``refund_id`` (a string). Needs tid, oid, status, created and modified."""
        self.refunds[refund["refund_id"]] = refund
        self._refunds_modified.put(refund["refund_id"], refund["modified"])

    def put_item(self, item: Wire) -> None:
        """Insert or update by ``num_iid``."""
        self.items[item["num_iid"]] = item

    def put_shipping(self, shipping: Wire) -> None:
        """Insert or update a parcel by ``order_code`` (a string, unique). Needs tid and created."""
        code = shipping["order_code"]
        known = self._parcels.get(code)
        if known is not shipping:
            parcels = self.shippings.setdefault(shipping["tid"], [])
            if known is not None:
                parcels.remove(known)
            parcels.append(shipping)
            self._parcels[code] = shipping
        self._parcels_created.put(code, shipping["created"])

    def put_trace(self, tid: int, trace: Wire) -> None:
        """Insert or replace one parcel's trace by ``out_sid``."""
        traces = [other for other in self.traces.get(tid, []) if other["out_sid"] != trace["out_sid"]]
        self.traces[tid] = [*traces, trace]

    def announce(self, topic: str, content: Wire, at: datetime) -> None:
        """Send a message; kept only if the seller has permitted ``topic`` by then. ``at`` is aware."""
        self.messages.put(topic, content, at)

    def trades_by(self, axis: TradeAxis, start: str, end: str, *, flip_ties: bool = False) -> list[Wire]:
        """Trades whose time on ``axis`` lies in [start, end], newest first."""
        trades, index = self.trades, self._trade_times[axis]
        found = [trades[tid] for tid in index.newest_first(start, end, flip_ties=flip_ties)]
        if self.unlisted:
            found = [trade for trade in found if not any(hides(trade) for hides in self.unlisted)]
        if self.shuffle_ties:
            self.shuffle_ties.shuffle(found)
            field = "async_modified" if axis == "arrived" else axis
            found.sort(key=lambda trade: trade[field], reverse=True)
        return found

    def trade(self, tid: int) -> Wire | None:
        """One trade as it may be asked for; None where the platform does not know it."""
        trade = self.trades.get(tid)
        return None if trade is None or any(hides(trade) for hides in self.unknown) else trade

    def refunds_by_modified(self, start: str, end: str, *, flip_ties: bool = False) -> list[Wire]:
        """Refunds modified in [start, end], newest first."""
        refunds = self.refunds
        return [refunds[key] for key in self._refunds_modified.newest_first(start, end, flip_ties=flip_ties)]

    def shippings_by_created(self, start: str, end: str, *, flip_ties: bool = False) -> list[Wire]:
        """Parcels created in [start, end], newest first."""
        parcels = self._parcels
        return [parcels[code] for code in self._parcels_created.newest_first(start, end, flip_ties=flip_ties)]

    def truth(self) -> Wire:
        """Everything, as a deep copy of ``snapshot``."""
        copy: Wire = msgspec.msgpack.decode(msgspec.msgpack.encode(self.snapshot()))
        return copy

    def snapshot(self) -> Wire:
        """Everything, not copied: lists of wire dicts, promotions and traces with their tid, unconfirmed messages."""
        return {
            "seller_nick": self.seller_nick,
            "user_id": self.user_id,
            "trades": list(self.trades.values()),
            "promotions": [{"tid": tid, "promotion_details": rows} for tid, rows in self.promotions.items()],
            "refunds": list(self.refunds.values()),
            "items": list(self.items.values()),
            "shippings": [row for rows in self.shippings.values() for row in rows],
            "traces": [{"tid": tid, "traces": rows} for tid, rows in self.traces.items()],
            "messages": self.messages.all(),
        }
