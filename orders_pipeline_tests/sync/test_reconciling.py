"""A day that differs from the platform is named, kind by kind, and mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.conftest import NOON, living_sandbox

OpenSync = Callable[..., AbstractContextManager[ShopSync]]
YESTERDAY = (NOON - timedelta(days=1)).date()


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with living_sandbox(4, 60) as server:
        yield server


def orders_of_yesterday(folder: DataFolder) -> list[str]:
    with Warehouse(folder).read() as con:
        rows = con.execute(
            "SELECT order_id FROM core.orders WHERE created_on = ? AND vanished_at IS NULL ORDER BY order_id",
            [YESTERDAY],
        ).fetchall()
    return [order_id for (order_id,) in rows]


def test_a_day_that_agrees_says_so(sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync) -> None:
    with open_sync(sandbox, backfill_days=5) as sync:
        sync.backfill()
        sync.sync()
        report = sync.reconcile(YESTERDAY)
    assert not report.differs
    assert report.platform_count == report.local_count == len(orders_of_yesterday(folder)) > 20


def test_missing_stale_and_vanished_orders_are_named_and_mended(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync
) -> None:
    with open_sync(sandbox, backfill_days=5) as sync:
        sync.backfill()
        sync.sync()
        before = orders_of_yesterday(folder)
        lost, old = before[3], before[5]
        warehouse = Warehouse(folder, sandbox.clock)
        with warehouse.write("test") as con:
            con.execute("DELETE FROM core.orders WHERE order_id = ?", [lost])
            con.execute("DELETE FROM core.order_lines WHERE order_id = ?", [lost])
            con.execute("UPDATE core.orders SET modified_at = created_at - INTERVAL 1 DAY WHERE order_id = ?", [old])
            con.execute(
                "INSERT INTO core.orders BY NAME SELECT * REPLACE ('gone' AS order_id) FROM core.orders WHERE order_id = ?",
                [before[7]],
            )
        warehouse.flush()

        seen = sync.reconcile(YESTERDAY, heal=False)
        assert (seen.missing, seen.stale, seen.extra) == ((lost,), (old,), ("gone",))

        mended = sync.reconcile(YESTERDAY)
        assert not mended.differs
        assert mended.healed == 3
    assert orders_of_yesterday(folder) == before
    with Warehouse(folder).read() as con:
        rows = con.execute("SELECT missing, stale, extra, healed FROM ops.reconciliations ORDER BY healed").fetchall()
        kept = con.execute("SELECT vanished_at IS NOT NULL FROM core.orders WHERE order_id = 'gone'").fetchall()
    assert rows == [(1, 1, 1, 0), (1, 1, 1, 3)]
    assert kept == [(True,)]  # never deleted


def test_what_changed_since_the_last_window_is_no_difference(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync
) -> None:
    with open_sync(sandbox, backfill_days=5) as sync:
        sync.backfill()
        sync.sync()
        sandbox.clock.advance(6 * 3_600)  # orders of yesterday are shipped and signed meanwhile
        assert not sync.reconcile(YESTERDAY, heal=False).differs
