"""What the tables must hold, worked out from the sandbox's ground truth in plain Python.

Written from the protocol and its decisions, sharing no code with ``platforms``: a mistake in the mapping shows as a
difference. Each function gives rows as dicts keyed by the table's key; ``rows_of`` reads the same from DuckDB.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import duckdb

Row = dict[str, Any]
CHINA = timezone(timedelta(hours=8))
ZERO = Decimal("0.00")

ORDER_STATUS = {
    "TRADE_NO_CREATE_PAY": "unpaid",
    "WAIT_BUYER_PAY": "unpaid",
    "PAY_PENDING": "unpaid",
    "WAIT_PRE_AUTH_CONFIRM": "paid_on_hold",
    "PAID_FORBID_CONSIGN": "paid_on_hold",
    "WAIT_SELLER_SEND_GOODS": "to_ship",
    "SELLER_CONSIGNED_PART": "part_shipped",
    "WAIT_BUYER_CONFIRM_GOODS": "shipped",
    "TRADE_BUYER_SIGNED": "shipped",
    "TRADE_FINISHED": "completed",
    "TRADE_CLOSED_BY_TAOBAO": "closed_unpaid",
}
REFUND_STATUS = {
    "WAIT_SELLER_AGREE": "requested",
    "WAIT_BUYER_RETURN_GOODS": "await_return",
    "WAIT_SELLER_CONFIRM_GOODS": "return_in_transit",
    "SELLER_REFUSE_BUYER": "rejected",
    "CLOSED": "closed",
    "SUCCESS": "refunded",
    "WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS": "exchange",
    "EXCHANGE_TRANSFORM_TO_REFUND": "exchange",
    "WAIT_SELLER_CONSIGN_GOODS": "exchange",
}
REFUND_KIND = {
    "REFUND": "refund",
    "REFUND_AND_RETURN": "return_refund",
    "TMALL_EXCHANGE": "exchange",
    "TAOBAO_EXCHANGE": "exchange",
    "REPAIR": "repair",
    "RESHIPPING": "reship",
    "OTHERS": "other",
}


def instant(text: str | None) -> datetime | None:
    if not text or text.startswith("0000"):
        return None
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA).astimezone(UTC)


def day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text and not text.startswith("0000") else None


def money(text: Any) -> Decimal:
    return Decimal(str(text)).quantize(Decimal("0.01")) if text not in (None, "") else ZERO


def order_status(code: str, trade: Row) -> str:
    if code == "WAIT_BUYER_PAY" and trade.get("step_trade_status") == "FRONT_PAID_FINAL_NOPAID":
        return "deposit_paid"
    if code == "TRADE_CLOSED":
        return "closed_refunded" if trade.get("pay_time") else "closed_unpaid"
    return ORDER_STATUS.get(code, "unknown")


def orders(truth: Row, platform: str, shop: str) -> dict[tuple[str, ...], Row]:
    """core.orders without what depends on when it was read (synced_at, vanished_at, the deposit after final payment)."""
    rows = {}
    for trade in truth["trades"]:
        lines = trade["orders"]
        key = (platform, shop, str(trade["tid"]))
        rows[key] = {
            "order_type": trade["type"],
            "status": order_status(trade["status"], trade),
            "source_status": trade["status"],
            "created_at": instant(trade["created"]),
            "created_on": day(trade["created"]),
            "paid_at": instant(trade.get("pay_time")),
            "paid_on": day(trade.get("pay_time")),
            "shipped_at": instant(trade.get("consign_time")),
            "ended_at": instant(trade.get("end_time")),
            "modified_at": instant(trade["modified"]),
            "goods_amount": money(trade["total_fee"]),
            "freight_amount": money(trade.get("post_fee")),
            "discount_amount": money(trade.get("discount_fee"))
            + sum(money(line.get("discount_fee")) for line in lines),
            "adjust_amount": sum((money(line.get("adjust_fee")) for line in lines), ZERO),
            "payable_amount": money(trade["payment"]),
            "paid_amount": money(trade["payment"]) if trade.get("pay_time") else ZERO,
            "received_amount": money(trade.get("received_payment")),
            "presale_step": trade.get("step_trade_status") or None,
            "province": trade.get("receiver_state") or None,
            "city": trade.get("receiver_city") or trade.get("receiver_district") or None,
            "line_count": len(lines),
        }
    return rows


def deposits_due(truth: Row, platform: str, shop: str) -> dict[tuple[str, ...], Decimal]:
    """Orders whose deposit is paid and final payment is not: their deposit must be known."""
    return {
        (platform, shop, str(trade["tid"])): money(trade["step_paid_fee"])
        for trade in truth["trades"]
        if trade.get("step_trade_status") == "FRONT_PAID_FINAL_NOPAID"
    }


def order_lines(truth: Row, platform: str, shop: str) -> dict[tuple[str, ...], Row]:
    rows = {}
    for trade in truth["trades"]:
        for line in trade["orders"]:
            share = money(line.get("part_mjz_discount"))
            refund = line.get("refund_status") or "NO_REFUND"
            paid = line.get("divide_order_fee")
            rows[(platform, shop, str(line["oid"]))] = {
                "order_id": str(trade["tid"]),
                "product_id": str(line["num_iid"]),
                "sku_id": str(line.get("sku_id") or ""),
                "merchant_sku": line.get("outer_sku_id") or line.get("outer_iid") or None,
                "title": line.get("title"),
                "sku_properties": line.get("sku_properties_name") or None,
                "quantity": line["num"],
                "unit_price": money(line["price"]),
                "discount_amount": money(line.get("discount_fee")),
                "shop_discount_share": share,
                "paid_amount": money(paid) if paid not in (None, "") else money(line["total_fee"]) - share,
                "status": order_status(line["status"], trade),
                "source_status": line["status"],
                "refund_status": "none" if refund == "NO_REFUND" else REFUND_STATUS.get(refund, "unknown"),
                "is_gift": bool(line.get("is_free_gift")),
                "carrier": line.get("logistics_company") or None,
                "tracking_number": line.get("invoice_no") or None,
                "shipped_at": instant(line.get("consign_time")),
            }
    return rows


def refunds(truth: Row, platform: str, shop: str) -> dict[tuple[str, ...], Row]:
    rows = {}
    for refund in truth["refunds"]:
        done = refund["status"] == "SUCCESS"
        rows[(platform, shop, refund["refund_id"])] = {
            "order_id": str(refund["tid"]),
            "line_id": str(refund["oid"]),
            "status": REFUND_STATUS.get(refund["status"], "unknown"),
            "source_status": refund["status"],
            "kind": REFUND_KIND[refund["dispute_type"]],
            "phase": refund["refund_phase"],
            "applied_amount": money(refund["refund_fee"]),
            "refunded_amount": money(refund["refund_fee"]) if done else ZERO,
            "quantity": refund.get("num"),
            "goods_returned": refund.get("has_good_return"),
            "created_at": instant(refund["created"]),
            "modified_at": instant(refund["modified"]),
            "refunded_at": instant(refund["modified"]) if done else None,
        }
    return rows


def parcels(truth: Row, platform: str, shop: str) -> dict[tuple[str, ...], Row]:
    """core.parcels less the trace columns: every number that a line carries."""
    rows: dict[tuple[str, ...], Row] = {}
    for trade in truth["trades"]:
        for line in trade["orders"]:
            number = line.get("invoice_no")
            if not number:
                continue
            key = (platform, shop, str(trade["tid"]), number)
            shipped = instant(line.get("consign_time"))
            known = rows.setdefault(key, {"carrier": line.get("logistics_company") or None, "shipped_at": shipped})
            if shipped and (known["shipped_at"] is None or shipped < known["shipped_at"]):
                known["shipped_at"] = shipped
    return rows


def parcel_lines(truth: Row, platform: str, shop: str) -> dict[tuple[str, ...], Row]:
    return {
        (platform, shop, str(trade["tid"]), line["invoice_no"], str(line["oid"])): {"quantity": line["num"]}
        for trade in truth["trades"]
        for line in trade["orders"]
        if line.get("invoice_no")
    }


def traces(truth: Row, platform: str, shop: str) -> dict[tuple[str, ...], Row]:
    """What core.parcels must say of a parcel whose trace is fetched now."""
    rows = {}
    for entry in truth["traces"]:
        for trace in entry["traces"]:
            steps = sorted(trace["trace_list"], key=lambda step: step["status_time"])
            signed = [step["status_time"] for step in steps if step["action"] == "SIGNED"]
            rows[(platform, shop, str(entry["tid"]), trace["out_sid"])] = {
                "last_trace_at": instant(steps[-1]["status_time"]) if steps else None,
                "last_trace_action": steps[-1]["action"] if steps else None,
                "signed_at": instant(signed[0]) if signed else None,
                "trace_state": "fetched" if steps else "not_tracked",
            }
    return rows


def stock(truth: Row, platform: str, shop: str) -> dict[tuple[str, ...], Row]:
    rows = {}
    for item in truth["items"]:
        skus = item.get("skus") or []
        for sku in skus:
            if sku.get("status") == "delete":
                continue
            rows[(platform, shop, str(item["num_iid"]), str(sku["sku_id"]))] = {
                "merchant_sku": sku.get("outer_id") or item.get("outer_id") or None,
                "on_hand": sku["quantity"],
                "withheld": sku.get("with_hold_quantity") or 0,
                "price": money(sku["price"]),
            }
        if not skus:
            rows[(platform, shop, str(item["num_iid"]), "")] = {
                "merchant_sku": item.get("outer_id") or None,
                "on_hand": item["num"],
                "withheld": item.get("with_hold_quantity") or 0,
                "price": money(item["price"]),
            }
    return rows


def rows_of(
    con: duckdb.DuckDBPyConnection, table: str, key: tuple[str, ...], columns: tuple[str, ...]
) -> dict[tuple[str, ...], Row]:
    """A table's rows by key; fails where a key stands twice."""
    found: dict[tuple[str, ...], Row] = {}
    cursor = con.execute(f"SELECT {', '.join((*key, *columns))} FROM {table}")
    for values in cursor.fetchall():
        row_key = tuple(values[: len(key)])
        assert row_key not in found, f"{table}: {row_key} stands twice"
        found[row_key] = {
            name: value.astimezone(UTC) if isinstance(value, datetime) else value
            for name, value in zip(columns, values[len(key) :], strict=True)
        }
    return found


def compare(expected: dict[tuple[str, ...], Row], found: dict[tuple[str, ...], Row], what: str) -> None:
    """Every expected row once and equal in every field, and none besides; the message names the first differences."""
    missing, extra = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    assert not missing, f"{what}: {len(missing)} of {len(expected)} missing, e.g. {missing[:3]}"
    assert not extra, f"{what}: {len(extra)} that the platform does not have, e.g. {extra[:3]}"
    wrong = [
        (key, name, expected[key][name], found[key][name])
        for key in expected
        for name in expected[key]
        if expected[key][name] != found[key][name]
    ]
    assert not wrong, f"{what}: {len(wrong)} fields differ (key, field, platform, table), e.g. {wrong[:5]}"
