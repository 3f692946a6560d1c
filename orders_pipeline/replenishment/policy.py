"""What to order and when: inventory position, order point, order-up-to level, quantity, dates, risk, urgency.

Pure functions over arrays of n SKUs; no tables, no dates, no words. Day 1 is the day of the suggestion itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from orders_pipeline.replenishment.demand import Demand, smallest_units

if TYPE_CHECKING:
    from orders_pipeline.replenishment.demand import Floats, Ints

REVIEW_DAYS = 7  # most shops order from a supplier once a week; the measured default
CYCLE_DAYS = 7  # an order is to last a week
OVERSTOCK_DAYS = 90  # a quarter's stock: storage fees and fashion eat the margin beyond it
TOO_LARGE_DAYS = 120  # a minimum quantity that lasts longer is worth a word with the supplier
ON_DEMAND_UNITS = 0.3  # expected units until the next order could arrive, below which stock is not kept
ORDER_AHEAD_DAYS = 60  # nobody plans an order further ahead than two months
EPSILON = 1e-9  # 60 × 0.85 must not round up to 52


class Urgency(IntEnum):
    """How soon a person must act; lower is sooner."""

    OUT_OF_STOCK = 0  # 断货/超卖
    TOO_LATE = 1  # 来不及: likely out of stock before an order of today arrives
    ORDER_TODAY = 2  # 今天下单
    WITHIN_WEEK = 3  # 七天内
    ENOUGH = 4  # 充足
    OVERSTOCK = 5  # 积压


@dataclass(frozen=True, slots=True)
class Stock:
    """Units of n SKUs, each (n,). ``arrivals`` (n, H + 1) or None: cumulated units due by the morning of day h."""

    on_hand: Ints
    reserved: Ints
    frozen: Ints
    on_order: Ints
    conversion: Floats  # share of presale deposits whose final payment follows
    returns: Ints  # returned units that will be sellable
    arrivals: Ints | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed with the supplier and wanted by the merchant, each (n,). ``shelf_cap`` is inf where there is none."""

    lead_days: Ints  # (n, m) equally likely
    review_days: Ints
    cycle_days: Ints
    service: Floats
    moq: Ints
    pack: Ints
    shelf_cap: Floats


@dataclass(frozen=True, slots=True)
class Decision:
    """Results, each (n,). Days count from the day of the suggestion; NaN = beyond what is looked at."""

    available: Ints
    position: Ints
    order_point: Ints  # s
    order_up_to: Ints  # S
    quantity: Ints
    order_in_days: Floats
    stock_out_day: Floats  # first day with probability ≥ .5 that demand has reached what is there
    earliest_stock_out_day: Floats  # the same with probability ≥ .1
    risk: Floats  # P(demand until the mean lead time > what is there by then)
    level: Floats  # mean demand a day until the next order's arrival
    demand_mean: Floats  # over lead time and review
    demand_deviation: Floats
    cover_days: Floats  # available / level, inf without demand
    shelf_limited: Any  # bool: the shelf cut the quantity


def decide(demand: Demand, stock: Stock, terms: Terms) -> Decision:
    """Apply the policy: order when the position is below s, up to S, in whole packs."""
    import numpy as np

    mean_lead = np.floor(terms.lead_days.mean(axis=1) + 0.5).astype(np.int64)
    protection = terms.lead_days + terms.review_days[:, None]
    available = stock.on_hand - stock.reserved - _ceil(stock.frozen * stock.conversion)
    position = available + stock.on_order + stock.returns
    level = demand.daily_level(mean_lead + terms.review_days)
    order_point = smallest_units(demand, protection, terms.service)
    cycle = np.maximum(terms.cycle_days - terms.review_days, 0)
    order_up_to = order_point + _ceil(level * cycle)
    quantity, shelf_limited = order_quantity(position, order_point, order_up_to, level * mean_lead, terms)
    demand_mean, demand_deviation = mixture_moments(demand, protection)
    coming = np.zeros_like(demand.mean) if stock.arrivals is None else stock.arrivals
    there = available[:, None] + coming
    reach = reached_by_day(demand, there)
    at_lead = there[np.arange(len(there)), np.clip(mean_lead, 0, demand.horizon)]
    cover = np.where(level > 1e-6, available / np.maximum(level, 1e-6), np.inf)  # one sale in 3,000 years is none
    return Decision(
        available=available,
        position=position,
        order_point=order_point,
        order_up_to=order_up_to,
        quantity=quantity,
        order_in_days=order_in_days(demand, position, protection, terms.service),
        stock_out_day=first_day(reach, 0.5),
        earliest_stock_out_day=first_day(reach, 0.1),
        risk=1.0 - demand.cdf(at_lead[:, None], mean_lead[:, None])[:, 0],
        level=level,
        demand_mean=demand_mean,
        demand_deviation=demand_deviation,
        cover_days=cover,
        shelf_limited=shelf_limited,
    )


def order_quantity(
    position: Ints, order_point: Ints, order_up_to: Ints, lead_demand: Floats, terms: Terms
) -> tuple[Ints, Any]:
    """Units to order, (n,), and whether the shelf cut them.

    Below s: max(S − position, MOQ) in whole packs. An active SKU with nothing left and nothing coming gets one pack even
    where demand is too slow for s > 0: what is not on the shelf cannot show that it sells. The shelf must hold what
    arrives on top of what is left by then; room for less than the MOQ means no order.
    """
    import numpy as np

    short = np.maximum(order_up_to - position, terms.moq)
    wanted = np.where(position < order_point, to_packs(short, terms.pack), 0)
    wanted = np.where(position <= 0, np.maximum(wanted, to_packs(np.maximum(terms.moq, 1), terms.pack)), wanted)
    room = terms.shelf_cap - np.maximum(position - lead_demand, 0.0)
    fits = np.where(np.isinf(room), wanted, np.floor(np.maximum(room, 0.0) / terms.pack + EPSILON) * terms.pack)
    limited = fits < wanted
    quantity = np.where(limited, np.where(fits >= terms.moq, fits, 0), wanted).astype(np.int64)
    return quantity, limited


def to_packs(units: Ints, pack: Ints) -> Ints:
    """``units`` rounded up to whole packs."""
    packs: Ints = -(-units // pack) * pack
    return packs


def order_in_days(demand: Demand, position: Ints, protection: Ints, service: Floats) -> Floats:
    """Days that ordering can wait: the largest x ≥ 0 whose target with x more days to cover is still held; 0 = today."""
    import numpy as np

    every_day = np.arange(demand.horizon + 1)[None, :]
    held = demand.cdf(position[:, None], np.broadcast_to(every_day, demand.mean.shape))
    rows = np.arange(len(held))[:, None]
    last = demand.horizon
    waits = np.stack(
        [held[rows, np.minimum(protection + x, last)].mean(axis=1) for x in range(ORDER_AHEAD_DAYS + 1)], axis=1
    )
    fails = waits < service[:, None]
    first = np.argmax(fails, axis=1)
    result: Floats = np.where(fails.any(axis=1), np.maximum(first - 1, 0), np.nan)
    return result


def reached_by_day(demand: Demand, there: Floats) -> Floats:
    """P(demand of days 1..h ≥ units there by day h), (n, H + 1); column 0 is 1 where nothing is there already."""
    import numpy as np

    days = np.broadcast_to(np.arange(demand.horizon + 1)[None, :], demand.mean.shape)
    probability: Floats = 1.0 - demand.cdf(there - 1, days)
    return probability


def first_day(probability: Floats, threshold: float) -> Floats:
    """First day ≥ 1 on which ``probability`` (n, H + 1) meets the threshold; NaN where none does."""
    import numpy as np

    meets = probability[:, 1:] >= threshold
    result: Floats = np.where(meets.any(axis=1), np.argmax(meets, axis=1) + 1.0, np.nan)
    return result


def mixture_moments(demand: Demand, days: Ints) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the demand over equally likely numbers of days, (n,) each."""
    import numpy as np

    rows = np.arange(len(days))[:, None]
    days = np.clip(days, 0, demand.horizon)
    means, phi = demand.mean[rows, days], demand.phi[rows, days]
    mean = means.mean(axis=1)
    variance = (means + phi * means**2).mean(axis=1) + means.var(axis=1)
    return mean, np.sqrt(variance)


def urgency(decision: Decision, dead: Any) -> Ints:
    """``Urgency`` of each SKU. ``dead`` (n,) bool: nothing sold in 60 in-stock days; being out of that is no emergency."""
    import numpy as np

    dead = np.asarray(dead, dtype=bool)
    conditions = [
        dead & (decision.available == 0),
        decision.available <= 0,
        dead | (decision.cover_days > OVERSTOCK_DAYS),
        decision.risk >= 0.5,  # more likely than not
        decision.position < decision.order_point,
        decision.order_in_days <= 7,
    ]
    values = [
        Urgency.ENOUGH,
        Urgency.OUT_OF_STOCK,
        Urgency.OVERSTOCK,
        Urgency.TOO_LATE,
        Urgency.ORDER_TODAY,
        Urgency.WITHIN_WEEK,
    ]
    result: Ints = np.select(conditions, [int(value) for value in values], default=int(Urgency.ENOUGH))
    return result


def erp_rule(sales_7_days: Floats, on_hand_free: Ints, on_order: Ints, lead: Floats, cycle: Ints) -> Ints:
    """What a common ERP would order, for comparison: 7-day mean times days, 3 safety days, no presales, no packs.

    Trigger (lead + safety)·mean > free + on order; quantity (cycle + lead + safety)·mean + shortage − free − on order.
    ``on_hand_free`` = on hand − reserved; below 0 it is a shortage. (BigSeller's documented rule; others are alike.)
    """
    import numpy as np

    safety = 3.0  # the value in that system's own example
    mean = sales_7_days / 7.0
    short = np.maximum(-on_hand_free, 0)
    free = np.maximum(on_hand_free, 0)
    wanted = (cycle + lead + safety) * mean + short - free - on_order
    triggered = (lead + safety) * mean + short > free + on_order
    return np.where(triggered, np.maximum(_ceil(wanted), 0), 0)


def _ceil(values: Floats) -> Ints:
    import numpy as np

    whole: Ints = np.ceil(values - EPSILON).astype(np.int64)
    return whole
