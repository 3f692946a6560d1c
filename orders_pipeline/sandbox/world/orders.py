"""Orders come in: the wire Trade with its Orders. Their money is in ``trades.py``, what follows in ``payments.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orders_pipeline.sandbox.world import demand, events
from orders_pipeline.sandbox.world.buyers import COD, GIFT_FROM, PAY_WITHIN, STEP, Plan
from orders_pipeline.sandbox.world.life import Life, Line
from orders_pipeline.sandbox.world.parcels import plan_shipping
from orders_pipeline.sandbox.world.payments import take_stock
from orders_pipeline.sandbox.world.people import PLACES, buyer_fields
from orders_pipeline.sandbox.world.trades import change, set_line_status, settle
from orders_pipeline.sandbox.world.wire import DAY, money, stamp

if TYPE_CHECKING:
    from orders_pipeline.sandbox.world.world import World

Wire = dict[str, Any]

SHOP_DISCOUNTS = ((39900, 5000), (19900, 2000))  # fen: "from 399 yuan 50 off", a usual ladder
FREIGHT_BELOW, FREIGHT, REMOTE_FREIGHT = 3900, 600, 1200  # fen: small baskets and far provinces pay
FIRST_TID = 3_900_000_000_000_000_000  # 19 digits
ID_STEP, IDS_PER_TRADE = 10_007, 8  # gaps as on the live platform; a tid, up to 5 lines

_TYPES = {STEP: "step", COD: "cod"}
_CONSTANT: Wire = {
    "commission_fee": "0.00", "received_payment": "0.00", "adjust_fee": "0.00", "cod_fee": "0.00",
    "cod_status": "NEW_CREATED", "point_fee": 0, "real_point_fee": 0, "alipay_point": 0, "pcc_af": 0, "coupon_fee": 0,
    "tmall_coupon_fee": 0, "platform_subsidy_fee": "0.00", "order_tax_fee": "0.00", "buyer_memo": "", "seller_memo": "",
    "trade_memo": "", "seller_flag": 0, "buyer_flag": 0, "is_part_consign": False, "is_daixiao": False,
    "new_presell": False, "buyer_rate": False, "seller_rate": False, "trade_from": "WAP,WAP", "trade_source": "tmall",
    "mark_desc": "", "send_time": "", "est_con_time": "", "trade_attr": "{}", "top_hold": 0,
}  # fmt: skip
_BLANKS = [_CONSTANT | place.fields for place in PLACES]
_NOTES = ("请发顺丰，谢谢", "周末送货", "不要放驿站，打13800000000", "送人的，请包装好")


def arrive(world: World, plan: Plan, t: int, number: int) -> None:
    """Event: a buyer orders. What is out of stock is left out of the basket; an empty basket is a lost sale."""
    cart = plan.cart
    shelves = world.shelves
    if plan.kind != STEP:  # presale articles are made to order
        cart = [(unit, num) for unit, num in cart if shelves[unit].quantity >= num]
        if not cart:
            return
    elif len(cart) > 1:
        cart = cart[:1]  # a deposit is paid for one article
    life = _new(world, plan, t, number, cart)
    trade = life.trade
    if plan.kind == COD:
        trade["status"] = "WAIT_SELLER_SEND_GOODS"
    elif plan.quirk < 10:
        trade["status"] = "TRADE_NO_CREATE_PAY"
        world.schedule(t + 2, events.SIGN_UP, life)
    set_line_status(life, trade["status"])
    world.store.put_trade(trade, _promotions(life))
    world.say.trade("TradeCreate", life, t)
    for line in life.lines:
        if plan.kind == COD:
            take_stock(world, line, t)  # nothing to wait for: cash on delivery is deducted at once
        else:
            line.shelf.withhold(line.num)
    if plan.kind == COD:
        plan_shipping(world, life, t)
    elif plan.kind == STEP:
        _, opens = demand.presale(t // DAY)
        if plan.quirk < 50:  # never pays the deposit
            world.schedule(t + plan.give_up_delay, events.EXPIRE, life)
        else:
            world.schedule(t + min(plan.pay_delay, 600), events.DEPOSIT, life, opens * DAY)
    elif plan.pays:
        world.schedule(t + plan.pay_delay, events.PAY, life)
        if 10 <= plan.quirk < 15 and plan.pay_delay > 3:
            world.schedule(t + 2, events.PENDING, life)
        elif 20 <= plan.quirk < 60 and plan.pay_delay > 30:
            world.schedule(t + 20, events.MODIFY_FEE, life)
    else:
        world.schedule(t + plan.give_up_delay, events.EXPIRE, life)


def sign_up(world: World, life: Life, t: int, _arg: int) -> None:
    """Event: the payment platform has opened its side of the order."""
    if life.trade["status"] == "TRADE_NO_CREATE_PAY":
        change(world, life, t, "WAIT_BUYER_PAY")
        world.say.trade("TradeAlipayCreate", life, t)


def modify_fee(world: World, life: Life, t: int, _arg: int) -> None:
    """Event: the seller lowers the price of an unpaid order on request."""
    if life.trade["status"] != "WAIT_BUYER_PAY":
        return
    life.adjust = -min(life.lines[0].paid // 10, 1000)
    settle(life)
    change(world, life, t, None)
    world.say.trade("TradeModifyFee", life, t)


def _new(world: World, plan: Plan, t: int, number: int, cart: list[tuple[int, int]]) -> Life:
    day = t // DAY
    tid = world.first_tid + number * ID_STEP * IDS_PER_TRADE
    lines: list[Line] = []
    goods = 0
    for unit_index, num in cart:
        shelf = world.shelves[unit_index]
        unit = shelf.unit
        off = unit.price * num * demand.PROMO_PERCENT // 100 if demand.on_promo(unit, day) else 0
        goods += unit.price * num - off
        lines.append(_line(shelf, num, off, tid + ID_STEP * (len(lines) + 1)))
    gift = world.gift
    if goods >= GIFT_FROM and gift is not None and gift.quantity > 0 and plan.kind != STEP:
        lines.append(_line(gift, 1, gift.unit.price, tid + ID_STEP * (len(lines) + 1), lines[0].wire["oid"]))
    place = PLACES[plan.place]
    now = stamp(t)
    kind = plan.kind
    nick = world.store.seller_nick
    trade = _BLANKS[plan.place] | {
        "tid": tid, "status": "WAIT_BUYER_PAY", "type": _TYPES.get(kind, "fixed"), "title": nick,
        "seller_nick": nick, "created": now, "modified": now, "num": 0,
        "timeout_action_time": stamp(t + PAY_WITHIN), "orders": [line.wire for line in lines],
        "has_buyer_message": plan.quirk >= 960, **buyer_fields(plan.buyer, number),
    }  # fmt: skip
    if plan.quirk >= 960:
        trade["buyer_message"] = _NOTES[plan.quirk % 4]
    if len(lines) == 1:
        wire = lines[0].wire
        wire["oid"] = tid
        trade |= {key: wire[key] for key in ("num", "num_iid", "price", "pic_path")}
    life = Life(number, tid, plan, trade, lines)
    life.post = (REMOTE_FREIGHT if place.remote else FREIGHT) if place.remote or goods < FREIGHT_BELOW else 0
    life.discount = next((off for least, off in SHOP_DISCOUNTS if goods >= least), 0)
    life.discount += plan.coupon if goods >= 4 * plan.coupon else 0
    trade["post_fee"] = money(life.post)
    trade["has_post_fee"] = life.post > 0
    trade["shipping_type"] = "express" if life.post else "free"
    trade["discount_fee"] = money(life.discount)
    if kind == STEP:
        trade["new_presell"] = True
        trade["step_trade_status"] = "FRONT_NOPAID_FINAL_NOPAID"
        trade["step_paid_fee"] = "0.00"
    settle(life)
    return life


def _line(shelf: Any, num: int, discount: int, oid: int, gift_of: int | None = None) -> Line:
    wire = shelf.unit.line.copy()
    wire["oid"] = oid
    wire["num"] = num
    wire["snapshot_url"] = f"k:{oid}_1"
    if discount:
        wire["discount_fee"] = money(discount)
    if gift_of is not None:
        wire["is_free_gift"] = True
        wire["bind_oid"] = gift_of
    return Line(shelf, num, wire, discount)


def _promotions(life: Life) -> list[Wire]:
    rows = []
    if life.discount:
        rows.append({"id": life.tid, "promotion_name": "店铺优惠", "discount_fee": money(life.discount),
                     "promotion_desc": "满减与优惠券", "promotion_id": f"mjs-{life.discount}_1"})  # fmt: skip
    for line in life.lines:
        if line.discount:
            row = {"id": line.wire["oid"], "promotion_name": "限时折扣", "discount_fee": money(line.discount),
                   "promotion_desc": "", "promotion_id": f"limit-{line.wire['num_iid']}_2"}  # fmt: skip
            if line.gift:
                row |= {"promotion_name": "满额赠品", "gift_item_name": line.wire["title"],
                        "gift_item_id": str(line.wire["num_iid"]), "gift_item_num": str(line.num)}  # fmt: skip
            rows.append(row)
    return rows
