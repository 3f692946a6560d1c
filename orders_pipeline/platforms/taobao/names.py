"""The names of every API that the client calls, as the platform writes them. What is asked of each is in ``requests.py``."""

from __future__ import annotations

APIS = frozenset({
    "taobao.items.inventory.get",
    "taobao.items.onsale.get",
    "taobao.items.seller.list.get",
    "taobao.logistics.orders.get",
    "taobao.logistics.trace.search",
    "taobao.refund.get",
    "taobao.refunds.receive.get",
    "taobao.time.get",
    "taobao.tmc.messages.confirm",
    "taobao.tmc.messages.consume",
    "taobao.tmc.user.permit",
    "taobao.trade.fullinfo.get",
    "taobao.trades.sold.get",
    "taobao.trades.sold.increment.get",
})  # fmt: skip
