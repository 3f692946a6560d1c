"""Whatever is lost, aged or invented here: after one night the tables equal the platform, within the promised calls."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders_pipeline.sandbox.clock import to_wire
from orders_pipeline_tests.conftest import NOON
from orders_pipeline_tests.sync.reconciling.conftest import YESTERDAY, ReadShop, read_shop

ORDERS = (
    f"SELECT order_id FROM core.orders WHERE vanished_at IS NULL AND created_on BETWEEN '2025-10-18' AND '{YESTERDAY}'"
)
IN_DAY = f"modified_at BETWEEN '{YESTERDAY} 00:00:00+08' AND '{YESTERDAY} 23:59:59+08' AND vanished_at IS NULL"


def some(shop: ReadShop, sql: str, number: int, rng: random.Random) -> list[str]:
    ids = sorted(str(row[0]) for row in shop.query(sql))
    return rng.sample(ids, min(number, len(ids)))


@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lost=st.integers(0, 6),
    lost_refunds=st.integers(0, 2),
    aged=st.integers(0, 4),
    invented=st.integers(0, 2),
    seed=st.integers(0, 10_000),
)
def test_after_one_night_the_tables_equal_the_platform(
    shop: ReadShop, lost: int, lost_refunds: int, aged: int, invented: int, seed: int
) -> None:
    rng = random.Random(seed)
    gone = some(shop, ORDERS, lost, rng)
    old = [i for i in some(shop, f"SELECT order_id FROM core.orders WHERE {IN_DAY}", aged, rng) if i not in gone]
    refunds = some(shop, f"SELECT refund_id FROM core.refunds WHERE {IN_DAY}", lost_refunds, rng)
    weeks = dict(shop.query(f"SELECT order_id, (DATE '{YESTERDAY}' - created_on) // 7 FROM core.orders"))
    # a week's count cannot see as many rows lost as there are too many
    in_other_weeks = [i for i in some(shop, ORDERS, invented, rng) if weeks[i] not in {weeks[j] for j in gone}]
    twins = [i for i in in_other_weeks if i not in old]
    statements = [f"DELETE FROM core.{t} WHERE order_id = '{i}'" for i in gone for t in ("orders", "order_lines")]
    statements += [f"DELETE FROM core.refunds WHERE refund_id = '{i}'" for i in refunds]
    statements += [
        f"UPDATE core.orders SET modified_at = modified_at - INTERVAL {rng.randint(1, 90_000)} SECOND WHERE order_id = '{i}'"
        for i in old
    ]
    statements += [
        f"INSERT INTO core.orders BY NAME SELECT * REPLACE ('99{seed}{n}' AS order_id, 0 AS line_count) "
        f"FROM core.orders WHERE order_id = '{i}'"
        for n, i in enumerate(twins)
    ]
    shop.damage(*statements)

    report = shop.night()

    assert not report.differs
    shop.must_equal_the_platform()
    found = {(finding.kind, finding.row_id) for finding in report.findings}
    assert {("missing", i) for i in gone + refunds} | {("stale", i) for i in old} <= found
    assert {row_id for kind, row_id in found if kind == "extra"} == {f"99{seed}{n}" for n in range(len(twins))}
    # a lost order that changed yesterday, an aged and an invented one differ in two windows each
    differences = 2 * (len(gone) + len(old) + len(twins)) + len(refunds)
    assert report.calls.counting == 61
    assert report.calls.bisecting <= 7 * differences
    assert 13 <= shop.counts_asked() <= 13 + report.calls.bisecting  # weeks; hours of a page are read in their place
    assert report.calls.refetching <= 2 * differences + len(twins)
    assert all(finding.why for finding in report.findings)


@pytest.fixture
def moving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReadShop]:
    """A shop of its own, for its clock goes on."""
    with read_shop(tmp_path_factory.mktemp("moving"), days=20, orders_per_day=60) as loaded:
        yield loaded


def test_what_moves_while_it_is_counted_is_no_difference(moving: ReadShop) -> None:
    """Between any two calls orders of yesterday change: they leave their hours on the platform before they do so here."""
    rng = random.Random(5)
    sandbox = moving.sandbox
    lost: list[str] = []

    def somebody_pays() -> None:
        with sandbox.gateway.lock:
            sandbox.clock.advance(7)
            now = sandbox.clock.now()
            hours = [(NOON - timedelta(hours=36)).replace(minute=0) + timedelta(hours=n) for n in range(24)]
            changed = [
                trade
                for trade in sandbox.store.trades.values()
                if to_wire(hours[0]) <= trade["modified"] < to_wire(hours[-1]) and str(trade["tid"]) not in lost
            ]
            for trade in rng.sample(changed, min(1, len(changed))):
                sandbox.store.put_trade({**trade, "modified": to_wire(now)})

    moving.between_calls = somebody_pays
    report = moving.night()
    assert report.calls.counting > 40
    assert (report.findings, report.differs) == ((), False)

    lost += some(moving, f"SELECT order_id FROM core.orders WHERE {IN_DAY}", 3, rng)
    moving.damage(*(f"DELETE FROM core.{t} WHERE order_id = '{i}'" for i in lost for t in ("orders", "order_lines")))
    report = moving.night()
    assert not report.differs
    still = {
        i for i in lost if sandbox.store.trades[int(i)]["modified"] < to_wire(NOON)
    }  # the tail brought the others back
    assert still
    assert still <= {finding.row_id for finding in report.findings} <= set(lost)
    moving.between_calls = lambda: None
    with moving.sync() as sync:
        sync.sync()
    moving.must_equal_the_platform()
