"""The TMC messages of the world: contents of the spec's section 6. Nothing is composed while the seller permits no topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orders_pipeline.sandbox.world.wire import instant_of, money, stamp

if TYPE_CHECKING:
    from orders_pipeline.sandbox.store import Store
    from orders_pipeline.sandbox.world.life import Life
    from orders_pipeline.sandbox.world.stock import Shelf

Wire = dict[str, Any]
TRACE_TOPIC = "taobao_logistics_LogsticDetailTrace"


class Say:
    """Announces what happens to the seller's message queue."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def listens(self, topic: str) -> bool:
        """Whether a message of that topic would be kept."""
        return topic in self._store.messages.topics

    def trade(self, name: str, life: Life, t: int, oid: int | None = None, **more: Any) -> None:
        """taobao_trade_<name>; which oid a trade of many lines names is arbitrary (decisions 20): here the first."""
        if not self.listens(f"taobao_trade_{name}"):
            return
        trade = life.trade
        content = {
            "buyer_nick": trade["buyer_nick"], "buyer_open_uid": trade["buyer_open_uid"], "payment": trade["payment"],
            "oid": oid or trade["orders"][0]["oid"], "tid": life.tid, "status": trade["status"], "type": trade["type"],
            "seller_nick": trade["seller_nick"],
        }  # fmt: skip
        self._store.announce(f"taobao_trade_{name}", content | more, instant_of(t))

    def refund(self, name: str, refund: Wire, t: int) -> None:
        """taobao_refund_<name>."""
        if not self.listens(f"taobao_refund_{name}"):
            return
        bill = {"REFUND": "refund_bill", "REFUND_AND_RETURN": "return_bill"}.get(refund["dispute_type"], "replace_bill")
        content = {
            "refund_id": int(refund["refund_id"]), "tid": refund["tid"], "oid": refund["oid"],
            "refund_fee": refund["refund_fee"], "refund_phase": refund["refund_phase"], "bill_type": bill,
            "modified": stamp(t), "seller_nick": refund["seller_nick"], "buyer_nick": refund["buyer_nick"],
            "buyer_open_uid": refund["buyer_open_uid"],
        }  # fmt: skip
        self._store.announce(f"taobao_refund_{name}", content, instant_of(t))

    def trace(self, tid: int, out_sid: str, company: str, step: Wire, t: int) -> None:
        """A step of a parcel."""
        if not self.listens(TRACE_TOPIC):
            return
        content = {
            "tid": tid, "out_sid": out_sid, "company_name": company, "action": step["action"],
            "desc": step["status_desc"], "time": step["status_time"],
        }  # fmt: skip
        self._store.announce(TRACE_TOPIC, content, instant_of(t))

    def stock(self, shelf: Shelf, t: int, increment: int) -> None:
        """taobao_item_ItemStockChanged, and the zero-stock topics."""
        if not self._store.messages.topics:
            return
        item, sku = shelf.unit.item, shelf.unit.sku
        content = {
            "num_iid": item["num_iid"],
            "num": item["num"],
            "increment": increment,
            "nick": self._store.seller_nick,
        }
        if sku is not None:
            content |= {"sku_id": sku["sku_id"], "sku_num": sku["quantity"]}
        names = ["ItemStockChanged"] + ["ItemSkuZeroStock"] * (sku is not None and sku["quantity"] == 0)
        for name in names + ["ItemZeroStock"] * (item["num"] == 0):
            if self.listens(f"taobao_item_{name}"):
                self._store.announce(f"taobao_item_{name}", dict(content), instant_of(t))

    def memo(self, life: Life, t: int) -> None:
        """taobao_trade_TradeMemoModified by the seller."""
        trade = life.trade
        self.trade("TradeMemoModified", life, t, seller_memo=trade["seller_memo"], seller_flag=trade["seller_flag"],
                   action_type="seller")  # fmt: skip

    def paid(self, life: Life, t: int) -> None:
        """taobao_trade_TradeBuyerPay."""
        self.trade("TradeBuyerPay", life, t, post_fee=money(life.post), alipay_no=life.trade["alipay_no"])
