"""``kill -9`` before and after each step of a sync: call, raw file, tables, tail, copy for readers, tail mark."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline.sandbox.world import World
from orders_pipeline.settings import DataFolder
from orders_pipeline_tests.reliability.children import Job, Orders, stanza, start
from orders_pipeline_tests.reliability.deadly import PLACES
from orders_pipeline_tests.reliability.shared_clock import SharedClock
from orders_pipeline_tests.reliability.small_shop import SmallShop
from orders_pipeline_tests.reliability.tables import check_tables, differing_tables
from orders_pipeline_tests.reliability.witness import Witness

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=SHOP_TZ)
HOST = "127.0.0.1"
DAYS = 3
ORDERS_PER_DAY = 200
NEWS = 1_800.0  # seconds between the first load and the sync that is killed: several orders, refunds and windows


class Shop:
    """A shop that was loaded and has lived on for half an hour; every sync of it begins with a copy of that folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._clock = SharedClock.create(root / "clock", NOON)
        self.witness = Witness(self._clock)
        store = Store()
        self.sandbox = SandboxServer(
            store,
            world=World(store, 3, (NOON - timedelta(days=DAYS)).replace(hour=0), ORDERS_PER_DAY),
            clock=self._clock,  # type: ignore[arg-type]
            options=SandboxOptions(),
            faults=[self.witness.middleware()],
        )
        self.loaded = DataFolder(root / "loaded").create()

    def load(self) -> None:
        assert self.run("backfill", self.loaded) == 0
        self._clock.advance(NEWS)
        with self.sandbox.gateway.lock:
            self.sandbox.gateway.world.advance(self._clock.now())  # type: ignore[union-attr]
            SmallShop(self.sandbox.store, 3).touch(self._clock.now())  # for the tail
            self.sandbox.gateway.world = None  # the shop stands still: what is read now is what there is

    def copy(self, name: str) -> DataFolder:
        shutil.copytree(self.loaded.root, self._root / name, symlinks=True)
        return DataFolder(self._root / name)

    def run(self, job: Job, data: DataFolder, dies: str = "") -> int | None:
        """Exit status of a process that does the job."""
        self._clock.join(0)
        self.witness.begin(HOST, data)
        settings = stanza(self.sandbox, "tea_tmall", backfill_days=DAYS + 1)  # one reader
        process = start(Orders(job, (settings,), data.root, self._root / "clock", 0, dies))
        process.join()
        self._clock.leave(0)
        return process.exitcode


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    with shop.sandbox:
        shop.load()
        yield shop


@pytest.fixture(scope="module")
def unkilled(shop: Shop) -> DataFolder:
    data = shop.copy("unkilled")
    assert shop.run("one sync", data) == 0
    check_tables(data, shop.sandbox.truth(), "tmall", "tea_tmall")
    return data


@pytest.mark.parametrize("place", PLACES)
def test_killed_there_a_sync_ends_as_if_it_had_not_been(shop: Shop, unkilled: DataFolder, place: str) -> None:
    data = shop.copy(f"killed{os.urandom(4).hex()}")
    assert shop.run("one sync", data, dies=place) == -signal.SIGKILL
    assert len(shop.witness.fetched_in_vain(HOST, data)) <= 1
    assert shop.run("one sync", data) == 0
    check_tables(data, shop.sandbox.truth(), "tmall", "tea_tmall")
    assert not differing_tables(data, unkilled)
