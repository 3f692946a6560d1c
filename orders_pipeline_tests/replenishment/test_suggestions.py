"""Suggestions end to end on a small shop: every reason recomputes, runs repeat, states stay, bad data gives none."""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal

import pytest

from orders_pipeline.replenishment import (
    MasterData,
    PositionSettings,
    make_suggestions,
    markdown_table,
    refresh_stock_position,
    store_suggestions,
    top_rows,
)
from orders_pipeline.replenishment.events import Event
from orders_pipeline.replenishment.inputs import service_classes
from orders_pipeline.replenishment.master import PurchaseOrder, SkuTerms, Supplier
from orders_pipeline_tests.replenishment.conftest import NOW, TODAY, Tables
from orders_pipeline_tests.replenishment.reasons import check_reasons

TERMS = MasterData(
    sku_terms={
        "S04": SkuTerms("S04", "甲厂", lead_days=7, moq=48, pack=24, unit_cost=Decimal("12.50")),
        "S10": SkuTerms("S10", "甲厂", lead_days=10, moq=1, pack=10, unit_cost=Decimal("3.00")),
    },
    suppliers={"甲厂": Supplier("甲厂", lead_days=9, review_days=3)},
    purchase_orders=(
        PurchaseOrder("PO7", "S10", "甲厂", 12, TODAY - timedelta(days=20), TODAY - timedelta(days=5), False),
    ),
    missing=(),
)


def run(tables: Tables, master: MasterData | None = None, day: date = TODAY, **options: object):
    master = master or MasterData()
    refresh_stock_position(tables.con, day, master, PositionSettings(**options))
    made = make_suggestions(tables.con, day, master, now=NOW + (day - TODAY))
    store_suggestions(tables.con, made)
    return made


def scalar(tables: Tables, query: str, *values: object) -> object:
    row = tables.con.execute(query, list(values)).fetchone()
    return row[0] if row else None


@pytest.mark.parametrize("master", [MasterData(), TERMS], ids=["no master data", "suppliers known"])
def test_every_reason_recomputes_from_the_tables_it_names(shop, master):
    run(shop, master, deposit_conversion=0.85)
    assert check_reasons(shop.con, TODAY) >= 5


def test_without_master_data_defaults_are_used_and_named(shop):
    made = run(shop)
    assert len(made.to_order) >= 5
    for row in made.to_order:
        assert (row.supplier, row.amount, row.unit_cost, row.moq, row.pack) == ("", None, None, 1, 1)
        assert (row.lead_days_min, row.lead_days_mean, row.lead_days_max) == (4, 7, 11)
        assert row.labels.startswith("缺资料")
        assert "缺资料：交期按默认7天、起订量按默认1件、单价未知，金额留空" in row.reason


def test_terms_of_the_supplier_are_kept_and_late_orders_chased(shop):
    made = {row.merchant_sku: row for row in run(shop, TERMS).rows}
    assert (made["S04"].supplier, made["S04"].review_days) == ("甲厂", 3)
    if made["S04"].quantity:
        assert made["S04"].quantity % 24 == 0
        assert made["S04"].quantity >= 48
        assert made["S04"].amount == made["S04"].quantity * Decimal("12.50")
    assert "催货(PO7)" in made["S10"].labels
    assert "缺资料" not in made["S10"].labels


def test_repeated_runs_are_byte_equal_and_keep_what_people_decided(shop):
    first = run(shop)
    rows = shop.suggestions()
    assert run(shop) == first
    assert repr(shop.suggestions()) == repr(rows)
    taken, refused = first.to_order[0], first.to_order[1]
    update = "UPDATE planning.replenishment_suggestions SET state = ?, confirmed_quantity = ? WHERE suggestion_id = ?"
    shop.con.execute(update, ["采纳", taken.quantity + 1, taken.suggestion_id])
    shop.con.execute(update, ["拒绝", None, refused.suggestion_id])
    decided = shop.suggestions()
    run(shop)
    assert repr(shop.suggestions()) == repr(decided)
    known_supplier = MasterData(sku_terms={taken.merchant_sku: SkuTerms(taken.merchant_sku, "乙厂")})
    run(shop, known_supplier)  # another supplier is another id, but the SKU was dealt with today
    assert shop.suggestions()[taken.merchant_sku] == decided[taken.merchant_sku]
    assert len(shop.suggestions()) == len(decided)


def test_what_was_taken_up_yesterday_counts_as_ordered_and_what_was_refused_stays_away(shop):
    first = run(shop)
    taken, refused = first.to_order[0], first.to_order[1]
    update = "UPDATE planning.replenishment_suggestions SET state = ? WHERE suggestion_id = ?"
    shop.con.execute(update, ["采纳", taken.suggestion_id])
    shop.con.execute(update, ["拒绝", refused.suggestion_id])
    tomorrow = TODAY + timedelta(days=1)
    shop.con.execute("UPDATE core.stock SET snapshot_at = snapshot_at + INTERVAL 1 DAY")
    run(shop, day=tomorrow)
    assert shop.positions(tomorrow)[taken.merchant_sku]["on_order"] == taken.quantity
    assert shop.suggestions(tomorrow)[taken.merchant_sku]["quantity"] < taken.quantity
    assert refused.merchant_sku not in shop.suggestions(tomorrow)


def test_an_old_count_gives_no_suggestion_and_says_so(shop):
    shop.con.execute("UPDATE core.stock SET snapshot_at = ? WHERE merchant_sku = 'S03'", [NOW - timedelta(hours=25)])
    made = run(shop)
    assert "S03" not in {row.merchant_sku for row in made.rows}
    assert len(made.rows) == 29
    assert any("库存快照超过24小时：1个商品" in error and "S03" in error for error in made.errors)


@pytest.mark.parametrize(("age", "rows"), [(2, 30), (3, 0)])
def test_a_forecast_older_than_48_hours_gives_none_at_all(shop, age, rows):
    shop.con.execute("UPDATE planning.sales_forecast_totals SET made_on = ?", [TODAY - timedelta(days=age)])
    made = run(shop)
    assert len(made.rows) == rows
    assert bool(made.errors) == (rows == 0)


def test_nothing_at_all_is_an_error_not_a_crash(tables):
    made = run(tables)
    assert made.rows == ()
    assert made.errors
    tables.forecast("A", 3.0)
    assert run(tables).errors == ("没有可用的库存数据：请先同步库存",)
    assert markdown_table(made) == "今天没有采购建议。"


def test_negative_stock_is_a_data_error(shop):
    shop.con.execute("UPDATE core.stock SET on_hand = -3 WHERE merchant_sku = 'S04'")
    made = run(shop)
    assert "S04" not in {row.merchant_sku for row in made.rows}
    assert any("在库为负" in error for error in made.errors)


def test_rules_that_overrule_the_quantity(tables):
    daily = [2] * 90
    tables.sales("OFF", daily)
    tables.stock("OFF", 0, status="off_sale")
    tables.sales("DEAD", [3] * 20 + [0] * 70)
    tables.stock("DEAD", 40)
    tables.stock("VIRGIN", 0)
    tables.sales("RARE", [1, *[0] * 60, 1, *[0] * 28])
    tables.stock("RARE", 0)
    tables.sales("NEW", [6] * 8)
    tables.stock("NEW", 0)
    tables.sales("USUAL", daily)
    tables.stock("USUAL", 0)
    tables.line("OFF", 4, "to_ship")  # sold after the count: owed to buyers
    tables.con.execute("UPDATE core.orders SET paid_at = ?", [NOW])
    for sku in ("OFF", "DEAD", "RARE", "NEW", "USUAL"):
        tables.forecast(sku, 0.1 if sku in ("DEAD", "RARE") else 14.0)
    made = {row.merchant_sku: row for row in run(tables).rows}
    assert (made["OFF"].quantity, "停售" in made["OFF"].labels) == (4, True)
    assert (made["DEAD"].quantity, made["DEAD"].urgency, "滞销" in made["DEAD"].labels) == (0, 5, True)
    assert (made["VIRGIN"].quantity, "无销量" in made["VIRGIN"].labels) == (0, True)
    assert "新品试单" in made["NEW"].labels
    assert made["NEW"].quantity <= math.ceil(7 * made["NEW"].daily_demand)
    assert made["USUAL"].quantity > 14
    assert made["USUAL"].order_by == TODAY


def test_stock_that_is_sold_out_does_not_read_as_no_demand(tables):
    for sku in ("SEEN", "HIDDEN"):
        tables.sales(sku, [4] * 60, until=TODAY - timedelta(days=20))
        tables.stock(sku, 0)
    for days in range(1, 21):  # HIDDEN had no stock these days, SEEN had and did not sell
        tables.insert(
            "planning.daily_sku_sales",
            merchant_sku="HIDDEN",
            date=TODAY - timedelta(days=days),
            units=0,
            orders=0,
            revenue=0,
            refunded_units=0,
            in_stock=False,
        )
    tables.forecast("OTHER", 1.0)
    made = {row.merchant_sku: row for row in run(tables).rows}
    assert made["HIDDEN"].daily_demand == pytest.approx(4, rel=0.05)
    assert made["SEEN"].daily_demand < 3


def test_an_event_ahead_raises_the_order_and_one_behind_lowers_it(tables):
    tables.sales("A", [4] * 83 + [20] * 7)
    tables.stock("A", 30)
    tables.forecast("OTHER", 1.0)
    plain = run(tables).rows[0]
    behind = (Event("双12", TODAY - timedelta(days=7), TODAY - timedelta(days=1), 5.0),)
    ahead = (Event("年货节", TODAY + timedelta(days=3), TODAY + timedelta(days=5), 5.0),)
    after_event = run(tables, MasterData(events=behind)).rows[0]
    before_event = run(tables, MasterData(events=(*behind, *ahead))).rows[0]
    assert after_event.daily_demand == pytest.approx(4, rel=0.02)
    assert after_event.quantity < plain.quantity
    assert before_event.demand_mean == pytest.approx(after_event.demand_mean + 3 * 4 * 4, rel=0.05)


def test_one_bulk_purchase_does_not_double_the_level(tables):
    for sku in ("PLAIN", "BULK"):
        tables.sales(sku, [4] * 90)
        tables.stock(sku, 30)
    tables.con.execute(
        "UPDATE planning.daily_sku_sales SET units = 404, orders = 3 WHERE merchant_sku = 'BULK' AND date = ?",
        [TODAY - timedelta(3)],
    )
    tables.forecast("OTHER", 1.0)
    made = {row.merchant_sku: row for row in run(tables).rows}
    assert made["BULK"].daily_demand == pytest.approx(made["PLAIN"].daily_demand, rel=0.1)
    assert "大单已剔除" in made["BULK"].labels


def test_a_closed_supplier_is_ordered_from_earlier(tables):
    tables.sales("A", [4] * 90)
    tables.stock("A", 140)
    tables.forecast("OTHER", 1.0)
    terms = {"A": SkuTerms("A", "甲厂", lead_days=7, moq=1, unit_cost=Decimal(1))}
    closed = ((TODAY + timedelta(days=2), TODAY + timedelta(days=16)),)
    open_all_year = run(tables, MasterData(sku_terms=terms)).rows[0]
    closing = run(tables, MasterData(sku_terms=terms, suppliers={"甲厂": Supplier("甲厂", closures=closed)})).rows[0]
    assert open_all_year.quantity == 0
    assert closing.quantity > 0
    assert closing.lead_days_mean == open_all_year.lead_days_mean + 15


def test_goods_due_in_time_lower_the_risk(tables):
    tables.sales("A", [4] * 90)
    tables.stock("A", 10)
    tables.forecast("OTHER", 1.0)

    def risk(eta: date | None) -> float:
        return (
            run(tables, MasterData(purchase_orders=(PurchaseOrder("P", "A", "", 200, TODAY, eta, False),))).rows[0].risk
        )

    assert risk(TODAY + timedelta(days=1)) < 0.01
    assert risk(None) > 0.8
    assert risk(TODAY - timedelta(days=1)) > 0.8


def test_shops_that_are_behind_are_named(shop):
    refresh_stock_position(shop.con, TODAY, MasterData())
    made = make_suggestions(shop.con, TODAY, MasterData(), now=NOW, behind_shops=["main", "elsewhere"])
    assert all("同步滞后(main)" in row.labels and "同步滞后(main)" in row.reason for row in made.rows)


def test_service_classes_follow_revenue_unless_stated():
    revenue = [70.0, 15.0, 8.0, 4.0, 3.0]
    assert service_classes("vwxyz", revenue, {"z": "A"}) == ["A", "A", "B", "B", "A"]
    assert service_classes("ab", [0.0, 0.0], {}) == ["B", "B"]


def test_the_table_shows_the_most_urgent_first(shop):
    made = run(shop)
    rows = top_rows(made, 5)
    assert [row[1] for row in rows] == [row.merchant_sku for row in made.to_order[:5]]
    assert [row.urgency for row in made.rows] == sorted(row.urgency for row in made.rows)
    lines = markdown_table(made, 5).splitlines()
    assert len(lines) == 7
    assert len({line.count("|") for line in lines}) == 1
