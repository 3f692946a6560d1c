"""The wording of a reason, shown in full for the worked example with presale freeze, minimum quantity and packs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from orders_pipeline.replenishment.explain import Figures, explain
from orders_pipeline.replenishment.inputs import Offer, Position
from orders_pipeline.replenishment.lead_time import DEFAULT_LEAD_TIME, LeadTime
from orders_pipeline_tests.replenishment.conftest import NOW

FIGURES = Figures(
    made_on=date(2026, 12, 1),
    quantity=48,
    on_order=24,
    returns=0,
    inventory_position=75,
    order_point=120,
    order_up_to=120,
    daily_demand=5.0,
    demand_mean=70.0,
    demand_deviation=26.9,
    service=0.95,
    lead_min=4,
    lead_max=11,
    order_by=date(2026, 12, 1),
    stock_out_day=11,
    earliest_stock_out_day=7,
    risk=0.1022,
    rule_quantity=0,
    sales_7_days=35,
    forecast_7_days=35.2,
)
POSITION = Position("A", 120, 18, 60, 51, 24, 0.0, 102, NOW, True, 0.85)
OFFER = Offer("甲厂", LeadTime(7, 2.8), 7, 7, 48, 24, Decimal("12.50"), None, None, "", False, (), ())


def test_the_worked_example_in_full():
    assert explain(FIGURES, POSITION, OFFER, "", ()) == (
        "建议采购48件（2箱×24）¥600.00，今天下单。"
        "可用51=在库120(平台可售102+待发18)−待发18−预售冻结51(60×85%)；库存位置75=可用51+在途24。"
        "交期4–11天+下个周期7天预计卖70±27(日均5.0)，95%把握需120。"
        "库存位置75<120，缺45→按起订量48取48。"
        "不补货：预计第11天(2026-12-11)断货（最早第7天），到货前断货概率10%。"
        "旧规则(7日均×天数)：0件。近7日销35件，7天预测35.2件。"
    )


def test_what_is_assumed_is_named():
    offer = replace(OFFER, lead=DEFAULT_LEAD_TIME, assumed=("交期", "起订量", "单价"), unit_cost=None)
    reason = explain(FIGURES, POSITION, offer, "", ("间歇",))
    assert reason.endswith("缺资料：交期按默认7天、起订量按默认1件、单价未知，金额留空。标签：间歇。")
    assert "¥" not in reason


def test_a_warehouse_count_is_called_one_and_movements_since_are_shown():
    position = replace(POSITION, snapshot_quantity=123, snapshot_is_net=False)
    assert "在库120(盘点123−盘点后变动3)−待发18" in explain(FIGURES, position, OFFER, "", ())
    position = replace(POSITION, snapshot_quantity=104)
    assert "在库120(平台可售104+待发18−盘点后变动2)−待发18" in explain(FIGURES, position, OFFER, "", ())


def test_nothing_to_order_says_until_when():
    figures = replace(FIGURES, quantity=0, inventory_position=200, order_by=date(2026, 12, 11), stock_out_day=None)
    reason = explain(figures, POSITION, OFFER, "", ())
    assert reason.startswith("今天不用采购，最晚2026-12-11下单。")
    assert "库存位置200≥120，够用" in reason
    assert "120天内不会断货" in reason
