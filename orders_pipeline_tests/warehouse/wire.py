"""Raw files as sync would land them, written by hand in the platform's words: no code of the package is used here."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
"""2026-01-15 12:00:00 in Shanghai."""


def trade(tid: int = 3900123456789012345, modified: str = "2026-01-15 10:05:08", **changes: Any) -> dict[str, Any]:
    """The fullinfo sample of the TOP spec, whole numbers as numbers and money as text."""
    base = {
        "tid": tid,
        "type": "fixed",
        "status": "WAIT_SELLER_SEND_GOODS",
        "created": "2026-01-15 00:01:02",
        "pay_time": "2026-01-15 00:05:07",
        "modified": modified,
        "total_fee": "148.00",
        "post_fee": "8.00",
        "discount_fee": "18.00",
        "payment": "128.00",
        "received_payment": "0.00",
        "receiver_state": "浙江省",
        "receiver_city": "杭州市",
        "orders": {"order": [line(tid + 1), sock(tid + 2)]},
    }
    return {key: value for key, value in (base | changes).items() if value is not None}


def line(oid: int, **changes: Any) -> dict[str, Any]:
    base = {
        "oid": oid,
        "status": "WAIT_SELLER_SEND_GOODS",
        "refund_status": "NO_REFUND",
        "num_iid": 700000000001,
        "sku_id": "5000000000001",
        "title": "短袖T恤",
        "sku_properties_name": "颜色:红色;尺码:M",
        "outer_sku_id": "TEE-RED-M",
        "num": 2,
        "price": "59.00",
        "discount_fee": "10.00",
        "adjust_fee": "0.00",
        "total_fee": "108.00",
        "payment": "108.00",
        "part_mjz_discount": "14.09",
        "divide_order_fee": "93.91",
    }
    return {key: value for key, value in (base | changes).items() if value is not None}


def sock(oid: int, **changes: Any) -> dict[str, Any]:
    return line(
        oid,
        **{
            "num_iid": 700000000002,
            "sku_id": None,
            "title": "棉袜",
            "sku_properties_name": "",
            "outer_sku_id": "",
            "outer_iid": "SOCK",
            "num": 1,
            "price": "30.00",
            "discount_fee": "0.00",
            "total_fee": "30.00",
            "part_mjz_discount": "3.91",
            "divide_order_fee": "26.09",
        }
        | changes,
    )


def refund(
    refund_id: str = "281000000000000001", modified: str = "2026-01-15 12:00:00", **changes: Any
) -> dict[str, Any]:
    base = {
        "refund_id": refund_id,
        "tid": 3900123456789012345,
        "oid": 3900123456789012347,
        "status": "WAIT_SELLER_AGREE",
        "refund_phase": "onsale",
        "dispute_type": "REFUND",
        "has_good_return": False,
        "refund_fee": "26.09",
        "num": 1,
        "created": "2026-01-15 12:00:00",
        "modified": modified,
    }
    return base | changes


def trades(*rows: Any) -> str:
    return json.dumps({"trades": {"trade": list(rows)}, "has_next": False, "request_id": "16abc"}, ensure_ascii=False)


def refunds(*rows: Any) -> str:
    return json.dumps({"refunds": {"refund": list(rows)}, "has_next": False, "request_id": "16abc"})


class RawZone:
    """Writes files and remembers how many, so that names never meet."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.count = 0

    def land(
        self,
        *bodies: str,
        api: str = "taobao.trades.sold.increment.get",
        shop: str = "tea",
        platform: str = "taobao",
        fetched_at: datetime = NOON,
        window_start: datetime = NOON - timedelta(minutes=40),
        rows: list[int] | None = None,
    ) -> Path:
        """One window's file with these pages; ``rows`` are the counts that sync noted for each of them."""
        self.count += 1
        path = self.root / "trade_pages" / f"shop={shop}" / api / f"{self.count:06d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        instant = pa.timestamp("us", tz="UTC")
        many = len(bodies)
        pq.write_table(
            pa.table(
                {
                    "platform": pa.array([platform] * many),
                    "shop": pa.array([shop] * many),
                    "api": pa.array([api] * many),
                    "channel": pa.array(["incremental"] * many),
                    "window_start": pa.array([window_start] * many, instant),
                    "window_end": pa.array([window_start + timedelta(minutes=30)] * many, instant),
                    "page_no": pa.array(range(1, many + 1), pa.int32()),
                    "fetched_at": pa.array([fetched_at] * many, instant),
                    "request_id": pa.array(["16abc"] * many),
                    "run_id": pa.array(["run"] * many),
                    "row_count": pa.array(rows if rows is not None else [None] * many, pa.int32()),
                    "calls": pa.array([many + 1] * many, pa.int32()),
                    "body": pa.array(bodies),
                }
            ),
            path,
            compression="zstd",
        )
        return path
