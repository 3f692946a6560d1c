"""The order policy against worked examples, and against brute force where an example proves too little."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders_pipeline.replenishment.demand import constant_demand
from orders_pipeline.replenishment.lead_time import lead_days
from orders_pipeline.replenishment.policy import Decision, Stock, Terms, Urgency, decide, erp_rule, urgency

DAYS = 120
INFINITE = float("inf")


@dataclass(frozen=True)
class Case:
    """One SKU's inputs in the order of the worked examples."""

    level: float
    phi: float
    lead: float
    deviation: float
    review: int
    cycle: int
    service: float
    on_hand: int = 0
    reserved: int = 0
    frozen: int = 0
    conversion: float = 1.0
    on_order: int = 0
    moq: int = 1
    pack: int = 1
    shelf_cap: float = INFINITE
    factors: tuple[float, ...] = field(default=())


def run(*cases: Case) -> Decision:
    """Decide several cases at once: what one SKU gets must not depend on its neighbours."""

    def column(name: str) -> np.ndarray:
        return np.array([getattr(case, name) for case in cases])

    factors = np.ones(DAYS)
    factors[: len(cases[0].factors)] = cases[0].factors
    return decide(
        constant_demand(column("level"), column("phi"), factors),
        Stock(
            column("on_hand"),
            column("reserved"),
            column("frozen"),
            column("on_order"),
            column("conversion"),
            np.zeros(len(cases), dtype=np.int64),
        ),
        Terms(
            lead_days(column("lead"), column("deviation")),
            column("review"),
            column("cycle"),
            column("service"),
            column("moq"),
            column("pack"),
            column("shelf_cap"),
        ),
    )


A = Case(5, 0.1, 7, 0, 7, 7, 0.95, on_hand=40)
B = Case(5, 0.1, 7, 2.8, 7, 7, 0.95, on_hand=40)
C = Case(5, 0.1, 7, 2.8, 7, 7, 0.95, 120, 18, 60, 0.85, 24, 48, 24)
D = Case(0.12, 0.6, 14, 4, 7, 7, 0.90, on_hand=2)
E = Case(20, 0.05, 3, 1, 1, 7, 0.98, on_hand=90, on_order=40)
F = Case(5, 0.1, 7, 2.8, 7, 7, 0.95, on_hand=200)
G = Case(5, 0.1, 7, 0, 7, 7, 0.95, on_hand=40, factors=(*(1.0,) * 8, 2.2, 4.8, 2.2, 0.7, 0.7, 0.7))
H = Case(5, 0.1, 7, 0, 7, 7, 0.95, on_hand=6, reserved=11)


@pytest.mark.parametrize(
    ("case", "order_point", "order_up_to", "available", "position", "quantity"),
    [
        pytest.param(A, 113, 113, 40, 40, 73, id="A plain"),
        pytest.param(B, 120, 120, 40, 40, 80, id="B uncertain lead time"),
        pytest.param(C, 120, 120, 51, 75, 48, id="C presale freeze, MOQ and pack"),
        pytest.param(D, 6, 6, 2, 2, 4, id="D slow mover"),
        pytest.param(E, 135, 255, 90, 130, 125, id="E daily review, weekly cycle"),
        pytest.param(F, 120, 120, 200, 200, 0, id="F enough"),
        pytest.param(G, 154, 154, 40, 40, 114, id="G promotion ahead"),
        pytest.param(H, 113, 113, -5, -5, 118, id="H oversold"),
    ],
)
def test_golden_quantities(case, order_point, order_up_to, available, position, quantity):
    decision = run(case)
    got = (decision.order_point, decision.order_up_to, decision.available, decision.position, decision.quantity)
    assert tuple(int(value[0]) for value in got) == (order_point, order_up_to, available, position, quantity)


@pytest.mark.parametrize(
    ("case", "order_in", "likely", "earliest"),
    [(A, 0, 9, 6), (C, 0, 11, 7), (D, 0, 18, 5), (E, 0, 5, 4), (F, 10, 42, 28)],
    ids=["A", "C", "D", "E", "F"],
)
def test_golden_dates(case, order_in, likely, earliest):
    decision = run(case)
    got = (decision.order_in_days, decision.stock_out_day, decision.earliest_stock_out_day)
    assert tuple(float(value[0]) for value in got) == (order_in, likely, earliest)


def test_golden_risk_and_spread_of_c():
    decision = run(C)
    assert round(float(decision.risk[0]), 4) == 0.1022
    assert (round(float(decision.demand_mean[0])), round(float(decision.demand_deviation[0]))) == (70, 27)


@pytest.mark.parametrize(
    ("mean", "deviation", "expected"),
    [(7, 0, [7] * 5), (7, 2.8, [4, 5, 7, 8, 11]), (3, 1, [2, 2, 3, 3, 4]), (0.3, 0, [1] * 5)],
)
def test_lead_time_slices(mean, deviation, expected):
    assert lead_days([mean], [deviation])[0].tolist() == expected


def test_the_erp_rule_does_not_see_the_presale_freeze():
    whole = np.array
    assert erp_rule(whole([35.0]), whole([120 - 18]), whole([24]), whole([7.0]), whole([7])).tolist() == [0]


def test_the_erp_rule_counts_a_shortage_once():
    whole = np.array
    assert erp_rule(whole([35.0]), whole([-5]), whole([0]), whole([7.0]), whole([7])).tolist() == [85 + 5]


@pytest.mark.parametrize(
    ("shelf_cap", "moq", "pack", "quantity"),
    [
        pytest.param(INFINITE, 1, 10, 80, id="80 are whole packs already"),
        pytest.param(INFINITE, 100, 24, 120, id="MOQ rounded up to packs"),
        pytest.param(60, 1, 24, 48, id="room for two packs, 5 left on arrival"),
        pytest.param(60, 72, 24, 0, id="room for less than the MOQ"),
        pytest.param(0, 1, 1, 0, id="no room"),
    ],
)
def test_pack_moq_and_shelf(shelf_cap, moq, pack, quantity):
    case = Case(5, 0.1, 7, 2.8, 7, 7, 0.95, on_hand=40, moq=moq, pack=pack, shelf_cap=shelf_cap)
    decision = run(case)
    assert int(decision.quantity[0]) == quantity
    assert bool(decision.shelf_limited[0]) == (shelf_cap < INFINITE)


def test_an_empty_shelf_gets_one_pack_even_where_demand_is_too_slow_for_an_order_point():
    decision = run(Case(0.001, 0.5, 7, 0, 7, 7, 0.9, on_hand=0, pack=6))
    assert (int(decision.order_point[0]), int(decision.quantity[0])) == (0, 6)


@pytest.mark.parametrize(
    ("case", "dead", "expected"),
    [
        (H, False, Urgency.OUT_OF_STOCK),
        (Case(5, 0.1, 7, 0, 7, 7, 0.95, on_hand=20), False, Urgency.TOO_LATE),
        (B, False, Urgency.ORDER_TODAY),
        (Case(5, 0.1, 7, 2.8, 7, 7, 0.95, on_hand=150), False, Urgency.WITHIN_WEEK),
        (F, False, Urgency.ENOUGH),
        (Case(5, 0.1, 7, 2.8, 7, 7, 0.95, on_hand=500), False, Urgency.OVERSTOCK),
        (F, True, Urgency.OVERSTOCK),
        (Case(0.0, 0.1, 7, 0, 7, 7, 0.95, on_hand=0), True, Urgency.ENOUGH),
    ],
)
def test_urgency(case, dead, expected):
    assert Urgency(int(urgency(run(case), [dead])[0])) is expected


cases = st.builds(
    Case,
    level=st.floats(0.0, 30.0),
    phi=st.floats(0.01, 2.0),
    lead=st.floats(1.0, 30.0),
    deviation=st.floats(0.0, 10.0),
    review=st.integers(1, 14),
    cycle=st.integers(1, 28),
    service=st.floats(0.6, 0.995),
    on_hand=st.integers(0, 500),
    reserved=st.integers(0, 200),
    frozen=st.integers(0, 200),
    conversion=st.floats(0.0, 1.0),
    on_order=st.integers(0, 200),
    moq=st.integers(1, 100),
    pack=st.integers(1, 24),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(cases, min_size=1, max_size=4))
def test_orders_are_whole_packs_above_the_minimum_and_never_depend_on_neighbours(many):
    together = run(*many)
    for row, case in enumerate(many):
        alone = run(case)
        quantity = int(together.quantity[row])
        assert quantity == int(alone.quantity[0])
        assert quantity % case.pack == 0
        assert quantity == 0 or quantity >= case.moq
        assert (quantity > 0) == (alone.position[0] < alone.order_point[0] or alone.position[0] <= 0)
        if quantity:
            assert alone.position[0] + quantity >= alone.order_up_to[0]
            assert quantity - max(case.moq, alone.order_up_to[0] - alone.position[0], 1) < case.pack


@settings(max_examples=30, deadline=None)
@given(cases)
def test_more_service_never_means_less_stock(case):
    low, high = (run(Case(**{**vars(case), "service": service})) for service in (0.8, 0.95))
    assert low.order_point[0] <= high.order_point[0]
