"""Refunds, returns and exchanges: what buyers ask for, how the seller answers, and what it does to trade and stock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orders_pipeline.sandbox.world import events
from orders_pipeline.sandbox.world.parcels import complete
from orders_pipeline.sandbox.world.routes import route_of
from orders_pipeline.sandbox.world.trades import change
from orders_pipeline.sandbox.world.wire import HOUR, instant_of, money, stamp

if TYPE_CHECKING:
    from orders_pipeline.sandbox.world.life import Life, Line
    from orders_pipeline.sandbox.world.world import World

Wire = dict[str, Any]
FIRST_REFUND = 281_000_000_000_000_000  # 18 digits
REFUNDS_PER_TRADE, ID_STEP = 16, 31
RESALE_SHARE = 0.9  # of returned goods can be sold again

_ENDS = frozenset({"SUCCESS", "CLOSED"})
_REASONS = ("不想要了", "拍错/多拍", "质量问题", "少件/漏发", "与描述不符")
_MESSAGES = {
    "WAIT_BUYER_RETURN_GOODS": "RefundSellerAgreeAgreement", "WAIT_SELLER_CONFIRM_GOODS": "RefundBuyerReturnGoods",
    "SELLER_REFUSE_BUYER": "RefundSellerRefuseAgreement", "WAIT_SELLER_AGREE": "RefundBuyerModifyAgreement",
    "CLOSED": "RefundClosed", "SUCCESS": "RefundSuccess",
}  # fmt: skip


class Case:
    """One refund on its way. ``fee`` in fen; ``whole``: success takes the line out of the trade."""

    __slots__ = ("fee", "life", "line", "number", "refund", "returned", "route", "whole")

    def __init__(self, life: Life, line: Line, number: int, refund: Wire, fee: int, whole: bool) -> None:
        self.life = life
        self.line = line
        self.number = number
        self.refund = refund
        self.fee = fee
        self.whole = whole
        self.returned = False
        self.route: list[tuple[int, str]] = []


def ask(world: World, life: Life, t: int, lost: int) -> None:
    """Event: the buyer asks for money back, for all lines or a part; ``lost`` = 1 where the parcel never came."""
    trade, plan, dice = life.trade, life.plan, life.dice
    ended = trade["status"] == "TRADE_FINISHED"
    if "pay_time" not in trade or trade["status"] == "TRADE_CLOSED" or life.cases + len(life.lines) > REFUNDS_PER_TRADE:
        return
    lines = [
        line for line in life.lines
        if not (line.gift or line.closed or line.open_refund) and line.paid > line.refunded
        and (ended or line.wire["status"] != "TRADE_FINISHED")
    ]  # fmt: skip
    if not lines:
        return
    full = plan.full_refund or bool(lost)
    unsent = not any(line.shipped for line in life.lines)
    freight = life.post if full and unsent and not life.refunded else 0
    if not full and len(lines) > 1:
        lines = [dice.choice(lines)]
        full = True
    for line in lines:
        fee = line.paid - line.refunded
        if line is lines[-1]:
            fee += freight
        if not full:
            fee = max(fee * dice.randint(20, 60) // 100, 1)
        _open(world, life, line, t, fee, full and not ended)


def step(world: World, case: Case, t: int, _arg: int) -> None:
    """Event: a refund takes its next step."""
    life, line, refund = case.life, case.line, case.refund
    _, status = case.route.pop(0)
    if status == "WAIT_SELLER_CONFIRM_GOODS":
        case.returned = True
        refund |= {"company_name": "中通快递", "sid": f"TH{refund['refund_id'][-10:]}", "good_status": "BUYER_RETURNED_GOODS",
                   "has_good_return": True, "good_return_time": stamp(t)}  # fmt: skip
    elif status == "EXCHANGE_TRANSFORM_TO_REFUND":
        case.fee = line.paid - line.refunded
        case.whole = refund["refund_phase"] == "onsale"
        refund["dispute_type"] = "REFUND_AND_RETURN"
    refund["status"] = line.wire["refund_status"] = status
    if status in _ENDS:
        line.open_refund = False
        refund["end_time"] = stamp(t)
        refund["refund_remind_timeout"] = {"exist_timeout": False}
        if status == "SUCCESS":
            _succeed(world, case, t)
    _write(world, case, t)
    if name := _MESSAGES.get(status):
        world.say.refund(name, refund, t)
    if status in _ENDS:
        _go_on(world, case, t)
    else:
        world.schedule(
            t + case.route[0][0], events.REFUND_STEP, case, case.number * 16 + len(case.route), key=life.number
        )


def _open(world: World, life: Life, line: Line, t: int, fee: int, whole: bool) -> None:
    dice, wire, trade, now = life.dice, line.wire, life.trade, stamp(t)
    number = life.cases
    ended = trade["status"] == "TRADE_FINISHED"
    arrived = line.shipped and (ended or life.signs_at <= t)
    kind, route = route_of(dice, arrived=arrived, whole=fee >= line.paid - line.refunded)
    if "EXCHANGE" in kind or kind == "REPAIR":
        fee, whole = 0, False
    refund: Wire = {
        "refund_id": str(world.first_refund + (life.number * REFUNDS_PER_TRADE + number) * ID_STEP), "tid": life.tid,
        "oid": wire["oid"], "status": "WAIT_SELLER_AGREE", "refund_phase": "aftersale" if ended else "onsale",
        "dispute_type": kind, "good_status": "BUYER_RECEIVED" if arrived else "BUYER_NOT_RECEIVED", "has_good_return": False,
        "total_fee": trade["payment"], "reason": dice.choice(_REASONS), "desc": "电话13700000000联系我", "title": wire["title"],
        "num": line.num, "num_iid": wire["num_iid"], "price": wire["price"], "outer_id": wire["outer_iid"],
        "sku": f"{wire['sku_id']}|{wire['sku_properties_name']}" if "sku_id" in wire else "", "created": now,
        "buyer_open_uid": trade["buyer_open_uid"], "buyer_nick": trade["buyer_nick"], "seller_nick": trade["seller_nick"],
        "operation_contraint": "refund_onweb", "attribute": "", "address": "杭州市退货仓**号", "alipay_no": trade["alipay_no"],
        "shipping_type": "express", "cs_status": 1, "advance_status": 0, "split_taobao_fee": "0.00",
        "refund_remind_timeout": {"exist_timeout": True, "remind_type": 1, "timeout": stamp(t + 48 * HOUR)},
    }  # fmt: skip
    case = Case(life, line, number, refund, fee, whole)
    case.route = route
    life.cases += 1
    line.open_refund = True
    wire["refund_status"] = "WAIT_SELLER_AGREE"
    wire["refund_id"] = refund["refund_id"]
    _write(world, case, t)
    world.say.refund("RefundCreated", refund, t)
    world.schedule(t + route[0][0], events.REFUND_STEP, case, number * 16 + len(route), key=life.number)


def _write(world: World, case: Case, t: int) -> None:
    refund, life = case.refund, case.life
    refund["refund_fee"] = refund["split_seller_fee"] = money(case.fee)
    refund["payment"] = money(life.payment - case.fee)
    refund["order_status"] = case.line.wire["status"]
    refund["modified"] = stamp(t)
    refund["refund_version"] = int(instant_of(t).timestamp()) * 1000
    world.store.put_refund(refund)
    change(world, life, t, None)


def _succeed(world: World, case: Case, t: int) -> None:
    life, line = case.life, case.line
    line.refunded += case.fee
    life.trade["available_confirm_fee"] = money(max(life.payment - life.received - life.refunded, 0))
    exchanged = case.returned and not case.fee
    if (case.returned and not exchanged and life.dice.random() < RESALE_SHARE) or (case.whole and not line.shipped):
        line.shelf.put_back(line.num, t)
        world.say.stock(line.shelf, t, line.num)
    if not case.whole:
        return
    _close(line, t)
    if life.open_lines():
        return
    for gift in life.lines:  # a gift does not outlive what it came with
        if not gift.closed:
            _close(gift, t)
            if not gift.shipped:
                gift.shelf.put_back(gift.num, t)
    life.trade |= {"status": "TRADE_CLOSED", "end_time": stamp(t)}
    life.trade.pop("timeout_action_time", None)


def _close(line: Line, t: int) -> None:
    line.closed = True
    line.wire |= {"status": "TRADE_CLOSED", "end_time": stamp(t)}
    line.wire.pop("timeout_action_time", None)


def _go_on(world: World, case: Case, t: int) -> None:
    """What waited for the decision: the trade's own messages, the rest of the parcel, the confirmation."""
    life, last = case.life, case.refund
    status = life.trade["status"]
    if status == "TRADE_CLOSED":
        world.say.trade("TradeClose", life, t)
        return
    if last["status"] == "SUCCESS":
        world.say.trade("TradePartlyRefund", life, t, last["oid"], content="退款成功", subject=last["title"])
    if status in ("WAIT_SELLER_SEND_GOODS", "SELLER_CONSIGNED_PART"):
        if life.parcels and all(line.shipped or line.closed for line in life.lines):
            complete(world, life, t)
        elif life.held and not any(line.open_refund for line in life.lines):
            life.held = False
            world.schedule(t + HOUR, events.SHIP, life)
    elif life.due and not any(line.open_refund for line in life.lines):
        life.due = False
        world.schedule(t + HOUR, events.FINISH, life)
