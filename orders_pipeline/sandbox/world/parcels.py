"""Goods leave in one or two parcels, which move step by step, stall, get lost or are not tracked at all."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from orders_pipeline.sandbox.world import demand, events
from orders_pipeline.sandbox.world.buyers import AFTER_SIGNING, COD, IN_TRANSIT
from orders_pipeline.sandbox.world.people import PLACES
from orders_pipeline.sandbox.world.say import TRACE_TOPIC
from orders_pipeline.sandbox.world.trades import change
from orders_pipeline.sandbox.world.wire import DAY, HOUR, stamp

if TYPE_CHECKING:
    from orders_pipeline.sandbox.world.life import Life, Line
    from orders_pipeline.sandbox.world.world import World

Wire = dict[str, Any]

OPENS, CLOSES = 8 * HOUR, 20 * HOUR  # the warehouse ships by day
AUTO_CONFIRM = 10 * DAY  # Tmall confirms receipt ten days after shipping
LOST_AFTER = 6 * DAY  # until a courier admits a loss
RETRY = DAY  # an oversold line looks for its delivery once a day
CARRIERS = (("顺丰速运", "SF"), ("中通快递", "ZT"), ("圆通速递", "YT"), ("韵达快递", "YD"), ("邮政快递包裹", "YZ"))

_STEPS = (
    # action, share of the journey, text ({} is a city; couriers' names and numbers are in real texts too)
    ("GOT", 0.05, "【杭州】已揽收"), ("DEPARTURE", 0.12, "【杭州转运中心】已发出"), ("ARRIVAL", 0.55, "已到达【{}转运中心】"),
    ("SENT_CITY", 0.75, "【{}】已到达派送网点"), ("SENT_SCAN", 0.88, "【{}】派送中，快递员张三 13900000000"),
    ("SIGNED", 1.0, "【{}】已签收，签收人：本人"),
)  # fmt: skip
_FINAL = {"SIGNED": ("ACCEPTED_BY_RECEIVER", "对方已签收"), "LOST": ("LOST", "丢失")}  # Shipping and trace status
_STALLS_BEFORE = 3  # a parcel stalls at the transit centre, between ARRIVAL and SENT_CITY
_TEXTS = [[(action, text.format(place.hub)) for action, _, text in _STEPS] for place in PLACES]


class Parcel:
    """One parcel: its Shipping and trace on the wire, and the instants of its steps."""

    __slots__ = ("life", "shipping", "steps", "times", "trace")

    def __init__(self, life: Life, shipping: Wire, trace: Wire, times: list[int], steps: list[tuple[str, str]]) -> None:
        self.life = life
        self.shipping = shipping
        self.trace = trace
        self.times = times
        self.steps = steps


def plan_shipping(world: World, life: Life, t: int) -> int:
    """Schedule the parcel of a paid order in the warehouse's hours; returns its instant."""
    due = t + life.plan.ship_delay
    day, second = divmod(due, DAY)
    if not OPENS <= second < CLOSES:
        day += second >= CLOSES
        due = day * DAY + OPENS + due % (2 * HOUR)  # the morning's first two hours clear the night's orders
    while demand.holiday(due // DAY):
        due += DAY
    world.schedule(due, events.SHIP, life)
    return due


def ship(world: World, life: Life, t: int, _arg: int) -> None:
    """Event: send what can be sent. Lines with an open refund wait for its end, oversold ones for a delivery."""
    if life.trade["status"] not in ("WAIT_SELLER_SEND_GOODS", "SELLER_CONSIGNED_PART"):
        return
    ready = [line for line in life.lines if not (line.shipped or line.closed or line.open_refund)]
    if any(line.wire["is_oversold"] and line.shelf.owed for line in ready):
        world.schedule(t + RETRY, events.SHIP, life)
        return
    if all(line.gift for line in ready) and not life.parcels:
        life.held = any(line.open_refund for line in life.lines)
        return
    plan = life.plan
    if plan.split_delay >= 0 and not life.parcels and len(ready) > 1:
        _send(world, life, ready[:1], t)
        if plan.split_delay:
            world.schedule(t + plan.split_delay, events.SHIP, life)
        else:
            _send(world, life, ready[1:], t)
    elif ready:
        _send(world, life, ready, t)
    life.held = any(line.open_refund and not line.shipped for line in life.lines)
    trade = life.trade
    trade.setdefault("consign_time", stamp(t))
    if all(line.shipped or line.closed for line in life.lines):
        complete(world, life, t)
    else:
        trade["is_part_consign"] = True
        trade["status"] = "SELLER_CONSIGNED_PART"
        change(world, life, t, None)
        world.say.trade("TradePartlySellerShip", life, t)


def complete(world: World, life: Life, t: int) -> None:
    """Everything that will be sent has been: the buyer's turn."""
    trade, plan = life.trade, life.plan
    trade["timeout_action_time"] = stamp(t + AUTO_CONFIRM)
    trade["status"] = "WAIT_BUYER_CONFIRM_GOODS"
    change(world, life, t, None)
    world.say.trade("TradeSellerShip", life, t)
    signed = life.signs_at
    if plan.kind == COD:
        world.schedule(max(signed, t), events.SIGN_COD, life)
        return
    ends = min(max(signed, t) + plan.confirm_delay, t + AUTO_CONFIRM)
    world.schedule(ends, events.FINISH, life)
    if plan.stall == -1:
        world.schedule(signed + HOUR, events.ASK_REFUND, life, 1)
    elif plan.refund == IN_TRANSIT:
        world.schedule(t + HOUR + int(plan.refund_luck * max(signed - t - HOUR, 0)), events.ASK_REFUND, life)
    elif plan.refund == AFTER_SIGNING and signed < ends:
        world.schedule(signed + int(plan.refund_luck * (ends - signed)), events.ASK_REFUND, life)
    if 100 <= plan.quirk < 150 and signed + HOUR < ends and len(life.lines) > 1:
        world.schedule(signed + HOUR, events.PART_CONFIRM, life)


def move(world: World, parcel: Parcel, t: int, arg: int) -> None:
    """Event: a parcel's next step. While nobody listens, all steps up to the world's horizon are written at once."""
    times, trace, index = parcel.times, parcel.trace, arg % 16
    listens = world.say.listens(TRACE_TOPIC)
    if index == 0:
        world.store.put_trace(parcel.life.tid, trace)
    ahead = index + 1 if listens else bisect_right(times, world.horizon)
    done = trace["trace_list"]
    for moment, (action, text) in zip(times[index:ahead], parcel.steps[index:ahead], strict=True):
        done.append({"status_time": stamp(moment), "status_desc": text, "action": action})
    if listens:
        world.say.trace(parcel.life.tid, trace["out_sid"], trace["company_name"], done[-1], t)
    if ahead < len(times):
        world.schedule(times[ahead], events.TRACE, parcel, arg - index + ahead, key=parcel.life.number)
        return
    last, shipping = done[-1], parcel.shipping
    if last["action"] in _FINAL:
        shipping["status"], trace["status"] = _FINAL[last["action"]]
        shipping["modified"] = shipping["delivery_end"] = last["status_time"]


def _send(world: World, life: Life, lines: list[Line], t: int) -> None:
    plan, trade, position = life.plan, life.trade, len(life.parcels)
    company, prefix = CARRIERS[(life.number + position) % 5]
    serial = life.number * 8 + position
    out_sid, now = f"{prefix}{serial:013d}", stamp(t)
    auto = stamp(t + AUTO_CONFIRM)
    for line in lines:
        line.shipped = True
        line.wire |= {
            "status": "WAIT_BUYER_CONFIRM_GOODS", "consign_time": now, "logistics_company": company, "invoice_no": out_sid,
            "shipping_type": "express", "timeout_action_time": auto,
        }  # fmt: skip
    split = bool(life.parcels) or len(lines) < sum(not line.closed for line in life.lines)
    if life.parcels:
        life.parcels[0]["is_split"] = 1
    shipping: Wire = {
        "tid": life.tid, "order_code": f"LP{serial:014d}", "seller_nick": trade["seller_nick"],
        "buyer_nick": trade["buyer_nick"], "out_sid": out_sid, "item_title": lines[0].wire["title"],
        "receiver_name": trade["receiver_name"], "receiver_mobile": trade["receiver_mobile"], "receiver_phone": "",
        "created": now, "modified": now, "delivery_start": now, "status": "SENDING", "type": "express",
        "freight_payer": "buyer" if life.post else "seller", "seller_confirm": "yes", "company_name": company,
        "is_quick_cod_order": False, "is_split": int(split), "sub_tids": [line.wire["oid"] for line in lines],
    }  # fmt: skip
    life.parcels.append(shipping)
    transit, stall = plan.transit + position * 5 * HOUR, plan.stall
    steps = _TEXTS[plan.place]
    times = [t + int(transit * share) for _, share, _ in _STEPS]
    if stall > 0 and position == 0:
        times[_STALLS_BEFORE:] = [moment + stall for moment in times[_STALLS_BEFORE:]]
    elif stall == -1:
        times = [*times[:2], times[1] + LOST_AFTER]
        steps = [*steps[:2], ("LOST", "包裹丢失，已登记理赔")]
    life.signs_at = max(life.signs_at, times[-1])
    if stall == -2:  # sent by the seller's own means: the status jumps (spec section 7)
        shipping["status"] = "ACCEPTED_BY_RECEIVER"
        world.store.put_trace(
            life.tid, {"out_sid": out_sid, "company_name": company, "status": "对方已签收", "trace_list": []}
        )
    elif plan.kind == COD and life.refuses:
        steps, times = steps[:-1], times[:-1]
    world.store.put_shipping(shipping)
    if stall != -2:
        trace = {"out_sid": out_sid, "company_name": company, "status": "运输中", "trace_list": []}
        parcel = Parcel(life, shipping, trace, times, steps)
        world.schedule(times[0], events.TRACE, parcel, position * 16, key=life.number)
