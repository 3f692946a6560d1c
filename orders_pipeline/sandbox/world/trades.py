"""A trade's money and versions, whatever happens to it.

Money identities (spec section 4, decisions 1-2): order.total_fee = price x num + adjust_fee - discount_fee;
divide_order_fee = total_fee - part_mjz_discount; trade.total_fee = sum of price x num;
trade.payment = sum of order.total_fee - trade.discount_fee + post_fee = sum of divide_order_fee + post_fee.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orders_pipeline.sandbox.world.wire import money, stamp

if TYPE_CHECKING:
    from orders_pipeline.sandbox.world.life import Life
    from orders_pipeline.sandbox.world.world import World


def change(world: World, life: Life, t: int, status: str | None) -> None:
    """Write a new version of the trade, with ``status`` on it and on its open lines if given."""
    trade = life.trade
    if status is not None:
        trade["status"] = status
        set_line_status(life, status)
    trade["modified"] = stamp(t)
    world.store.put_trade(trade)


def set_line_status(life: Life, status: str) -> None:
    """The status of all lines that are not closed."""
    if status == "PAID_FORBID_CONSIGN":  # not a status of Order (decisions 6)
        status = "WAIT_SELLER_SEND_GOODS"
    for line in life.lines:
        if not line.closed:
            line.wire["status"] = status


def settle(life: Life) -> None:
    """Compute all money of the trade from prices, discounts, the seller's adjustment and freight."""
    lines, trade = life.lines, life.trade
    goods, totals = 0, []
    for line in lines:
        gross = line.shelf.unit.price * line.num
        goods += gross
        adjust = life.adjust if line is lines[0] else 0
        totals.append(gross + adjust - line.discount)
        if adjust:
            line.wire["adjust_fee"] = money(adjust)
    total = sum(totals)
    shares = share_out(life.discount, totals)
    life.payment = total - life.discount + life.post
    for line, fee, share in zip(lines, totals, shares, strict=True):
        line.paid = fee - share
        wire = line.wire
        wire["total_fee"] = wire["payment"] = money(fee)
        wire["divide_order_fee"] = money(line.paid)
        if life.discount:
            wire["part_mjz_discount"] = money(share)
    trade["total_fee"] = money(goods)
    trade["payment"] = trade["available_confirm_fee"] = money(life.payment)
    if len(lines) == 1:
        trade["adjust_fee"] = money(life.adjust)
        lines[0].wire["payment"] = trade["payment"]  # with one line it includes freight (spec section 4)


def share_out(amount: int, totals: list[int]) -> list[int]:
    """Split fen in proportion to ``totals``, the rest to the largest, so that the parts add up exactly."""
    if not amount:
        return [0] * len(totals)
    whole = sum(totals)
    parts = [amount * total // whole for total in totals]
    parts[totals.index(max(totals))] += amount - sum(parts)
    return parts
