"""Reading items and SKUs (spec section 8). Writing their stock is in ``stock.py``."""

from __future__ import annotations

from orders_pipeline.sandbox.apis.registry import api
from orders_pipeline.sandbox.call import Call
from orders_pipeline.sandbox.errors import invalid_argument, refused
from orders_pipeline.sandbox.store import Wire

ALIASES = (("sku", "skus"),)  # callers ask for ``sku``, the answer holds ``skus``
HIDDEN_IN_LISTS = frozenset({"skus", "with_hold_quantity", "sub_stock"})
HIDDEN_IN_SKUS = frozenset({"with_hold_quantity", "barcode"})  # item.sku.get adds these
ORDER_COLUMNS = frozenset({"list_time", "delist_time", "modified", "num", "sold_quantity", "num_iid"})
PAGE_MOST = 200
ROWS_MOST = 20_000  # the document also says 100,000; decisions 19 takes the smaller
INVENTORY_PAGE_NO_MOST = 101
SELLER_LIST_MOST = 20
SKUS_ITEMS_MOST = 40
SKUS_FIELDS_MOST = 20


@api("taobao.items.onsale.get")
def onsale(call: Call) -> Wire:
    """Items on sale."""
    return _list(call, "onsale")


@api("taobao.items.inventory.get")
def inventory(call: Call) -> Wire:
    """Items not on sale; ``banner`` is accepted and has no effect, as the sandbox does not record why."""
    if call.whole("page_no", default=1) > INVENTORY_PAGE_NO_MOST:
        raise invalid_argument("page_no", f"at most {INVENTORY_PAGE_NO_MOST}")
    return _list(call, "instock")


@api("taobao.item.seller.get")
def seller(call: Call) -> Wire:
    """One item, with its SKUs when ``sku`` is asked for."""
    project = call.projection(aliases=ALIASES)
    return {"item": project(find_item(call))}


@api("taobao.items.seller.list.get")
def seller_list(call: Call) -> Wire:
    """Up to 20 items; unknown ids are skipped in silence."""
    project = call.projection(aliases=ALIASES)
    items = call.store.items
    rows = [project(items[key]) for key in call.ids("num_iids", SELLER_LIST_MOST) if key in items]
    return call.many("items", rows, "item")


@api("taobao.item.skus.get")
def skus(call: Call) -> Wire:
    """All SKUs of up to 40 items, no paging."""
    project = call.projection(HIDDEN_IN_SKUS)
    if len(call.names("fields")) > SKUS_FIELDS_MOST:
        raise invalid_argument("fields", f"at most {SKUS_FIELDS_MOST}")
    items = call.store.items
    rows = [
        project({"num_iid": key, **sku})
        for key in call.ids("num_iids", SKUS_ITEMS_MOST)
        if key in items
        for sku in items[key].get("skus", [])
    ]
    return call.many("skus", rows, "sku")


@api("taobao.item.sku.get")
def one_sku(call: Call) -> Wire:
    """One SKU by sku_id, within num_iid where that is given."""
    project, sku_id = call.projection(), call.whole("sku_id")
    items = [find_item(call)] if call.text("num_iid") else list(call.store.items.values())
    for item in items:
        for sku in item.get("skus", []):
            if sku["sku_id"] == sku_id:
                return {"sku": project({"num_iid": item["num_iid"], **sku})}
    raise refused("isv.invalid-parameter:sku_id", "SKU does not exist")


def find_item(call: Call, name: str = "num_iid") -> Wire:
    """The item that parameter ``name`` names. Raises TopError 40, 41 or 15."""
    item = call.store.items.get(call.whole(name))
    if item is None:
        raise refused(f"isv.item-not-exist:{name}", "item does not exist")
    return item


def _list(call: Call, approve_status: str) -> Wire:
    project, (page_no, page_size) = call.projection(HIDDEN_IN_LISTS), call.page(PAGE_MOST)
    if page_no * page_size > ROWS_MOST:
        raise refused("isv.invalid-parameter:page_no", f"page_no * page_size exceeds {ROWS_MOST}: slice by modified")
    start, end = call.window("start_modified", "end_modified")
    rows = [
        item
        for item in call.store.items.values()
        if item["approve_status"] == approve_status and start <= item["modified"] <= end
    ]
    if title := call.text("q"):
        rows = [item for item in rows if title in item["title"]]
    if call.text("cid"):
        rows = [item for item in rows if item.get("cid") == call.whole("cid")]
    if cids := call.names("seller_cids"):
        rows = [item for item in rows if cids.intersection(item.get("seller_cids", "").split(","))]
    column, _, direction = (call.text("order_by") or "list_time:desc").partition(":")
    if column not in ORDER_COLUMNS or direction not in ("asc", "desc"):
        raise invalid_argument("order_by", "column:asc or column:desc")
    blank: str | int = 0 if column in ("num", "sold_quantity", "num_iid") else ""
    rows.sort(key=lambda item: (item.get(column, blank), item["num_iid"]), reverse=direction == "desc")
    body = call.listing("items", "item", rows, project, (page_no, page_size))
    body.pop("has_next", None)  # these lists always count
    return {"total_results": len(rows)} | body
