"""Buyers pay, in one go or deposit first, or let the order go. Shipping starts in ``parcels.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orders_pipeline.sandbox.world import events
from orders_pipeline.sandbox.world.buyers import BEFORE_SHIPPING, STEP
from orders_pipeline.sandbox.world.parcels import plan_shipping
from orders_pipeline.sandbox.world.trades import change
from orders_pipeline.sandbox.world.wire import DAY, HOUR, money, stamp

if TYPE_CHECKING:
    from orders_pipeline.sandbox.world.life import Life, Line
    from orders_pipeline.sandbox.world.world import World

DEPOSIT_PERCENT = 15  # Tmall asks for 10 to 20 % of the price
FINAL_PAYMENT_DAYS = 2  # after its opening the deposit is forfeited
RELEASE_AFTER = 2 * HOUR  # a group buy is complete, or the risk control lets the order go


def deposit(world: World, life: Life, t: int, opens: int) -> None:
    """Event: the deposit of a presale is paid; the final payment opens at ``opens``."""
    trade, plan = life.trade, life.plan
    trade["step_trade_status"] = "FRONT_PAID_FINAL_NOPAID"
    trade["step_paid_fee"] = money(life.payment * DEPOSIT_PERCENT // 100)
    trade["timeout_action_time"] = stamp(opens + FINAL_PAYMENT_DAYS * DAY)
    change(world, life, t, None)
    world.say.trade("TradeBuyerStepPay", life, t)
    if plan.pays:
        # the delay of an ordinary payment, within the hours after the opening: buyers are called by an alarm
        final = min(plan.pay_delay * 60 + plan.quirk, FINAL_PAYMENT_DAYS * DAY - HOUR)
        world.schedule(max(opens, t) + final, events.PAY, life)
    else:
        world.schedule(max(opens, t) + FINAL_PAYMENT_DAYS * DAY, events.EXPIRE, life)


def pending(world: World, life: Life, t: int, _arg: int) -> None:
    """Event: the payment is on its way through the bank."""
    if life.trade["status"] == "WAIT_BUYER_PAY":
        change(world, life, t, "PAY_PENDING")


def pay(world: World, life: Life, t: int, _arg: int) -> None:
    """Event: the order is paid, or the final payment of a presale is."""
    trade, plan = life.trade, life.plan
    for line in life.lines:
        line.shelf.withhold(-line.num)
        take_stock(world, line, t)
    if plan.kind == STEP:
        trade["step_trade_status"] = "FRONT_PAID_FINAL_PAID"
        if world.step_paid_total:
            trade["step_paid_fee"] = trade["payment"]
    mark_paid(life, t)
    forbidden = 60 <= plan.quirk < 70
    change(world, life, t, "PAID_FORBID_CONSIGN" if forbidden else "WAIT_SELLER_SEND_GOODS")
    world.say.paid(life, t)
    if forbidden:
        world.schedule(t + RELEASE_AFTER, events.RELEASE, life)
        return
    ships = plan_shipping(world, life, t)
    if plan.refund == BEFORE_SHIPPING:
        world.schedule(t + 60 + int(plan.refund_luck * max(ships - t - 120, 0)), events.ASK_REFUND, life)
    if 70 <= plan.quirk < 100:
        world.schedule(t + 600, events.MEMO, life)


def mark_paid(life: Life, t: int) -> None:
    """Set what a payment leaves on the trade."""
    life.paid_at = t
    life.trade["pay_time"] = stamp(t)
    life.trade["alipay_no"] = f"{life.trade['pay_time'][:10].replace('-', '')}22001{life.number:015d}"
    life.trade.pop("timeout_action_time", None)


def take_stock(world: World, line: Line, t: int) -> None:
    """Deduct a paid line; what is not there is oversold and waits for the next delivery."""
    line.taken = True
    if line.shelf.take(line.num, t):
        line.wire["is_oversold"] = True
    world.say.stock(line.shelf, t, -line.num)


def expire(world: World, life: Life, t: int, _arg: int) -> None:
    """Event: an unpaid order is cancelled or timed out; a deposit is forfeited."""
    trade = life.trade
    for line in life.lines:
        line.shelf.withhold(-line.num)
        line.wire["end_time"] = stamp(t)
    if trade.get("step_trade_status") == "FRONT_PAID_FINAL_NOPAID":
        trade["step_trade_status"] = "FRONT_PAID_FRONT_FORFEITED"
    trade["end_time"] = stamp(t)
    trade["available_confirm_fee"] = "0.00"
    trade.pop("timeout_action_time", None)
    change(world, life, t, "TRADE_CLOSED_BY_TAOBAO")
    world.say.trade("TradeClose", life, t)


def release(world: World, life: Life, t: int, _arg: int) -> None:
    """Event: a paid order that was forbidden to ship may be shipped."""
    change(world, life, t, "WAIT_SELLER_SEND_GOODS")
    world.say.trade("TradeChanged", life, t)
    plan_shipping(world, life, t)


def memo(world: World, life: Life, t: int, _arg: int) -> None:
    """Event: the seller writes a memo and sets a flag."""
    life.trade["seller_memo"] = "客户电话确认，优先发货"
    life.trade["seller_flag"] = 1 + life.number % 5
    change(world, life, t, None)
    world.say.memo(life, t)
