"""Every order, line, refund, parcel and stock row of the platform is in the warehouse, once, equal in every field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import duckdb
import pytest

from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync
from orders_pipeline_tests import truth
from orders_pipeline_tests.conftest import NOON, living_sandbox

DAYS = 30
PLATFORM, SHOP = "tmall", "tea_tmall"
OpenSync = Callable[..., AbstractContextManager[ShopSync]]


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with living_sandbox(DAYS, 120) as server:
        yield server


def check_orders(folder: DataFolder, sandbox: SandboxServer) -> None:
    """Orders, lines, refunds and the parcels that lines tell of."""
    want = sandbox.truth()
    with duckdb.connect(str(folder.published), read_only=True) as con:
        for table, key, expected in (
            ("core.orders", ("platform", "shop", "order_id"), truth.orders(want, PLATFORM, SHOP)),
            ("core.order_lines", ("platform", "shop", "line_id"), truth.order_lines(want, PLATFORM, SHOP)),
            ("core.refunds", ("platform", "shop", "refund_id"), truth.refunds(want, PLATFORM, SHOP)),
            (
                "core.parcels",
                ("platform", "shop", "order_id", "tracking_number"),
                truth.parcels(want, PLATFORM, SHOP),
            ),
            (
                "core.parcel_lines",
                ("platform", "shop", "order_id", "tracking_number", "line_id"),
                truth.parcel_lines(want, PLATFORM, SHOP),
            ),
        ):
            assert len(expected) > 100 or table == "core.refunds", f"{table}: the world is too quiet to prove anything"
            columns = tuple(next(iter(expected.values())))
            truth.compare(expected, truth.rows_of(con, table, key, columns), table)
        deposits = {
            (platform, shop, order_id): amount
            for platform, shop, order_id, amount in con.execute(
                "SELECT platform, shop, order_id, deposit_amount FROM core.orders"
            ).fetchall()
        }
        for key, amount in truth.deposits_due(want, PLATFORM, SHOP).items():
            assert deposits[key] == amount
        quarantined = con.execute("SELECT count(*) FROM ops.quarantine").fetchone()
        assert quarantined == (0,)


def check_stock(folder: DataFolder, sandbox: SandboxServer) -> None:
    expected = truth.stock(sandbox.truth(), PLATFORM, SHOP)
    columns = tuple(next(iter(expected.values())))
    with duckdb.connect(str(folder.published), read_only=True) as con:
        for table in ("core.stock", "core.skus"):
            names = columns if table == "core.stock" else ("merchant_sku", "price")
            found = truth.rows_of(con, table, ("platform", "shop", "product_id", "sku_id"), names)
            if table == "core.skus":
                found = {key: row for key, row in found.items() if key in expected}
                want = {key: {name: row[name] for name in names} for key, row in expected.items()}
            else:
                want = expected
            truth.compare(want, found, table)


def test_a_full_pull_alone_brings_everything(sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync) -> None:
    with sandbox.gateway.lock:
        sandbox.gateway.world = None  # the shop stands still, for a full pull ends three minutes behind the clock
    sandbox.clock.advance(600)
    with open_sync(sandbox, backfill_days=DAYS + 1) as sync:
        sync.backfill()
    check_orders(folder, sandbox)
    check_stock(folder, sandbox)


def test_increments_alone_bring_everything(sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync) -> None:
    with open_sync(sandbox, backfill_days=DAYS + 1) as sync:
        sync.sync(since=NOON - timedelta(days=DAYS + 1))
        sync.snapshot_stock()
    check_orders(folder, sandbox)
    check_stock(folder, sandbox)


def test_both_twice_over_while_the_shop_lives_on(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync
) -> None:
    with open_sync(sandbox, backfill_days=DAYS + 1) as sync:
        for _ in range(2):
            sync.backfill()
            sandbox.clock.advance(3_600)
            sync.sync()
            sandbox.clock.advance(7 * 3_600)
            sync.sync()
            sync.follow_parcels()
            sync.snapshot_stock()
            check_orders(folder, sandbox)
            check_stock(folder, sandbox)
            check_traces(folder, sandbox)


def check_traces(folder: DataFolder, sandbox: SandboxServer) -> None:
    """A parcel says what its trace said when it was fetched, or that it was not fetched."""
    now = truth.traces(sandbox.truth(), PLATFORM, SHOP)
    columns = ("last_trace_at", "last_trace_action", "signed_at", "trace_state")
    with duckdb.connect(str(folder.published), read_only=True) as con:
        found = truth.rows_of(con, "core.parcels", ("platform", "shop", "order_id", "tracking_number"), columns)
    fetched = {key: row for key, row in found.items() if row["trace_state"] != "not_fetched"}
    assert fetched, "no parcel crossed a tier: the world is too quiet to prove anything"
    for key, row in fetched.items():
        steps = now[key]
        assert row["trace_state"] == "not_tracked" or row["last_trace_at"] <= steps["last_trace_at"]
        assert row["signed_at"] in (None, steps["signed_at"])
    for key, row in found.items():
        if key not in fetched:
            assert row == {
                "last_trace_at": None,
                "last_trace_action": None,
                "signed_at": None,
                "trace_state": "not_fetched",
            }
