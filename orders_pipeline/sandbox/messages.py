"""The seller's TMC message queue: what is permitted, pending, in flight and confirmed.

Delivery rules only; parameters and answers of the tmc.* APIs are in ``apis/tmc.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from orders_pipeline.clock import SHOP_TZ

REDELIVER_AFTER = timedelta(minutes=5)  # spec section 6: unconfirmed pulls come again after "about 5 minutes"
KEEP_FOR = timedelta(days=3)  # spec section 6, emulator default; clients may count on 24 hours only (decisions 20)
DEFAULT_GROUP = "default"

TOPICS = frozenset(
    [f"taobao_trade_{name}" for name in (
        "TradeCreate", "TradeBuyerStepPay", "TradeBuyerPay", "TradePartlySellerShip", "TradeSellerShip",
        "TradePartlyRefund", "TradePartlyConfirmPay", "TradeSuccess", "TradeClose", "TradeCloseAndModifyDetailOrder",
        "TradeModifyFee", "TradeChanged", "TradeDelayConfirmPay", "TradeMemoModified", "TradeLogisticsAddressChanged",
        "OrderSkuChanged", "TradeTimeoutRemind", "TradeRated", "TradeAlipayCreate",
    )]
    + [f"taobao_refund_{name}" for name in (
        "RefundCreated", "RefundSellerAgreeAgreement", "RefundSellerRefuseAgreement", "RefundBuyerModifyAgreement",
        "RefundBuyerReturnGoods", "RefundCreateMessage", "RefundClosed", "RefundSuccess", "TaobaoInterApplied",
        "TaobaoIntervened",
    )]
    + ["taobao_logistics_LogsticDetailTrace"]
    + [f"taobao_item_{name}" for name in ("ItemStockChanged", "ItemSkuZeroStock", "ItemZeroStock")]
)  # fmt: skip
"""What the app has subscribed in its console: every topic of the spec's section 6."""


@dataclass(slots=True)
class _Pending:
    message: dict[str, Any]
    group: str
    published: datetime
    visible: datetime  # not handed out before: moves on by REDELIVER_AFTER at each delivery
    deliveries: int = 0


@dataclass(slots=True)
class MessageQueue:
    """At-least-once delivery to one seller's groups. Times are aware datetimes of the sandbox clock."""

    user_id: int
    user_nick: str
    topics: frozenset[str] = frozenset()  # nothing is kept for a seller who never called tmc.user.permit
    group: str = DEFAULT_GROUP  # the group that the seller's new messages go to
    groups: set[str] = field(default_factory=lambda: {DEFAULT_GROUP})
    permitted_at: datetime | None = None
    _pending: dict[int, _Pending] = field(default_factory=dict)
    _last_id: int = 4172200053212680000  # 19 digits, as live ids are

    def put(self, topic: str, content: dict[str, Any], at: datetime) -> None:
        """Queue one message, if its topic is permitted."""
        if topic not in self.topics:
            return
        self._last_id += 7  # live ids have gaps
        message = {
            "id": self._last_id,
            "topic": topic,
            "pub_app_key": "12497914",
            "pub_time": at.astimezone(SHOP_TZ).strftime("%Y-%m-%d %H:%M:%S"),
            "user_id": self.user_id,
            "user_nick": self.user_nick,
            "content": msgspec.json.encode(content).decode(),
        }
        self._pending[self._last_id] = _Pending(message, self.group, at, at)

    def take(self, group: str, quantity: int, now: datetime) -> list[dict[str, Any]]:
        """Hand out up to ``quantity`` messages; each stays hidden for REDELIVER_AFTER unless confirmed meanwhile."""
        self._forget(now)
        taken: list[dict[str, Any]] = []
        for entry in self._pending.values():
            if len(taken) == quantity:
                break
            if entry.group == group and entry.visible <= now:
                entry.visible = now + REDELIVER_AFTER
                entry.deliveries += 1
                taken.append(entry.message)
        return taken

    def confirm(self, ids: list[int]) -> None:
        """Drop messages for good; unknown ids are ignored, as a second confirm must do no harm."""
        for message_id in ids:
            self._pending.pop(message_id, None)

    def drop_group(self, group: str) -> None:
        """Delete a group: its unread messages are lost and the seller falls back to the default group."""
        self.groups.discard(group)
        self._pending = {key: entry for key, entry in self._pending.items() if entry.group != group}
        if self.group == group:
            self.group = DEFAULT_GROUP

    def all(self) -> list[dict[str, Any]]:
        """Every message that is not confirmed, oldest first."""
        return [entry.message for entry in self._pending.values()]

    def _forget(self, now: datetime) -> None:
        oldest = now.astimezone(UTC) - KEEP_FOR
        expired = [key for key, entry in self._pending.items() if entry.published < oldest]
        for key in expired:
            del self._pending[key]
