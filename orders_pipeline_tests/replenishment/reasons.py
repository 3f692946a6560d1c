"""A buyer's check of the Chinese reasons: every number in one is looked up in the table it names, every sum done again."""

from __future__ import annotations

import math
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb

POSITION = re.compile(
    r"可用(?P<available>-?\d+)=在库(?P<on_hand>-?\d+)"
    r"\(平台可售(?P<count>-?\d+)\+待发(?P<reserved>\d+)(?:(?P<sign>[+−])盘点后变动(?P<changed>\d+))?\)−待发(?P=reserved)"
    r"(?:−预售冻结(?P<held>\d+)(?:\((?P<frozen>\d+)×(?P<share>\d+)%\))?)?；"
    r"库存位置(?P<position>-?\d+)=可用(?P=available)\+在途(?P<on_order>\d+)(?:\+退回可售(?P<returns>\d+))?。"
)
DEMAND = re.compile(
    r"交期(?P<lead>[\d–]+)天\+下个周期(?P<review>\d+)天预计卖(?P<mean>\d+)±(?P<spread>\d+)\(日均(?P<daily>[\d.]+)\)，"
    r"(?P<service>\d+)%把握需(?P<point>\d+)。"
)
SHORT = re.compile(r"库存位置(?P<position>-?\d+)<(?P<point>\d+)(?:，补到(?P<up_to>\d+)\(多\d+天\))?，缺(?P<short>\d+)")
ROUNDED = re.compile(r"缺\d+(?:→按(?:起订量(?P<moq>\d+))?、?(?:箱规(?P<pack>\d+))?取(?P<quantity>\d+))?。")
DECISION = re.compile(
    r"^(?:建议采购(?P<quantity>\d+)件(?:（(?P<packs>\d+)箱×(?P<pack>\d+)）)?(?:¥(?P<amount>[\d,.]+))?，今天下单|今天不用采购)"
)
OUT = re.compile(
    r"预计第(?P<day>\d+)天\((?P<date>[\d-]+)\)断货（最早第(?P<early>\d+)天），到货前断货概率(?P<risk>\d+)%"
)


def check_reasons(con: duckdb.DuckDBPyConnection, made_on: date) -> int:
    """Recompute every reason of ``made_on``; fails at the first that does not. Returns how many lead to a purchase."""
    positions = _by_sku(con, "SELECT * FROM planning.stock_position WHERE as_of = ?", made_on)
    suggestions = _by_sku(con, "SELECT * FROM planning.replenishment_suggestions WHERE made_on = ?", made_on)
    recomputed = 0
    for sku, row in suggestions.items():
        reason, held = row["reason"], positions[sku]
        found = POSITION.search(reason)
        assert found, reason
        number = {key: int(value) for key, value in found.groupdict().items() if value and key != "sign"}
        for name in ("available", "on_hand", "reserved", "on_order"):
            assert number[name] == held[name], (name, reason)
        changed = number.get("changed", 0) * (-1 if found["sign"] == "−" else 1)
        counted = _one(con, "SELECT sum(on_hand) FROM core.stock WHERE merchant_sku = ?", sku)
        assert number["count"] == counted
        assert number["on_hand"] == number["count"] + number["reserved"] + changed
        held_back = number.get("held", 0)
        if "frozen" in number:
            assert number["frozen"] == held["frozen"]
            assert held_back == math.ceil(number["frozen"] * number["share"] / 100 - 1e-9)
        assert (held_back > 0) == (held["frozen"] > 0)
        assert number["available"] == number["on_hand"] - number["reserved"] - held_back
        position = number["available"] + number["on_order"] + number.get("returns", 0)
        assert number["position"] == position == row["inventory_position"]

        demand = DEMAND.search(reason)
        assert demand, reason
        assert int(demand["point"]) == row["order_point"]
        assert abs(int(demand["mean"]) - row["demand_mean"]) <= 0.51
        assert abs(int(demand["spread"]) - row["demand_deviation"]) <= 0.51
        assert int(demand["service"]) == round(row["service_level"] * 100)
        assert abs(float(demand["daily"]) - row["daily_demand"]) <= 0.051

        decision = DECISION.search(reason)
        assert decision, reason
        assert int(decision["quantity"] or 0) == row["quantity"]
        short = SHORT.search(reason)
        if short:
            recomputed += 1
            target = int(short["up_to"] or short["point"])
            assert int(short["short"]) == target - position
            rounded = ROUNDED.search(reason)
            moq, pack = int(rounded["moq"] or 1), int(rounded["pack"] or 1)
            assert row["quantity"] == math.ceil(max(int(short["short"]), moq) / pack) * pack
        if decision["packs"]:
            assert int(decision["packs"]) * int(decision["pack"]) == row["quantity"]
        if decision["amount"]:
            assert Decimal(decision["amount"].replace(",", "")) == row["amount"] == row["quantity"] * row["unit_cost"]
        out = OUT.search(reason)
        if out:
            assert (
                date.fromisoformat(out["date"]) == made_on + timedelta(days=int(out["day"]) - 1) == row["stock_out_on"]
            )
            assert int(out["early"]) <= int(out["day"])
            assert abs(int(out["risk"]) / 100 - row["risk"]) <= 0.0051
        sold = _one(
            con,
            "SELECT coalesce(sum(units), 0) FROM planning.daily_sku_sales WHERE merchant_sku = ? AND date >= ? AND date < ?",
            sku,
            made_on - timedelta(7),
            made_on,
        )
        assert f"近7日销{sold}件" in reason
        week = _one(
            con,
            "SELECT mean_with_bulk FROM planning.sales_forecast_totals WHERE merchant_sku = ? AND made_on = ?",
            sku,
            made_on,
        )
        assert (f"7天预测{week:.1f}件" if week is not None else "7日销") in reason
        assert f"旧规则(7日均×天数)：{row['rule_quantity']}件" in reason
        assert row["rule_quantity"] >= 0
    return recomputed


def _by_sku(con: duckdb.DuckDBPyConnection, query: str, made_on: date) -> dict[str, dict[str, Any]]:
    cursor = con.execute(query, [made_on])
    names = [column[0] for column in cursor.description or ()]
    rows = (dict(zip(names, values, strict=True)) for values in cursor.fetchall())
    return {row["merchant_sku"]: row for row in rows}


def _one(con: duckdb.DuckDBPyConnection, query: str, *values: object) -> Any:
    row = con.execute(query, list(values)).fetchone()
    return row[0] if row else None
