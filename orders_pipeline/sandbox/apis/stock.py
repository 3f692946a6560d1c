"""Writing stock (spec section 8): three APIs that differ in how they name a SKU and in what a delta below zero does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from orders_pipeline.sandbox.apis.items import find_item
from orders_pipeline.sandbox.apis.registry import api
from orders_pipeline.sandbox.call import Call
from orders_pipeline.sandbox.clock import to_wire
from orders_pipeline.sandbox.errors import invalid_argument, missing_argument, refused
from orders_pipeline.sandbox.projection import whole
from orders_pipeline.sandbox.store import Wire

SKUS_MOST = 20
LARGEST = 10**9  # no documented limit; keeps a typing error from becoming a stock level
FULL, DELTA = 1, 2
Underflow = Literal["error", "clamp"]


@api("taobao.item.quantity.update")
def item_quantity(call: Call) -> Wire:
    """One SKU (or an item without SKUs); a delta below zero is an error."""
    item = find_item(call)
    quantity = call.whole("quantity", low=-LARGEST, high=LARGEST)
    kind = call.whole("type", default=FULL, low=FULL, high=DELTA)
    targets: Sequence[Wire]
    if call.text("sku_id"):
        targets = _by(item, "sku_id", call.whole("sku_id"))
    elif code := call.text("outer_id"):
        targets = _by(item, "outer_id", code)[:1]
    elif item.get("skus"):
        raise missing_argument("sku_id")
    else:
        targets = [item]
    if not targets:
        raise refused("isv.invalid-parameter:sku_id", "SKU does not exist")
    changes = [(target, _level(target, quantity, kind, "error")) for target in targets]
    return _apply(call, item, changes)


@api("taobao.skus.quantity.update")
def skus_quantity(call: Call) -> Wire:
    """Up to 20 SKUs of an item, by id or by outer_id; a delta below zero is clamped, a negative level an error."""
    item = find_item(call)
    kind = call.whole("type", default=FULL, low=FULL, high=DELTA)
    by_id = call.text("skuid_quantities")
    name = "skuid_quantities" if by_id else "outerid_quantities"
    pairs = [part.rpartition(":") for part in call.need(name).split(";") if part]
    if len(pairs) > SKUS_MOST:
        raise invalid_argument(name, f"at most {SKUS_MOST}")
    changes = []
    for key, _, amount in pairs:
        try:
            quantity, wanted = int(amount), int(key) if by_id else key
        except ValueError:
            raise invalid_argument(name, "id:quantity;id:quantity") from None
        targets = _by(item, "sku_id" if by_id else "outer_id", wanted)
        if not targets:
            raise refused(f"isv.invalid-parameter:{name}", "SKU does not exist")
        changes += [(target, _level(target, quantity, kind, "clamp")) for target in targets]
    return _apply(call, item, changes)


class _Options(msgspec.Struct):
    type: int = FULL
    outer_biz_key: str = ""


class _SkuQuantity(msgspec.Struct):
    quantity: int
    sku_id: int | str | None = None
    outer_id: str | None = None
    properties: str | None = None


@api("tmall.item.quantity.update")
def tmall_quantity(call: Call) -> Wire:
    """Item and SKUs at once; a delta that carries a known outer_biz_key is not applied twice."""
    item = find_item(call, "item_id")
    options = _json(call, "options", _Options) or _Options()
    if options.type == DELTA and options.outer_biz_key in call.store.stock_update_keys:
        return {"quantity_update_result": str(item["num_iid"])}
    changes = []
    for entry in _json(call, "sku_quantities", list[_SkuQuantity]) or []:
        targets = next(
            (
                _by(item, name, int(value) if name == "sku_id" else value)
                for name, value in (
                    ("sku_id", entry.sku_id),
                    ("outer_id", entry.outer_id),
                    ("properties", entry.properties),
                )
                if value is not None
            ),
            [],
        )
        if not targets:
            raise refused("isv.invalid-parameter:sku_quantities", "SKU does not exist")
        changes += [(target, _level(target, entry.quantity, options.type, "error")) for target in targets]
    if len(changes) > SKUS_MOST:
        raise invalid_argument("sku_quantities", f"at most {SKUS_MOST}")
    if call.text("item_quantity") and not item.get("skus"):
        quantity = call.whole("item_quantity", low=-LARGEST, high=LARGEST)
        changes.append((item, _level(item, quantity, options.type, "error")))
    if not changes:
        raise missing_argument("sku_quantities")
    _apply(call, item, changes)
    if options.outer_biz_key:
        call.store.stock_update_keys.add(options.outer_biz_key)
    return {"quantity_update_result": str(item["num_iid"])}


def _json(call: Call, name: str, kind: Any) -> Any:
    text = call.text(name)
    try:
        return msgspec.json.decode(text, type=kind) if text else None
    except (msgspec.ValidationError, msgspec.DecodeError):
        raise invalid_argument(name, "JSON of the documented shape") from None


def _by(item: Wire, name: str, value: object) -> list[Wire]:
    return [sku for sku in item.get("skus", []) if sku.get(name) == value]


def _stock_field(target: Wire) -> str:
    return "quantity" if "sku_id" in target else "num"


def _level(target: Wire, quantity: int, kind: int, underflow: Underflow) -> int:
    level = int(quantity if kind == FULL else target[_stock_field(target)] + quantity)
    if level < 0 and (kind == FULL or underflow == "error"):
        raise refused("isv.invalid-parameter:quantity", "stock would fall below zero")
    return max(level, 0)


def _apply(call: Call, item: Wire, changes: list[tuple[Wire, int]]) -> Wire:
    """Set the levels, keep the item's total, announce; nothing is changed before every level is known to be valid."""
    now = to_wire(call.now)
    for target, level in changes:
        increment = level - target[_stock_field(target)]
        target[_stock_field(target)] = level
        target["modified"] = item["modified"] = now
        if item.get("skus"):
            item["num"] = sum(sku["quantity"] for sku in item["skus"])
        content = {"num_iid": item["num_iid"], "num": item["num"], "increment": increment}
        if target is not item:
            content |= {"sku_id": target["sku_id"], "sku_num": level}
        content["nick"] = call.store.seller_nick
        call.store.announce("taobao_item_ItemStockChanged", content, call.now)
    call.store.put_item(item)
    answer = {"iid": str(item["num_iid"]), "num_iid": item["num_iid"], "num": item["num"], "modified": now}
    skus = {target["sku_id"]: target for target, _ in changes if target is not item}
    if skus:
        answer["skus"] = [{name: sku[name] for name in ("sku_id", "quantity", "modified")} for sku in skus.values()]
    return {"item": whole(answer, call.simplify)}
