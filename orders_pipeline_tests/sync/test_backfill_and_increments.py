"""A back-fill takes hours at a real quota: it resumes where it stopped, newest days first, and holds up nothing that is new."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from orders_pipeline.clock import shop_day
from orders_pipeline.platforms.base import FeedName
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.conftest import NOON, living_sandbox, shop_of

OpenSync = Callable[..., AbstractContextManager[ShopSync]]
DAYS = 6
CREATED, MODIFIED = "taobao.trades.sold.get", "taobao.trades.sold.increment.get"


class StopError(Exception):
    """The run ends here."""


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with living_sandbox(DAYS, 30) as server:
        yield server


def landed_days(folder: DataFolder) -> list[str]:
    """Days of creation in the ledger or waiting for it, by when they were fetched."""
    files = sorted((folder.raw / "trade_pages" / "shop=tea_tmall" / CREATED).glob("*.parquet"), key=_fetched)
    return [file.name.split("_")[0] for file in files]


def _fetched(file: object) -> tuple[str, float]:
    name = file.name  # type: ignore[attr-defined]
    return name.split("_")[2], file.stat().st_mtime  # type: ignore[attr-defined]


def test_increments_run_while_a_back_fill_is_under_way(sandbox: SandboxServer, folder: DataFolder) -> None:
    seen: list[int] = []

    def meanwhile(text: str, done: int, total: int | None) -> None:
        if "created" in text and not seen:  # in the middle of the back-fill's orders, its lease held
            sandbox.clock.advance(3_600)
            with ShopSync.open(shop_of(sandbox), folder, clock=sandbox.clock) as increments:
                seen.append(increments.sync().rows)

    with ShopSync.open(
        shop_of(sandbox, backfill_days=DAYS), folder, clock=sandbox.clock, progress=meanwhile
    ) as backfill:
        backfill.backfill()
    assert seen
    assert seen[0] > 0


def test_an_interrupted_back_fill_goes_on_where_it_stopped_newest_days_first(
    sandbox: SandboxServer, folder: DataFolder
) -> None:
    with sandbox.gateway.lock:
        sandbox.gateway.world = None

    def stop_after_three(text: str, done: int, total: int | None) -> None:
        if "created" in text and done == 3:
            raise StopError

    one_reader = {"backfill_days": DAYS, "calls_per_minute": 200}  # so that the order of files is that of reading
    with (
        pytest.raises(StopError),
        ShopSync.open(shop_of(sandbox, **one_reader), folder, clock=sandbox.clock, progress=stop_after_three) as first,
    ):
        first.backfill()
    before = landed_days(folder)
    assert 3 <= len(before) <= 4  # one more may have been in the reader's hands
    assert before == sorted(before, reverse=True)
    with ShopSync.open(shop_of(sandbox, **one_reader), folder, clock=sandbox.clock) as second:
        second.backfill()
    days = landed_days(folder)
    assert len(days) == len(set(days)) == DAYS
    with Warehouse(folder).read() as con:
        rows = con.execute("SELECT count(*) FROM ops.sync_windows WHERE api = ?", [CREATED]).fetchone()
    assert rows == (DAYS,)


def test_nothing_is_asked_for_behind_the_wall(sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync) -> None:
    with open_sync(sandbox) as sync:
        feed = sync._ctx.feed(FeedName.ORDERS_BY_CREATED)
        wall = feed.wall(sandbox.clock.now())
        sync.pull_full(since=shop_day(NOON) - timedelta(days=200), until=shop_day(wall) + timedelta(days=1))
    asked = landed_days(folder)
    assert asked
    assert min(asked) >= (wall - timedelta(hours=8)).strftime("%Y%m%dT%H%M%S")
