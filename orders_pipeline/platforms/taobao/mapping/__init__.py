"""SQL that turns TOP's raw pages (taobao, tmall) into rows as ``core.*`` wants them.

Each file reads the view ``pages`` and appends to ``staged.*`` (see ``warehouse/stage.py`` for both). Field meanings are
those of the TOP spec; where it is silent, of the project's decisions, named in the files. Knows no warehouse.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

PRELUDE = "macros.sql"

SQL_OF_API: Mapping[str, str | None] = {
    "taobao.trades.sold.get": "trades.sql",
    "taobao.trades.sold.increment.get": "trades.sql",
    "taobao.trades.sold.incrementv.get": "trades.sql",
    "taobao.trades.sold.history.get": "trades.sql",
    "taobao.trade.fullinfo.get": "trades.sql",
    "taobao.refunds.receive.get": "refunds.sql",
    "taobao.refund.get": "refunds.sql",
    "taobao.items.seller.list.get": "items.sql",
    "taobao.item.seller.get": "items.sql",
    "taobao.items.onsale.get": None,  # ids only
    "taobao.items.inventory.get": None,
    "taobao.logistics.orders.get": "shipments.sql",
    "taobao.logistics.trace.search": "traces.sql",
    "taobao.tmc.messages.consume": None,  # hints: what they name is read by its id
}
"""Which file maps an API's pages; None where a page holds nothing for ``core.*``."""


class RowsOf(NamedTuple):
    """Where an API's pages keep rows about orders: a list ``$.<plural>.<element>``, or one row under ``$.<element>``, or the
    whole body where both are empty. ``id_field`` (a path with dots) names in a row what is ``key`` in ``core.<table>``."""

    plural: str
    element: str
    id_field: str
    table: str
    key: str


_TRADES = RowsOf("trades", "trade", "tid", "orders", "order_id")

ORDER_ROWS: Mapping[str, RowsOf] = {
    "taobao.trades.sold.get": _TRADES,
    "taobao.trades.sold.increment.get": _TRADES,
    "taobao.trades.sold.incrementv.get": _TRADES,
    "taobao.trades.sold.history.get": _TRADES,
    "taobao.trade.fullinfo.get": RowsOf("", "trade", "tid", "orders", "order_id"),
    "taobao.refunds.receive.get": RowsOf("refunds", "refund", "refund_id", "refunds", "refund_id"),
    "taobao.refund.get": RowsOf("", "refund", "refund_id", "refunds", "refund_id"),
    "taobao.logistics.orders.get": RowsOf("shippings", "shipping", "tid", "shipments", "order_id"),
    "taobao.logistics.trace.search": RowsOf("", "", "tid", "traces", "order_id"),
    "taobao.tmc.messages.consume": RowsOf("messages", "tmc_message", "content.tid", "orders", "order_id"),
}
"""APIs whose pages hold rows about single orders: what a purge takes out of ``raw/``."""
