"""How trades end well: receipt is confirmed (by line or as a whole), cash on delivery is paid at the door or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orders_pipeline.sandbox.world import events
from orders_pipeline.sandbox.world.buyers import AFTER_FINISH
from orders_pipeline.sandbox.world.payments import mark_paid
from orders_pipeline.sandbox.world.trades import change
from orders_pipeline.sandbox.world.wire import DAY, money, stamp

if TYPE_CHECKING:
    from orders_pipeline.sandbox.world.life import Life
    from orders_pipeline.sandbox.world.world import World

COMMISSION_PERCENT = 5  # Tmall's usual rate
AFTERSALE_DAYS = 15  # refunds are possible for fifteen days after the end
COD_SETTLES_AFTER = 2 * DAY  # until the courier hands over the cash


def sign_cod(world: World, life: Life, t: int, _arg: int) -> None:
    """Event: a cash-on-delivery parcel reaches the door."""
    trade = life.trade
    if life.refuses:
        for line in life.lines:
            line.closed = True
            line.wire |= {"status": "TRADE_CLOSED", "end_time": stamp(t)}
            line.shelf.put_back(line.num, t)
        for parcel in life.parcels:
            parcel |= {"status": "REJECTED_BY_RECEIVER", "modified": stamp(t)}
        trade |= {"cod_status": "REJECTED_BY_OTHER_SIDE", "end_time": stamp(t), "available_confirm_fee": "0.00"}
        trade.pop("timeout_action_time", None)
        change(world, life, t, "TRADE_CLOSED")
        world.say.trade("TradeClose", life, t)
        return
    mark_paid(life, t)
    trade["cod_status"] = "SIGN_IN"
    change(world, life, t, "TRADE_BUYER_SIGNED")
    world.say.paid(life, t)
    world.schedule(t + COD_SETTLES_AFTER, events.FINISH, life)


def confirm_part(world: World, life: Life, t: int, _arg: int) -> None:
    """Event: the buyer confirms the first line alone; its money is released."""
    line = life.lines[0]
    if (
        life.trade["status"] != "WAIT_BUYER_CONFIRM_GOODS"
        or line.closed
        or line.open_refund
        or len(life.open_lines()) < 2
    ):
        return
    line.wire |= {"status": "TRADE_FINISHED", "end_time": stamp(t)}
    line.wire.pop("timeout_action_time", None)
    life.received += line.paid - line.refunded
    life.trade["received_payment"] = money(life.received)
    life.trade["available_confirm_fee"] = money(life.payment - life.received - life.refunded)
    change(world, life, t, None)
    world.say.trade("TradePartlyConfirmPay", life, t, line.wire["oid"], modified=stamp(t))


def finish(world: World, life: Life, t: int, _arg: int) -> None:
    """Event: receipt is confirmed. An open refund stops the platform's clock until it is decided."""
    trade = life.trade
    if trade["status"] not in ("WAIT_BUYER_CONFIRM_GOODS", "TRADE_BUYER_SIGNED"):
        return
    if any(line.open_refund for line in life.lines):
        life.due = True
        return
    now = stamp(t)
    for line in life.lines:
        if not line.closed:
            line.wire.setdefault("end_time", now)
            line.wire.pop("timeout_action_time", None)
    life.received = life.payment - life.refunded
    trade.pop("timeout_action_time", None)
    trade |= {
        "end_time": now, "received_payment": money(life.received), "available_confirm_fee": "0.00",
        "commission_fee": money(life.received * COMMISSION_PERCENT // 100),
    }  # fmt: skip
    change(world, life, t, "TRADE_FINISHED")
    world.say.trade("TradeSuccess", life, t)
    if life.plan.refund == AFTER_FINISH:
        world.schedule(t + int(life.plan.refund_luck * AFTERSALE_DAYS * DAY), events.ASK_REFUND, life)
