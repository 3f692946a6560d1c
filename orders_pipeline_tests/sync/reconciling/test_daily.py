"""A day that differs from the platform is named, kind by kind, and mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sandbox.clock import to_wire
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder, UserError
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
                "INSERT INTO core.orders BY NAME SELECT * REPLACE ('999' AS order_id) FROM core.orders WHERE order_id = ?",
                [before[7]],
            )
        warehouse.flush()

        seen = sync.reconcile(YESTERDAY, heal=False)
        assert (seen.missing, seen.stale, seen.extra) == ((lost,), (old,), ("999",))

        mended = sync.reconcile(YESTERDAY)
        assert not mended.differs
        assert mended.healed == 3
    assert orders_of_yesterday(folder) == before
    with Warehouse(folder).read() as con:
        rows = con.execute("SELECT missing, stale, extra, healed FROM ops.reconciliations ORDER BY healed").fetchall()
        kept = con.execute("SELECT vanished_at IS NOT NULL FROM core.orders WHERE order_id = '999'").fetchall()
    assert rows == [(1, 1, 1, 0), (1, 1, 1, 3)]
    assert kept == [(True,)]  # never deleted


def test_what_changed_since_the_last_window_is_excused_and_counted(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync
) -> None:
    with open_sync(sandbox, backfill_days=5) as sync:
        sync.backfill()
        sync.sync()
        touch(sandbox, orders_of_yesterday(folder)[4])
        sandbox.clock.advance(10 * 60)
        report = sync.reconcile(YESTERDAY, heal=False)
    assert not report.differs
    assert 1 <= report.excused < 5  # ours, and what the shop did in ten minutes


def test_a_sync_that_is_dead_does_not_look_equal(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync
) -> None:
    """The longer nobody syncs, the more would be excused, were all that came after the last window not yet due."""
    with open_sync(sandbox, backfill_days=5) as sync:
        sync.backfill()
        sync.sync()
        sandbox.clock.advance(6 * 3_600)  # orders of yesterday are shipped and signed meanwhile
        assert sync.reconcile(YESTERDAY, heal=False).stale
        sandbox.clock.advance(24 * 3_600)
        today = YESTERDAY + timedelta(days=1)
        assert len(sync.reconcile(today, heal=False).missing) > 10


def test_a_day_behind_the_wall_is_refused_and_nothing_is_marked(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync
) -> None:
    with open_sync(sandbox, backfill_days=5) as sync:
        sync.backfill()
        sandbox.clock.advance(100 * 86_400)
        with pytest.raises(UserError, match=r"lists no orders of 2026-01-14 any more"):
            sync.reconcile(YESTERDAY)
        with pytest.raises(UserError, match=r"lists no orders of 2026-01-14 any more"):
            sync.refetch_days([YESTERDAY])
    with Warehouse(folder).read() as con:
        assert con.execute("SELECT count(vanished_at), count(*) > 100 FROM core.orders").fetchone() == (0, True)


def test_a_day_that_the_wall_cuts_is_compared_as_far_as_it_is_listed(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync
) -> None:
    with open_sync(sandbox, backfill_days=5) as sync:
        sync.backfill()
        sync.sync()
        sandbox.clock.advance((datetime(2026, 4, 14, 12, tzinfo=SHOP_TZ) - NOON).total_seconds())
        sync.refetch_days([YESTERDAY])
        report = sync.reconcile(YESTERDAY)
    assert not report.differs
    assert 0 < report.platform_count < len(orders_of_yesterday(folder))


def test_an_order_of_a_type_that_no_list_shows_is_no_extra(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync
) -> None:
    with open_sync(sandbox, backfill_days=5) as sync:
        sync.backfill()
        sync.sync()
        unlisted = leaves_the_lists(sandbox, folder)
        sync.refetch_orders([unlisted])
        assert not sync.reconcile(YESTERDAY).differs
    assert unlisted in orders_of_yesterday(folder)


def test_an_order_that_the_list_leaves_out_and_that_is_answered_for_is_not_marked(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync
) -> None:
    """Its type changed unseen: the list does not show it, fullinfo does. Its newest version comes by its id."""
    with open_sync(sandbox, backfill_days=5) as sync:
        sync.backfill()
        sync.sync()
        unlisted = leaves_the_lists(sandbox, folder)
        sandbox.clock.advance(3_600)
        sync.sync()
        report = sync.reconcile(YESTERDAY)
    (finding,) = report.findings
    assert (finding.kind, finding.row_id, finding.came_back) == ("stale", unlisted, "read again by its id")
    assert finding.why == "its type a_new_type is in no list"
    assert unlisted in orders_of_yesterday(folder)


def test_a_row_without_a_date_is_compared_by_its_id(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync
) -> None:
    with open_sync(sandbox, backfill_days=5) as sync:
        sync.backfill()
        sync.sync()
        blank, lost = orders_of_yesterday(folder)[2:4]
        with sandbox.gateway.lock:
            for order_id in (blank, lost):
                sandbox.store.trades[int(order_id)]["modified"] = ""
        warehouse = Warehouse(folder, sandbox.clock)
        with warehouse.write("test") as con:
            con.execute("DELETE FROM core.orders WHERE order_id = ?", [lost])
            con.execute("DELETE FROM core.order_lines WHERE order_id = ?", [lost])
        warehouse.flush()
        report = sync.reconcile(YESTERDAY)
    assert report.missing == (lost,)  # it cannot be stored without a version
    assert report.findings[0].why == "set aside as unreadable: modified is no date"


def touch(sandbox: SandboxServer, order_id: str) -> None:
    """The order changes now."""
    with sandbox.gateway.lock:
        trade = sandbox.store.trades[int(order_id)]
        sandbox.store.put_trade({**trade, "modified": to_wire(sandbox.clock.now())})


def leaves_the_lists(sandbox: SandboxServer, folder: DataFolder) -> str:
    """An order of yesterday changes its type, and no list shows that type."""
    order_id = orders_of_yesterday(folder)[2]
    with sandbox.gateway.lock:
        sandbox.store.trades[int(order_id)]["type"] = "a_new_type"
        touch(sandbox, order_id)
    return order_id
