"""The raw zone is enough: the warehouse comes back from it."""

from __future__ import annotations

from datetime import timedelta

from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.warehouse.conftest import SteppedClock, rows_of, snapshot
from orders_pipeline_tests.warehouse.wire import NOON, RawZone, refund, refunds, trade, trades


def fill(warehouse: Warehouse, raw: RawZone) -> None:
    files = [
        raw.land(
            trades(trade(tid * 10, f"2026-01-15 10:00:{tid:02}")),
            rows=[1],
            fetched_at=NOON + timedelta(seconds=number),
            window_start=NOON + timedelta(hours=number),
        )
        for number, tid in enumerate((1, 2, 3, 2, 1))
    ]
    files += [raw.land(refunds(refund()), api="taobao.refunds.receive.get", rows=[1]), raw.land(trades("?"), rows=[1])]
    for file in files:
        warehouse.apply([file], holder="test")


def test_the_same_tables_come_back_and_what_raw_does_not_hold_is_carried_over(
    warehouse: Warehouse, folder: DataFolder, raw: RawZone
) -> None:
    fill(warehouse, raw)
    with warehouse.write("test") as con:
        con.execute("INSERT INTO ops.incidents (id, kind, shop, subject, opened_at) VALUES ('x', 'k', 's', 's', now())")
        con.execute("UPDATE core.orders SET vanished_at = ? WHERE order_id = '20'", [NOON + timedelta(days=1)])
    warehouse.flush()
    with warehouse.read() as con:
        before = snapshot(con)
    seen: list[tuple[int, int]] = []
    report = warehouse.rebuild(lambda done, total: seen.append((done, total)))
    assert seen[-1] == (7, 7)
    assert report.rows["core.orders"] == 3
    with warehouse.read() as con:
        assert snapshot(con) == before
        assert rows_of(con, "SELECT id FROM ops.incidents") == [{"id": "x"}]
    assert not list(folder.root.glob("rebuild.duckdb*"))


def test_a_warehouse_that_is_lost_or_broken_comes_back(
    warehouse: Warehouse, folder: DataFolder, raw: RawZone, clock: SteppedClock
) -> None:
    fill(warehouse, raw)
    warehouse.flush()
    with warehouse.read() as con:
        before = snapshot(con)
    folder.warehouse.write_bytes(b"no database" * 1000)
    warehouse.rebuild()
    with warehouse.read() as con:
        assert snapshot(con) == before
    folder.warehouse.unlink()
    Warehouse(folder, clock).rebuild()
    with warehouse.read() as con:
        assert snapshot(con) == before
