"""The fields that we ask the platform for and the only ones that we keep: one table for both, so they cannot differ.

What ``core.*`` needs, nothing more. Personal data never belongs here: no names, phones, addresses below the district,
buyer ids, memos, payment numbers, free text of refunds or of parcel traces. How a page is reduced to these is in
``allow_list.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

# Each kind admits what the platform was seen to send for it (spec section 1, "Doc type -> JSON"): numbers may be
# quoted, some strings are "". The patterns keep text out of fields that hold none.
ID = int | Annotated[str, Meta(pattern=r"^-?[0-9]{0,32}\Z")] | None
NUMBER = int | Annotated[str, Meta(pattern=r"^(-?[0-9]{1,18})?\Z")] | None
MONEY = int | float | Annotated[str, Meta(pattern=r"^(-?[0-9]{1,18}(\.[0-9]{1,9})?)?\Z")] | None
INSTANT = Annotated[str, Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2})?\Z")] | None
FLAG = bool | int | Annotated[str, Meta(pattern=r"^(true|false|[01])?\Z")] | None
CODE = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{0,64}\Z")] | None
TEXT = str | None
PLACE = Annotated[str, Meta(max_length=50)] | None
"""A province, city or district; the longest official name has 15 characters, a full address is often longer than 50."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A list on the wire: ``{"<element>": [row, ...]}``; ``row`` is a table of fields or, in a list of scalars, a kind.

    ``whole``: ask for the list by its own name, not field by field. ``ask_as``: the prefix to ask with, if another.
    """

    element: str
    row: Any
    whole: bool = False
    ask_as: str = ""


BUNDLE_PART = {"item_id": ID, "sku_id": ID, "quantity": NUMBER, "outer_iid": TEXT, "outer_sku_id": TEXT}

ORDER_LINE = {
    "oid": ID,
    "status": CODE,
    "refund_status": CODE,
    "num_iid": ID,
    "sku_id": ID,
    "outer_iid": TEXT,
    "outer_sku_id": TEXT,
    "title": TEXT,
    "sku_properties_name": TEXT,
    "num": NUMBER,
    "price": MONEY,
    "total_fee": MONEY,
    "discount_fee": MONEY,
    "adjust_fee": MONEY,
    "part_mjz_discount": MONEY,
    "divide_order_fee": MONEY,
    "is_free_gift": FLAG,
    "logistics_company": TEXT,
    "invoice_no": TEXT,
    "consign_time": INSTANT,
    # a bundle counts as its parts; the element's name is the type in the official Go model
    "combine_item_info": Rows("combine_sub_item_do", BUNDLE_PART, whole=True),
}

TRADE = {
    "tid": ID,
    "type": CODE,
    "status": CODE,
    "created": INSTANT,
    "pay_time": INSTANT,
    "consign_time": INSTANT,
    "end_time": INSTANT,
    "modified": INSTANT,
    "total_fee": MONEY,
    "post_fee": MONEY,
    "discount_fee": MONEY,
    "payment": MONEY,
    "received_payment": MONEY,
    "step_trade_status": CODE,
    "step_paid_fee": MONEY,
    "receiver_state": PLACE,
    "receiver_city": PLACE,
    "receiver_district": PLACE,
    "orders": Rows("order", ORDER_LINE),
}

REFUND = {
    "refund_id": ID,
    "tid": ID,
    "oid": ID,
    "status": CODE,
    "refund_phase": CODE,
    "dispute_type": CODE,
    "has_good_return": FLAG,
    "refund_fee": MONEY,
    "num": NUMBER,
    "created": INSTANT,
    "modified": INSTANT,
}

SKU = {
    "sku_id": ID,
    "outer_id": TEXT,
    "properties": TEXT,
    "properties_name": TEXT,
    "price": MONEY,
    "quantity": NUMBER,
    "with_hold_quantity": NUMBER,
    "status": CODE,
    "barcode": TEXT,
    "modified": INSTANT,
}

ITEM = {
    "num_iid": ID,
    "title": TEXT,
    "cid": ID,
    "outer_id": TEXT,
    "num": NUMBER,
    "price": MONEY,
    "approve_status": CODE,
    "with_hold_quantity": NUMBER,
    "sub_stock": NUMBER,
    "modified": INSTANT,
    "skus": Rows("sku", SKU, ask_as="sku"),
}

ITEM_ID = {"num_iid": ID, "approve_status": CODE, "modified": INSTANT}

SHIPPING = {
    "tid": ID,
    "out_sid": TEXT,
    "company_name": TEXT,
    "status": CODE,
    "sub_tids": Rows("number", ID, whole=True),
    "created": INSTANT,
    "modified": INSTANT,
}

# Of a step its time and action: the text names couriers and their phones. The trace's status text decides nothing
TRACE = {
    "tid": ID,
    "out_sid": TEXT,
    "company_name": TEXT,
    "trace_list": Rows("transit_step_info", {"status_time": INSTANT, "action": CODE}),
}

TRADE_TYPES = (
    "fixed,auction,guarantee_trade,step,independent_simple_trade,independent_shop_trade,auto_delivery,ec,cod,"
    "game_equipment,shopex_trade,netcn_trade,external_trade,instant_trade,b2c_cod,hotel_trade,super_market_trade,"
    "super_market_cod_trade,taohua,waimai,o2o_offlinetrade,nopaid,eticket,tmall_i18n,insurance_plus,finance,"
    "pre_auth_type,lazada"
)
"""Every kind that can be asked for (section 4; ``fenxiao`` only comes back): what is not named is silently missing."""


def requested(fields: Mapping[str, Any], prefix: str = "") -> str:
    """The value of the ``fields`` parameter: comma-joined names, nested lists narrowed as ``orders.oid``."""
    names: list[str] = []
    for name, kind in fields.items():
        if isinstance(kind, Rows) and not kind.whole:
            names.append(requested(kind.row, f"{prefix}{kind.ask_as or name}."))
        else:
            names.append(prefix + name)
    return ",".join(names)
