"""Old orders go from every place on disk, for good; what stays is whole, and comes back the same from what is left of raw."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orders_pipeline import marts
from orders_pipeline.clock import shop_day
from orders_pipeline.platforms.base import FeedName
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.sync import ShopSync
from orders_pipeline.sync.ledger import Ledger
from orders_pipeline.sync.windows import OVERLAP, merge
from orders_pipeline.warehouse import Warehouse
from orders_pipeline.warehouse.purge import cutoff_of
from orders_pipeline_tests.conftest import living_sandbox, shop_of
from orders_pipeline_tests.warehouse.conftest import Rows, SteppedClock, rows_of, snapshot
from orders_pipeline_tests.warehouse.small_files import days

OpenSync = Callable[..., AbstractContextManager[ShopSync]]
SUMS = "FROM planning.daily_sku_sales ORDER BY ALL"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SandboxServer, Path]]:
    """A shop of twelve days that was loaded three days ago and followed since by every channel, and its data folder."""
    folder = DataFolder(tmp_path_factory.mktemp("lived") / "data").create()
    with living_sandbox(9, 25) as server, pytest.MonkeyPatch.context() as patch:
        options = server.options
        for name, value in (("KEY", options.app_key), ("SECRET", options.app_secret)):
            patch.setenv(f"TOP_APP_{name}", value)
        patch.setenv("TOP_SESSION", options.session)
        with ShopSync.open(shop_of(server, backfill_days=10), folder, clock=server.clock) as sync:
            sync.poll_messages()
            sync.backfill()
            for _ in range(3):
                server.clock.advance(24 * 3_600)
                sync.sync()
                sync.poll_messages()
                sync.follow_parcels()
        yield server, folder.root


@pytest.fixture
def sandbox(lived: tuple[SandboxServer, Path]) -> SandboxServer:
    return lived[0]


@pytest.fixture
def folder(lived: tuple[SandboxServer, Path], tmp_path: Path) -> DataFolder:
    """A copy of the data folder, links and times as they are."""
    return DataFolder(Path(shutil.copytree(lived[1], tmp_path / "data", symlinks=True)))


@pytest.fixture(params=["as landed", "joined"])
def warehouse(folder: DataFolder, sandbox: SandboxServer, request: pytest.FixtureRequest) -> Warehouse:
    """With raw files as they landed, or with joined ones that have just taken their place."""
    if request.param == "joined":
        clock = SteppedClock(sandbox.clock.now())
        assert [report.removed for report in days(Warehouse(folder, clock), clock, 2)] == [0, 0]
    warehouse = Warehouse(folder, sandbox.clock)
    marts.refresh_daily_sales(warehouse, "test")
    return warehouse


@pytest.fixture
def kept_from(sandbox: SandboxServer) -> date:
    return shop_day(sandbox.clock.now()) - timedelta(days=6)


def ask(warehouse: Warehouse, sql: str, *values: Any) -> Rows:
    with warehouse.read() as con:
        return rows_of(con, sql, *values)


def split(warehouse: Warehouse, kept_from: date) -> tuple[set[str], set[str]]:
    """Ids of the orders that are old, and of those that stay."""
    rows = ask(warehouse, "SELECT order_id, modified_at FROM core.orders")
    old = {row["order_id"] for row in rows if row["modified_at"] < cutoff_of(kept_from)}
    return old, {row["order_id"] for row in rows} - old


def everything(folder: DataFolder) -> str:
    """All that is stored, decoded: every table of every database file, every raw page."""
    texts = []
    for file in [folder.warehouse, *folder.versions.glob("*.duckdb")]:
        with duckdb.connect(str(file), read_only=True) as con:
            for schema, table in con.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
                texts += [str(row) for row in con.execute(f"FROM {schema}.{table}").fetchall()]
    with duckdb.connect(":memory:") as con:
        for path in folder.raw.rglob("*.parquet"):
            texts += [str(row) for row in con.execute(f"FROM read_parquet('{path}')").fetchall()]
    return "\n".join(texts)


def same(found: dict[str, Rows], expected: dict[str, Rows]) -> None:
    """Tables are equal; of those that are not, the first rows that differ (a whole difference takes minutes to print)."""
    for table, rows in expected.items():
        theirs, ours = ([str(row) for row in some] for some in (rows, found[table]))
        assert (table, sorted(set(theirs) - set(ours))[:3], sorted(set(ours) - set(theirs))[:3]) == (table, [], [])
        assert len(ours) == len(theirs)


def test_old_orders_are_gone_from_every_place_and_the_others_are_whole(
    warehouse: Warehouse, folder: DataFolder, kept_from: date
) -> None:
    old, kept = split(warehouse, kept_from)
    assert len(old) > 10
    assert len(kept) > 10
    with warehouse.read() as con:
        before = snapshot(con)
    foretold = warehouse.preview_purge(kept_from)
    with warehouse.read() as con:
        same(snapshot(con), before)  # a preview changes nothing
    written = everything(folder)
    assert all(order_id in written for order_id in old)

    report = warehouse.purge(kept_from)

    assert report == foretold
    assert report.rows["core.orders"] == len(old)
    assert report.files_rewritten > 0
    written = everything(folder)
    assert [order_id for order_id in old if order_id in written] == []
    assert len(list(folder.versions.glob("*.duckdb"))) == 1
    with warehouse.read() as con:
        after = snapshot(con)
    for table in ("core.orders", "core.order_lines", "core.line_parts", "core.refunds", "core.parcels", "core.traces"):
        assert [row for row in before[table] if row["order_id"] in kept] == [
            row for row in after[table] if row["order_id"] in kept
        ]
    assert len(after["ops.sync_windows"]) < len(before["ops.sync_windows"])
    assert after["core.stock_snapshots"] == before["core.stock_snapshots"]
    assert warehouse.purge(kept_from).rows == {}


def test_daily_sums_stay_whatever_is_computed_or_rebuilt_or_lost(
    warehouse: Warehouse, folder: DataFolder, kept_from: date
) -> None:
    warehouse.rebuild()  # the tail, which raw never holds, is left out on both sides
    marts.refresh_daily_sales(warehouse, "test")
    sums = ask(warehouse, SUMS)
    assert min(row["date"] for row in sums) < kept_from - timedelta(days=2)
    warehouse.purge(kept_from)
    marts.refresh_daily_sales(warehouse, "test")
    assert ask(warehouse, SUMS) == sums
    with warehouse.read() as con:
        tables = snapshot(con)
    warehouse.rebuild()
    marts.refresh_daily_sales(warehouse, "test")
    with warehouse.read() as con:
        same(snapshot(con), tables)
    assert ask(warehouse, SUMS) == sums
    folder.warehouse.unlink()
    warehouse.rebuild()
    marts.refresh_daily_sales(warehouse, "test")
    assert ask(warehouse, SUMS) == sums


def test_reading_goes_on_where_it_was_and_no_hole_appears(
    warehouse: Warehouse, sandbox: SandboxServer, open_sync: OpenSync, kept_from: date
) -> None:
    warehouse.purge(kept_from)
    sandbox.clock.advance(1_800)
    old, _ = split(warehouse, kept_from)
    assert old == set()
    with open_sync(sandbox, backfill_days=3) as sync:
        feeds = sync._ctx.platform.feeds
        with warehouse.read() as con:
            covered = Ledger.read(con, "tea_tmall").covered(feeds[FeedName.ORDERS_BY_MODIFIED].api)
        landed = sync.pull_increments().files
        assert min(datetime.fromisoformat(path.name.partition("_")[0]) for path in landed) >= covered[-1].end - OVERLAP
        sync.sync()
        with warehouse.read() as con:
            ledger = Ledger.read(con, "tea_tmall")
        for name in (FeedName.ORDERS_BY_MODIFIED, FeedName.REFUNDS_BY_MODIFIED):
            assert len(merge(ledger.covered(feeds[name].api))) == 1


def test_killed_between_tables_and_raw_files_a_second_purge_finishes(
    warehouse: Warehouse, folder: DataFolder, kept_from: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, _ = split(warehouse, kept_from)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("orders_pipeline.warehouse.purge.rewrite", die)
        with pytest.raises(KeyboardInterrupt):
            warehouse.purge(kept_from)
    assert warehouse.purge(kept_from).files_rewritten > 0
    written = everything(folder)
    assert [order_id for order_id in old if order_id in written] == []


def test_what_has_landed_and_is_not_applied_is_left_alone(
    warehouse: Warehouse, folder: DataFolder, sandbox: SandboxServer, open_sync: OpenSync, kept_from: date
) -> None:
    sandbox.clock.advance(3_600)
    with open_sync(sandbox) as sync:
        landed = sync.pull_increments().files
        content = [path.read_bytes() for path in landed]
        warehouse.purge(kept_from)
        assert [path.read_bytes() for path in landed] == content
        assert sync.apply_landed("trade_pages").windows == len(landed)


def test_an_earlier_day_than_the_last_purge_is_refused(warehouse: Warehouse, kept_from: date) -> None:
    warehouse.purge(kept_from)
    with pytest.raises(UserError, match="were purged already"):
        warehouse.purge(kept_from - timedelta(days=1))
