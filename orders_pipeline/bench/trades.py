"""Orders of the bench server: the same for the same number, rendered once, in the shapes of the Taobao Open Platform.

Only fields that the client asks for: a gateway answers with no others. No living shop: see ``sandbox/`` for that.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from orders_pipeline.clock import SHOP_TZ

BASE = datetime(2026, 3, 20, 12, tzinfo=SHOP_TZ)
"""The platform's clock when a run begins. Fixed, so that windows and pages are the same in every run."""

DAYS = 20
"""Over which the orders are spread: 2,500 a day of 50,000, a shop of middle size."""

CHANGED_SHARE = 20
"""One of so many orders changes between the first load and the increment: 5 %."""

LATER = timedelta(minutes=40)
"""How far the platform's clock has moved on when the increment is read: past the 3 minutes after which a window closes."""

FIRST_ID_AT = 1_735_660_800
"""2025-01-01 in Shanghai, in seconds since 1970: before the oldest order of any benchmark."""

SKUS = 2_000
_PLACES = (("浙江省", "杭州市", "余杭区"), ("广东省", "深圳市", "南山区"), ("江苏省", "苏州市", "昆山市"))
_STATUSES = ("WAIT_SELLER_SEND_GOODS", "WAIT_BUYER_CONFIRM_GOODS", "TRADE_FINISHED", "TRADE_FINISHED", "TRADE_CLOSED")
_WORDS = "春茶 明前 龙井 礼盒 特级 散装 高山 云雾 老白茶 正山小种 桂花 手工 罐装 办公室 自饮 送礼 新款 包邮".split()


@dataclass(frozen=True, slots=True)
class Trade:
    """One order: its times in seconds since 1970 and its JSON text in UTF-8."""

    created: int
    modified: int
    body: bytes


def trades(count: int) -> list[Trade]:
    """So many orders, oldest first, all changed for the last time at least an hour before ``BASE``."""
    rng = random.Random(count)
    first, seconds = span()
    return [_render(rng, number, first + timedelta(seconds=seconds * number // count)) for number in range(count)]


def span() -> tuple[datetime, int]:
    """When the oldest order is made, and how many seconds lie between it and the newest."""
    first = BASE - timedelta(days=DAYS - 1) - timedelta(hours=11)
    return first, int((BASE - timedelta(hours=1) - first).total_seconds())


def changed(orders: list[Trade]) -> dict[int, Trade]:
    """Every CHANGED_SHARE-th order as it is at the increment: position -> completed order, changed after ``BASE``."""
    rng = random.Random(len(orders))
    found = {}
    for number in range(0, len(orders), CHANGED_SHARE):
        at = BASE + timedelta(seconds=rng.randrange(120, 1_800))
        row = msgspec.json.decode(orders[number].body)
        row |= {"status": "TRADE_FINISHED", "modified": _text(at), "end_time": _text(at)}
        found[number] = Trade(orders[number].created, int(at.timestamp()), msgspec.json.encode(row))
    return found


def order_id(created: int, number: int) -> int:
    """Ids grow with time as the platform's do: 19 digits of which a year takes about 5 * 10 ** 17."""
    return 3_600_000_000_000_000_000 + (created - FIRST_ID_AT) * 16_000_000_000 + number % 1_000 * 1_007


def _render(rng: random.Random, number: int, created: datetime) -> Trade:
    left = int((BASE - timedelta(hours=1) - created).total_seconds())  # never many in one second: that is another case
    modified = created + timedelta(seconds=rng.randrange(max(min(3 * 86_400, left), 1)))
    paid = created + timedelta(seconds=40)
    tid = order_id(int(created.timestamp()), number)
    status = rng.choice(_STATUSES)
    lines = [
        _line(rng, tid + 1 + position, status, paid) for position in range(rng.choices((1, 2, 3), (62, 24, 14))[0])
    ]
    total = sum(line.pop("fen") for line in lines)
    state, city, district = rng.choice(_PLACES)
    row = {
        "tid": tid,
        "type": "fixed",
        "status": status,
        "created": _text(created),
        "pay_time": _text(paid),
        "consign_time": _text(paid),
        "end_time": "",
        "modified": _text(modified),
        "total_fee": _yuan(total),
        "post_fee": "0.00",
        "discount_fee": "0.00",
        "payment": _yuan(total),
        "received_payment": "0.00",
        "step_trade_status": "",
        "step_paid_fee": "0.00",
        "receiver_state": state,
        "receiver_city": city,
        "receiver_district": district,
        "orders": {"order": lines},
    }
    return Trade(int(created.timestamp()), int(modified.timestamp()), msgspec.json.encode(row))


def _line(rng: random.Random, oid: int, status: str, paid: datetime) -> dict[str, Any]:
    sku, number = rng.randrange(SKUS), rng.randint(1, 3)
    fen = 990 + sku * 7
    return {
        "fen": fen * number,
        "oid": oid,
        "status": status,
        "refund_status": "NO_REFUND",
        "num_iid": 600_000_000_000 + sku // 4,
        "sku_id": str(5_000_000_000_000 + sku),
        "outer_iid": f"ITEM-{sku // 4:05}",
        "outer_sku_id": f"SKU-{sku:06}",
        "title": title(sku // 4),
        "sku_properties_name": f"口味:{_WORDS[sku % 18]};净含量:{sku % 9 + 1}00g;包装:{_WORDS[sku % 13]}礼袋装;产地:浙江杭州",
        "num": number,
        "price": _yuan(fen),
        "total_fee": _yuan(fen * number),
        "discount_fee": "0.00",
        "adjust_fee": "0.00",
        "part_mjz_discount": "0.00",
        "divide_order_fee": _yuan(fen * number),
        "is_free_gift": "false",
        "logistics_company": "中通快递",
        "invoice_no": f"ZT{oid}",
        "consign_time": _text(paid),
    }


@lru_cache(maxsize=SKUS)
def title(product: int) -> str:
    """Title of a product, about 170 bytes."""
    return " ".join(random.Random(product).choices(_WORDS, k=28))


def _text(instant: datetime) -> str:
    return instant.astimezone(SHOP_TZ).strftime("%Y-%m-%d %H:%M:%S")


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"
