"""The money identities of the wire spec's section 4 and of decisions 1-2, to the cent, in every version of every trade."""

from __future__ import annotations

from collections import defaultdict

from orders_pipeline.sandbox.world.trades import share_out
from orders_pipeline_tests.sandbox.worlds import fen, grown


def every_version():
    return [version for versions in grown().trade_versions.values() for version in versions]


def test_line_total_is_price_times_pieces_plus_adjustment_less_discount():
    for trade in every_version():
        for line in trade["orders"]:
            gross = fen(line["price"]) * line["num"]
            assert fen(line["total_fee"]) == gross + fen(line["adjust_fee"]) - fen(line["discount_fee"])
            assert fen(line["divide_order_fee"]) == fen(line["total_fee"]) - fen(line.get("part_mjz_discount", "0.00"))
            assert fen(line["divide_order_fee"]) >= 0


def test_trade_payment_adds_up_both_ways():
    for trade in every_version():
        lines = trade["orders"]
        assert fen(trade["total_fee"]) == sum(fen(line["price"]) * line["num"] for line in lines)
        payment, freight, discount = fen(trade["payment"]), fen(trade["post_fee"]), fen(trade["discount_fee"])
        assert payment == sum(fen(line["total_fee"]) for line in lines) - discount + freight
        assert payment == sum(fen(line["divide_order_fee"]) for line in lines) + freight
        goods, adjust = fen(trade["total_fee"]), sum(fen(line["adjust_fee"]) for line in lines)
        discounts = discount + sum(fen(line["discount_fee"]) for line in lines)
        assert goods + freight + adjust - discounts == payment
        assert payment > 0


def test_line_payment_carries_freight_only_where_the_line_is_alone():
    for trade in every_version():
        for line in trade["orders"]:
            alone = len(trade["orders"]) == 1
            assert line["payment"] == (trade["payment"] if alone else line["total_fee"])
        assert alone or trade["adjust_fee"] == "0.00"


def test_promotions_explain_every_discount():
    store = grown()
    for tid, trade in store.trades.items():
        explained: dict[int, int] = defaultdict(int)
        for row in store.promotions[tid]:
            explained[row["id"]] += fen(row["discount_fee"])
        line_discounts = {line["oid"]: fen(line["discount_fee"]) for line in trade["orders"]}
        if len(trade["orders"]) == 1:  # tid and oid are one number
            assert explained[tid] == fen(trade["discount_fee"]) + line_discounts[tid]
        else:
            assert explained[tid] == fen(trade["discount_fee"])
            assert all(explained[oid] == discount for oid, discount in line_discounts.items())


def test_refunds_never_exceed_what_was_paid():
    store = grown()
    by_trade: dict[int, int] = defaultdict(int)
    by_line: dict[int, int] = defaultdict(int)
    for refund in store.refunds.values():
        paid = fen(store.trades[refund["tid"]]["payment"])
        assert fen(refund["total_fee"]) == paid
        assert fen(refund["payment"]) == paid - fen(refund["refund_fee"])
        if refund["status"] == "SUCCESS":
            by_trade[refund["tid"]] += fen(refund["refund_fee"])
            by_line[refund["oid"]] += fen(refund["refund_fee"])
    for tid, amount in by_trade.items():
        trade = store.trades[tid]
        assert amount <= fen(trade["payment"])
        for line in trade["orders"]:
            assert by_line[line["oid"]] <= fen(line["divide_order_fee"]) + fen(trade["post_fee"])


def test_money_received_at_the_end_is_payment_less_refunds():
    store = grown()
    before: dict[int, int] = defaultdict(int)
    for refund in store.refunds.values():
        if refund["status"] == "SUCCESS" and refund["refund_phase"] == "onsale":
            before[refund["tid"]] += fen(refund["refund_fee"])
    finished = [trade for trade in store.trades.values() if trade["status"] == "TRADE_FINISHED"]
    assert finished
    for trade in finished:
        assert fen(trade["received_payment"]) == fen(trade["payment"]) - before[trade["tid"]]


def test_shares_of_a_discount_add_up_and_never_exceed_their_line():
    for amount in range(200):
        parts = share_out(amount, [1, 33, 0, 167])
        assert sum(parts) == amount
        assert all(0 <= part <= total for part, total in zip(parts, [1, 33, 0, 167], strict=True))
