"""Which version stays: whatever the order, grouping or repetition in which versions arrive."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse
from orders_pipeline.warehouse import upsert as rules
from orders_pipeline_tests.warehouse.conftest import Query, rows_of, snapshot
from orders_pipeline_tests.warehouse.wire import NOON, RawZone, line, refund, refunds, trade, trades

SECONDS = ["2026-01-15 10:05:08", "2026-01-15 10:05:09", "2026-01-15 11:00:00"]


shops = (f"shop-{number}" for number in itertools.count())
version = st.tuples(
    st.sampled_from(SECONDS),
    st.integers(0, 2),  # minutes later that it was fetched
    st.integers(1, 3),  # lines
    st.sampled_from([None, "10.00", "20.00"]),  # deposit, where the final payment is still due
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(version, min_size=1, max_size=5, unique_by=lambda v: v[:2]), st.data())
def test_the_newest_version_stays(
    shared: tuple[Warehouse, RawZone], versions: list[tuple], data: st.DataObject
) -> None:  # type: ignore[type-arg]
    warehouse, raw = shared
    shop = next(shops)
    arrivals = data.draw(st.permutations(versions + data.draw(st.lists(st.sampled_from(versions), max_size=2))))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(arrivals)), max_size=2)) | {len(arrivals)})
    start = 0
    for cut in cuts:
        files: list[Path] = []
        for modified, minutes, lines, deposit in arrivals[start:cut]:
            row = trade(
                100,
                modified,
                payment=f"{lines}.{minutes}0",
                status="WAIT_BUYER_PAY" if deposit else "WAIT_SELLER_SEND_GOODS",
                step_trade_status="FRONT_PAID_FINAL_NOPAID" if deposit else "FRONT_PAID_FINAL_PAID",
                step_paid_fee=deposit or "99.00",
                orders={"order": [line(1000 + number) for number in range(lines)]},
            )
            files.append(raw.land(trades(row), rows=[1], shop=shop, fetched_at=NOON + timedelta(minutes=minutes)))
        warehouse.apply(files, holder="test")
        start = cut
    newest = max(versions, key=lambda v: v[:2])
    deposits = [(v[0], v[3]) for v in versions if v[3]]
    warehouse.flush()
    with warehouse.read() as con:
        (order,) = rows_of(con, "FROM core.orders WHERE shop = ?", shop)
        lines_here = rows_of(con, "SELECT line_id FROM core.order_lines WHERE shop = ? ORDER BY ALL", shop)
    assert order["synced_at"] == NOON + timedelta(minutes=newest[1])
    assert f"{order['modified_at']:%Y-%m-%d %H:%M:%S}" == newest[0]
    assert str(order["payable_amount"]) == f"{newest[2]}.{newest[1]}0"
    assert [row["line_id"] for row in lines_here] == [str(1000 + number) for number in range(newest[2])]
    # of versions of one second the larger deposit counts, in whatever order they came
    assert str(order["deposit_amount"]) == (max(deposits)[1] if deposits else "None")


def test_applying_again_changes_nothing(warehouse: Warehouse, folder: DataFolder, raw: RawZone) -> None:
    files = [
        raw.land(trades(trade(), trade(5, payment="x"), "noise"), rows=[3]),
        raw.land(refunds(refund()), api="taobao.refunds.receive.get", rows=[1]),
    ]
    first = warehouse.apply(files, holder="test")
    assert first.rows == {
        "core.orders": 1,
        "core.order_lines": 2,
        "core.refunds": 1,
        "ops.quarantine": 2,
        "ops.sync_windows": 2,
    }
    warehouse.flush()
    with warehouse.read() as con:
        before = snapshot(con)
    for again in (files, files[::-1], files[:1], files * 2):
        assert warehouse.apply(again, holder="test").rows == {}
    warehouse.flush()
    with warehouse.read() as con:
        assert snapshot(con) == before


def test_the_tail_leaves_no_ledger_row(warehouse: Warehouse, raw: RawZone, query: Query) -> None:
    file = raw.land(trades(trade()), rows=[1])
    report = warehouse.apply_tail([file], holder="test")
    assert (report.windows, report.rows["core.orders"]) == (0, 1)
    assert query("FROM ops.sync_windows") == []
    assert warehouse.apply([file], holder="test").rows == {"ops.sync_windows": 1}


def test_lines_and_ledger_are_written_with_what_the_caller_adds_or_not_at_all(
    warehouse: Warehouse, raw: RawZone, query: Query
) -> None:
    def fail(_con: object) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        warehouse.apply([raw.land(trades(trade()), rows=[1])], holder="test", also=fail)
    assert query("FROM core.orders") == query("FROM ops.sync_windows") == []


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def test_a_vanished_order_comes_back_when_it_is_seen_again(warehouse: Warehouse, raw: RawZone, query: Query) -> None:
    warehouse.apply([raw.land(trades(trade()), rows=[1])], holder="test")
    gone = NOON + timedelta(hours=1)

    def vanished_after(modified: str, fetched_at: datetime) -> datetime | None:
        with warehouse.write("test") as con:
            con.execute("UPDATE core.orders SET vanished_at = ?", [gone])
        page = trades(trade(modified=modified))
        warehouse.apply([raw.land(page, rows=[1], fetched_at=fetched_at)], holder="test")
        return query("SELECT vanished_at FROM core.orders")[0]["vanished_at"]  # type: ignore[no-any-return]

    assert vanished_after("2026-01-15 10:06:00", NOON + timedelta(minutes=5)) == gone  # read before it vanished
    assert vanished_after("2026-01-15 10:06:00", NOON + timedelta(hours=2)) is None
    assert vanished_after("2026-01-15 10:05:00", NOON + timedelta(hours=3)) is None  # an older version, yet it is there


def test_a_line_that_two_orders_claim_stays_with_the_first(warehouse: Warehouse, raw: RawZone, query: Query) -> None:
    owner, thief, other = (trade(tid, orders={"order": [line(7)]}) for tid in (100, 200, 300))
    assert warehouse.apply([raw.land(trades(thief, owner), rows=[2])], holder="test").quarantined == 1
    late = raw.land(trades(other), rows=[1])
    assert warehouse.apply([late], holder="test").quarantined == 1
    assert warehouse.apply([late], holder="test").quarantined == 0
    assert query("SELECT order_id FROM core.order_lines") == [{"order_id": "100"}]
    assert query("SELECT order_id FROM core.orders") == [{"order_id": "100"}]


def test_a_broken_rule_rolls_everything_back(
    warehouse: Warehouse, raw: RawZone, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.apply([raw.land(trades(trade(100)), rows=[1])], holder="test")
    text = rules._text
    monkeypatch.setattr(
        rules, "_text", lambda name: text(name).replace("DELETE FROM core.order_lines", "DELETE FROM core.line_parts")
    )
    with pytest.raises(rules.BrokenRuleError, match="an order has all its lines"):
        warehouse.apply([raw.land(trades(trade(100, "2026-01-16 10:00:00")), rows=[1])], holder="test")
    assert query("SELECT DISTINCT modified_at FROM core.orders") == [{"modified_at": at("2026-01-15 10:05:08")}]
