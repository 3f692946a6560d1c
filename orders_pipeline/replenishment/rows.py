"""One suggestion: the row as it is stored, and how it is made from the policy's arrays, the rules that overrule them, and words.

Reads nothing and writes nothing; ``suggestions.py`` does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from orders_pipeline.replenishment import policy
from orders_pipeline.replenishment.explain import Figures, explain
from orders_pipeline.replenishment.inputs import Listing, Offer, Position

if TYPE_CHECKING:
    from orders_pipeline.replenishment.demand import Floats, Ints
    from orders_pipeline.replenishment.history import History
    from orders_pipeline.replenishment.levels import Estimate

NEW_SKU_DAYS = 7  # an order for a new SKU is a trial of one week
PENDING, NOTHING_DUE = "待处理", "无需处理"
"""The two states that are ours to replace; every other one was set by a person."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One row of planning.replenishment_suggestions; the field names are its columns, see their comments."""

    suggestion_id: str
    made_on: date
    merchant_sku: str
    supplier: str
    quantity: int
    order_by: date | None
    stock_out_on: date | None
    days_of_cover: float | None
    risk: float
    urgency: int
    amount: Decimal | None
    reason: str
    rule_quantity: int
    state: str
    labels: str
    forecast_made_on: date | None
    daily_demand: float
    demand_mean: float
    demand_deviation: float
    service_level: float
    inventory_position: int
    order_point: int
    order_up_to: int
    lead_days_min: int
    lead_days_mean: int
    lead_days_max: int
    review_days: int
    moq: int
    pack: int
    unit_cost: Decimal | None
    earliest_stock_out_on: date | None


@dataclass(frozen=True, slots=True)
class Computed:
    """Arrays over all SKUs that ``suggestion_row`` picks from."""

    made_on: date
    decision: policy.Decision
    estimate: Estimate
    terms: policy.Terms
    returns: Ints
    urgency: Ints
    rule: Ints
    past: History
    forecast: Floats


def suggestion_id(made_on: date, merchant_sku: str, supplier: str) -> str:
    """The same text for the same day, SKU and supplier: 16 hexadecimal digits, so that 10,000 a day never collide."""
    return hashlib.sha256(f"{made_on.isoformat()}\n{merchant_sku}\n{supplier}".encode()).hexdigest()[:16]


def suggestion_row(
    computed: Computed,
    index: int,
    position: Position,
    offer: Offer,
    listing: Listing | None,
    late: Sequence[str],
    behind_shops: Sequence[str],
    forecast_day: date,
) -> Suggestion:
    decision, estimate, made_on = computed.decision, computed.estimate, computed.made_on
    quantity, rule, labels = _final_quantity(computed, index, position, offer, listing)
    urgency = int(computed.urgency[index])
    if quantity == 0 and urgency == policy.Urgency.ORDER_TODAY:
        urgency = int(policy.Urgency.ENOUGH)  # a rule says no: nothing for anybody to do today
    if late and urgency <= policy.Urgency.WITHIN_WEEK:
        labels.append(f"催货({'、'.join(late)})")
    if bool(computed.past.bulk[index]):
        labels.append("大单已剔除")
    if bool(estimate.intermittent[index]):
        labels.append("间歇")
    waiting = sorted(set(behind_shops) & set(listing.shops if listing else ()))
    if waiting:
        labels.append(f"同步滞后({'、'.join(waiting)})")
    wait = decision.order_in_days[index]
    # with nothing to order today, the day on which to look again is tomorrow at the earliest
    days = None if wait != wait else int(wait) if quantity else max(int(wait), 1)
    stock_out = _whole(decision.stock_out_day[index])
    earliest = _whole(decision.earliest_stock_out_day[index])
    level = float(decision.level[index])
    leads = computed.terms.lead_days[index]
    forecast = float(computed.forecast[index])
    ordering_stops = bool(rule) and quantity == 0
    figures = Figures(
        made_on=made_on,
        quantity=quantity,
        on_order=position.on_order,
        returns=int(computed.returns[index]),
        inventory_position=int(decision.position[index]),
        order_point=int(decision.order_point[index]),
        order_up_to=int(decision.order_up_to[index]),
        daily_demand=level,
        demand_mean=float(decision.demand_mean[index]),
        demand_deviation=float(decision.demand_deviation[index]),
        service=float(computed.terms.service[index]),
        lead_min=int(leads.min()),
        lead_max=int(leads.max()),
        order_by=None if days is None or ordering_stops else made_on + timedelta(days=days),
        stock_out_day=stock_out,
        earliest_stock_out_day=earliest,
        risk=float(decision.risk[index]),
        rule_quantity=int(computed.rule[index]),
        sales_7_days=int(computed.past.sales_7_days[index]),
        forecast_7_days=None if forecast != forecast else forecast,
    )
    all_labels = (*(("缺资料",) if offer.assumed else ()), *labels)
    return Suggestion(
        suggestion_id=suggestion_id(made_on, position.merchant_sku, offer.supplier),
        made_on=made_on,
        merchant_sku=position.merchant_sku,
        supplier=offer.supplier,
        quantity=quantity,
        order_by=figures.order_by,
        stock_out_on=made_on + timedelta(days=stock_out - 1) if stock_out else None,
        days_of_cover=None if level <= 1e-6 else round(max(position.available, 0) / level, 1),
        risk=round(figures.risk, 4),
        urgency=urgency,
        amount=None if offer.unit_cost is None else (quantity * offer.unit_cost).quantize(Decimal("0.01")),
        reason=explain(figures, position, offer, rule, tuple(labels)),
        rule_quantity=figures.rule_quantity,
        state=PENDING if quantity > 0 else NOTHING_DUE,
        labels="、".join(all_labels),
        forecast_made_on=None if figures.forecast_7_days is None else forecast_day,
        daily_demand=round(level, 4),
        demand_mean=round(figures.demand_mean, 2),
        demand_deviation=round(figures.demand_deviation, 2),
        service_level=figures.service,
        inventory_position=figures.inventory_position,
        order_point=figures.order_point,
        order_up_to=figures.order_up_to,
        lead_days_min=figures.lead_min,
        lead_days_mean=int(leads.mean() + 0.5),
        lead_days_max=figures.lead_max,
        review_days=offer.review_days,
        moq=offer.moq,
        pack=offer.pack,
        unit_cost=offer.unit_cost,
        earliest_stock_out_on=made_on + timedelta(days=earliest - 1) if earliest else None,
    )


def _final_quantity(
    computed: Computed, index: int, position: Position, offer: Offer, listing: Listing | None
) -> tuple[int, str, list[str]]:
    """Quantity after the rules that overrule the order-up-to rule, the words for the rule that did, and labels."""
    decision, estimate = computed.decision, computed.estimate
    proposed = int(decision.quantity[index])
    short = max(-int(decision.position[index]), 0)
    owed = -(-max(short, offer.moq) // offer.pack) * offer.pack if short else 0  # what buyers have paid for is bought
    level = float(decision.level[index])
    if offer.stopped or (listing is not None and not listing.on_sale):
        return owed, f"已停售或下架：只补已售欠货{owed}件", ["停售"]
    if bool(estimate.never_sold[index]):
        return owed, f"还没有普通销量(预售、赠品不计)：首单请人工决定，只补已售欠货{owed}件", ["无销量"]
    if bool(estimate.dead[index]):
        return owed, f"60个有货日没有销量：只补已售欠货{owed}件", ["滞销"]
    if float(decision.demand_mean[index]) < policy.ON_DEMAND_UNITS and position.frozen == 0:
        return owed, f"预计销量不到{policy.ON_DEMAND_UNITS}件：按单采购，只补已售欠货{owed}件", ["按单采购"]
    labels = []
    if proposed > 0 and bool(estimate.new[index]):
        labels.append("新品试单")
        trial = max(offer.moq, short + int(-(-level * NEW_SKU_DAYS // 1)))
        trial = -(-trial // offer.pack) * offer.pack
        if trial < proposed:
            return (
                trial,
                f"新品：先试{NEW_SKU_DAYS}天的量加欠货{short}件，按起订量{offer.moq}、箱规{offer.pack}取{trial}",
                labels,
            )
    if bool(decision.shelf_limited[index]):
        labels.append("货位不足")
        return proposed, f"货位上限{offer.shelf_cap}件：取{proposed}", labels
    if proposed > 0 and level > 0 and proposed / level > policy.TOO_LARGE_DAYS and offer.moq > 1:
        labels.append("起订量过大")
    if proposed > 0 and int(decision.position[index]) >= int(decision.order_point[index]):
        return proposed, f"已无货也无在途：至少留一箱{proposed}件", labels
    return proposed, "", labels


def _whole(value: float) -> int | None:
    return None if value != value else int(value)
