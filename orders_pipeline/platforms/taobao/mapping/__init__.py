"""SQL that turns TOP's raw pages (taobao, tmall) into rows as ``core.*`` wants them.

Each file reads the view ``pages`` and appends to ``staged.*`` (see ``warehouse/stage.py`` for both). Field meanings are
those of the TOP spec; where it is silent, of the project's decisions, named in the files. Knows no warehouse.
"""

from __future__ import annotations

from collections.abc import Mapping

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
}
"""Which file maps an API's pages; None where a page holds nothing for ``core.*``."""
