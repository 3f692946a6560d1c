"""What the shop sells: products and their SKUs, drawn from a seed. How many there are in stock is in ``stock.py``."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from orders_pipeline.sandbox.world.wire import DAY, money, stamp

Wire = dict[str, Any]

_GOODS: tuple[tuple[int, str, int, float, int, str, tuple[str, ...]], ...] = (
    # category id, word, median price in yuan, seasonal amplitude (log), peak day of the year, option, values
    (50000671, "短袖T恤", 69, 0.8, 190, "颜色", ("白色", "黑色", "藏青")),
    (50008901, "连帽卫衣", 129, 0.6, 310, "尺码", ("M", "L", "XL")),
    (50006843, "运动鞋", 219, 0.2, 100, "尺码", ("39", "40", "41", "42")),
    (50013194, "保温杯", 59, 0.4, 350, "颜色", ("米白", "墨绿")),
    (50012097, "棉袜", 29, 0.3, 330, "颜色", ("浅灰", "深灰")),
    (50010788, "面膜", 79, 0.1, 300, "规格", ("5片装", "10片装")),
    (50016349, "坚果礼盒", 98, 0.9, 20, "", ()),
    (50018599, "收纳盒", 35, 0.1, 60, "规格", ("小号", "大号")),
    (50002766, "台灯", 149, 0.2, 250, "", ()),
    (50011982, "防晒霜", 89, 1.0, 180, "规格", ("30ml", "60ml")),
)
"""Amplitude 0.8 lets a summer article sell five times as much at its peak as in its trough."""

_STYLES = ("经典", "轻奢", "简约", "复古", "升级", "旗舰", "便携", "加厚", "亲肤", "联名", "纯色", "印花")

PLAIN_SHARE = 0.25  # products without SKU: common on Taobao, and they have their own shape on the wire
SHARED_CODE_SHARE = (
    0.06  # SKUs sold a second time under another product: merchant codes are not unique (spec section 8)
)
NO_CODE_SHARE = 0.02  # merchants forget the code of a SKU now and then; the product's own code then stands
POPULARITY_SIGMA = 1.1  # log scale: the best tenth of the SKUs makes about half of the units, as in most shops


@dataclass(slots=True)
class Unit:
    """One thing that can be bought: a SKU, or a product without SKUs. ``line`` is the constant part of its Orders."""

    index: int
    item: Wire
    sku: Wire | None
    line: Wire
    price: int
    popularity: float
    amplitude: float
    peak_day: int
    merchant_code: str
    lead_days: int
    cover: float
    promo_phase: int

    @property
    def gift(self) -> bool:
        return self.popularity == 0.0


def build(seed: int, products: int, t: int) -> list[Unit]:
    """The catalogue as units; each ``unit.item`` is the wire Item, shared by its SKUs. The last product is a gift."""
    dice = Random(f"catalogue {seed}")  # noqa: S311  a simulation, not a secret
    units: list[Unit] = []
    codes: list[str] = []
    for number in range(products):
        cid, word, median, amplitude, peak, option, options = _GOODS[number % len(_GOODS)]
        gift = number == products - 1 and products > 1
        price = int(median * dice.lognormvariate(0.0, 0.35)) * 100 + dice.choice((0, 80, 90, 99))
        item = _item(
            number, cid, _STYLES[number // len(_GOODS) % len(_STYLES)] + word + ("赠品" if gift else ""), price, t
        )
        values = () if gift or not options or dice.random() < PLAIN_SHARE else options
        weight = 0.0 if gift else dice.lognormvariate(0.0, POPULARITY_SIGMA)
        shares = [dice.uniform(0.3, 1.0) for _ in values] or [1.0]
        lead, cover, phase = dice.randint(4, 20), dice.choice((0.7, 0.9, 1.1, 1.3, 1.6)), dice.randrange(28)
        for position, share in enumerate(shares):
            sku = _sku(item, position, option, values[position], price, t) if values else None
            code = f"{item['outer_id']}-{position + 1}" if sku else item["outer_id"]
            if sku:
                luck = dice.random()
                if luck < NO_CODE_SHARE:
                    code = ""
                elif luck < NO_CODE_SHARE + SHARED_CODE_SHARE and codes:
                    code = dice.choice(codes)
                if code:
                    sku["outer_id"] = code
                    codes.append(code)
                item["skus"].append(sku)
            popularity = weight * share / sum(shares)
            units.append(
                Unit(len(units), item, sku, _line(item, sku), price, popularity, amplitude, peak,
                     code or item["outer_id"], lead, cover, phase)
            )  # fmt: skip
    return units


def _item(number: int, cid: int, title: str, price: int, t: int) -> Wire:
    num_iid = 700_000_000_001 + number * 137  # 12 digits, with gaps, as live ids are
    day = stamp(t - 200 * DAY)
    return {
        "num_iid": num_iid, "title": title, "cid": cid, "outer_id": f"P{number + 1:04d}", "price": money(price),
        "num": 0, "with_hold_quantity": 0, "sub_stock": 2, "sold_quantity": 0, "approve_status": "onsale",
        "seller_cids": f",{cid % 1000},", "barcode": f"690{num_iid % 10**10:010d}", "pic_url": f"https://img.example/{num_iid}.jpg",
        "created": day, "list_time": day, "delist_time": stamp(t + 3650 * DAY), "modified": stamp(t), "skus": [],
    }  # fmt: skip


def _sku(item: Wire, position: int, option: str, value: str, price: int, t: int) -> Wire:
    sku_id = 5_000_000_000_001 + (item["num_iid"] - 700_000_000_001) * 16 + position
    key = f"{1627207 + len(option)}:{28300 + position}"
    return {
        "sku_id": sku_id, "num_iid": item["num_iid"], "iid": str(item["num_iid"]), "quantity": 0, "with_hold_quantity": 0,
        "price": money(price), "properties": key, "properties_name": f"{key}:{option}:{value}", "status": "normal",
        "barcode": f"691{sku_id % 10**10:010d}", "created": item["created"], "modified": stamp(t),
    }  # fmt: skip


def _line(item: Wire, sku: Wire | None) -> Wire:
    line: Wire = {
        "title": item["title"], "pic_path": item["pic_url"], "num_iid": item["num_iid"], "cid": item["cid"],
        "outer_iid": item["outer_id"], "price": item["price"], "refund_status": "NO_REFUND", "seller_type": "B",
        "is_oversold": False, "is_daixiao": False, "is_sh_ship": False, "is_free_gift": False,
        "order_from": "WAP,WAP", "store_code": "CN001", "adjust_fee": "0.00", "discount_fee": "0.00",
    }  # fmt: skip
    if sku:
        _, _, option, value = sku["properties_name"].split(":")
        line |= {"sku_id": str(sku["sku_id"]), "sku_properties_name": f"{option}:{value}"}
        if "outer_id" in sku:
            line["outer_sku_id"] = sku["outer_id"]
    return line
