"""The Chinese reason of a suggestion: the calculation in one line, in numbers that stand in the tables.

Every number comes from the suggestion's own row, planning.stock_position, planning.sales_forecast_totals or
planning.daily_sku_sales; what was assumed is named as such. Nothing is computed here but sums and differences that are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orders_pipeline.replenishment.inputs import Offer, Position


@dataclass(frozen=True, slots=True)
class Figures:
    """What the policy found for one SKU. Days count from 1 = ``made_on``; None = beyond what is looked at."""

    made_on: date
    quantity: int
    on_order: int
    returns: int
    inventory_position: int
    order_point: int
    order_up_to: int
    daily_demand: float
    demand_mean: float
    demand_deviation: float
    service: float
    lead_min: int
    lead_max: int
    order_by: date | None
    stock_out_day: int | None
    earliest_stock_out_day: int | None
    risk: float
    rule_quantity: int
    sales_7_days: int
    forecast_7_days: float | None


def explain(figures: Figures, position: Position, offer: Offer, rule: str, labels: tuple[str, ...]) -> str:
    """The reason. ``rule`` says which rule set the quantity where it is not the order-up-to rule (Chinese, may be empty)."""
    parts = [_decision(figures, offer), _position(figures, position), _demand(figures, offer)]
    parts.append(rule or _arithmetic(figures, offer))
    parts.append(_without_order(figures))
    parts.append(f"旧规则(7日均×天数)：{figures.rule_quantity}件")
    forecast = "" if figures.forecast_7_days is None else f"，7天预测{figures.forecast_7_days:.1f}件"
    parts.append(f"近7日销{figures.sales_7_days}件{forecast}")
    if offer.assumed:
        lead = f"{offer.lead.mean:g}天"
        defaults = {"交期": f"交期按默认{lead}", "起订量": "起订量按默认1件", "单价": "单价未知，金额留空"}
        parts.append("缺资料：" + "、".join(defaults[name] for name in offer.assumed))
    if labels:
        parts.append("标签：" + "、".join(labels))
    return "。".join(part for part in parts if part) + "。"


def _decision(figures: Figures, offer: Offer) -> str:
    if figures.quantity > 0:
        packs = f"（{figures.quantity // offer.pack}箱×{offer.pack}）" if offer.pack > 1 else ""
        amount = f"¥{figures.quantity * offer.unit_cost:,.2f}" if offer.unit_cost is not None else ""
        return f"建议采购{figures.quantity}件{packs}{amount}，今天下单"
    latest = f"，最晚{figures.order_by.isoformat()}下单" if figures.order_by else ""
    return f"今天不用采购{latest}"


def _position(figures: Figures, position: Position) -> str:
    if position.snapshot_is_net:  # a platform's count lacks what is paid and unshipped
        changed = position.on_hand - position.snapshot_quantity - position.reserved
        on_hand = (
            f"在库{position.on_hand}(平台可售{position.snapshot_quantity}+待发{position.reserved}{_signed(changed)})"
        )
    else:
        changed = position.on_hand - position.snapshot_quantity
        on_hand = f"在库{position.on_hand}(盘点{position.snapshot_quantity}{_signed(changed)})"
    frozen_units = position.on_hand - position.reserved - position.available
    share = f"({position.frozen}×{position.frozen_conversion:.0%})" if position.frozen != frozen_units else ""
    frozen = f"−预售冻结{frozen_units}{share}" if position.frozen else ""
    returns = f"+退回可售{figures.returns}" if figures.returns else ""
    return (
        f"可用{position.available}={on_hand}−待发{position.reserved}{frozen}；"
        f"库存位置{figures.inventory_position}=可用{position.available}+在途{figures.on_order}{returns}"
    )


def _demand(figures: Figures, offer: Offer) -> str:
    days = f"{figures.lead_min}–{figures.lead_max}" if figures.lead_min != figures.lead_max else f"{figures.lead_min}"
    return (
        f"交期{days}天+下个周期{offer.review_days}天预计卖{figures.demand_mean:.0f}±{figures.demand_deviation:.0f}"
        f"(日均{figures.daily_demand:.1f})，{figures.service:.0%}把握需{figures.order_point}"
    )


def _arithmetic(figures: Figures, offer: Offer) -> str:
    short = figures.order_up_to - figures.inventory_position
    if figures.inventory_position >= figures.order_point:
        return f"库存位置{figures.inventory_position}≥{figures.order_point}，够用"
    fill = f"，补到{figures.order_up_to}(多{offer.cycle_days - offer.review_days}天)"
    target = fill if figures.order_up_to != figures.order_point else ""
    rounding = []
    if offer.moq > short:
        rounding.append(f"起订量{offer.moq}")
    if max(short, offer.moq) % offer.pack:
        rounding.append(f"箱规{offer.pack}")
    rounded = f"→按{'、'.join(rounding)}取{figures.quantity}" if rounding else ""
    return f"库存位置{figures.inventory_position}<{figures.order_point}{target}，缺{short}{rounded}"


def _without_order(figures: Figures) -> str:
    if figures.stock_out_day is None:
        return "不补货：120天内不会断货" if figures.daily_demand > 0 else ""
    day = figures.made_on + timedelta(days=figures.stock_out_day - 1)
    earliest = f"（最早第{figures.earliest_stock_out_day}天）" if figures.earliest_stock_out_day else ""
    return f"不补货：预计第{figures.stock_out_day}天({day.isoformat()})断货{earliest}，到货前断货概率{figures.risk:.0%}"


def _signed(units: int) -> str:
    return f"{'+' if units > 0 else '−'}盘点后变动{abs(units)}" if units else ""
