"""Random schedules of a living shop, a failing platform and dying runs; in the end the tables equal the source.

``python -m orders_pipeline_tests.reliability.state_machine --schedules 1000``; CI runs 50 (``test_state_machine.py``).
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from orders_pipeline.clock import SHOP_TZ, shop_day
from orders_pipeline.platforms.base import PlatformError
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.shops import Shop
from orders_pipeline.sync import ShopSync
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.reliability.children import stanza
from orders_pipeline_tests.reliability.deadly import passing
from orders_pipeline_tests.reliability.small_shop import FAULTS, Gate, SmallShop
from orders_pipeline_tests.reliability.tables import check_tables

START = datetime(2026, 1, 15, 12, 0, tzinfo=SHOP_TZ)
DAYS = 6  # of back-fill: two before the schedule begins, what it lasts at most, and the night after it
STEPS = 10
LATE = 3_600  # seconds: beyond the overlap of windows, where only reconciliation finds rows
NIGHT = time(1, 30)  # when reconciliation is scheduled
LateSeconds = st.sampled_from([0, 0, 60, 240, 700, LATE])
"""Within what a closed window waits for, within its overlap with the next one, and beyond both."""


class Killed(BaseException):
    """As good as a kill within one process: nothing that handles errors may handle it."""


@contextmanager
def dying_at(step: int | None) -> Iterator[None]:
    """Raise Killed at the ``step``-th passage of a deadly place; None: live on."""
    if step is None:
        yield
        return
    left = step

    def tick(_place: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:  # and whatever is done on the way out dies as well
            raise Killed

    with passing(tick):
        yield


class Stage:
    """What all schedules share, for speed: one server, whose store and noon are new for each, and an empty warehouse."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = SandboxClock.stepped(START)
        options = SandboxOptions(calls_per_minute=1_000_000, session_seconds=10**9)
        os.environ.update(
            TOP_APP_KEY=options.app_key,
            TOP_APP_SECRET=options.app_secret,
            TOP_SESSION=options.session,
            TOP_REFRESH_TOKEN=options.refresh_token,
        )
        self.sandbox = SandboxServer(Store(), clock=self.clock, options=options)
        self.gate = Gate(self.sandbox)
        self.template = DataFolder(root / "template").create()
        Warehouse(self.template, self.clock).prepare()
        self._count = 0

    def go_to(self, at: time) -> date:
        """Let it be that time of the next day, which is returned."""
        now = self.clock.now()
        day = shop_day(now) + timedelta(days=1)
        self.clock.advance((datetime.combine(day, at, SHOP_TZ) - now).total_seconds())
        return day

    def next(self) -> tuple[Store, DataFolder]:
        """An empty shop at noon, and an empty data folder."""
        self.go_to(time(12))
        self._count += 1
        data = self.root / f"schedule{self._count}"
        shutil.copytree(self.template.root, data, symlinks=True)
        store = Store()
        self.sandbox.store = self.sandbox.gateway.store = store
        return store, DataFolder(data)


def machine(stage: Stage) -> type[RuleBasedStateMachine]:
    """The state machine of one stage."""

    class Schedules(RuleBasedStateMachine):
        @initialize(seed=st.integers(0, 2**16), orders=st.integers(0, 6), loaded=st.booleans())
        def opens(self, seed: int, orders: int, loaded: bool) -> None:
            """``loaded``: what comes after is the increments' to find, for no creation day is read again."""
            store, self.data = stage.next()
            self.began = shop_day(stage.clock.now())
            self.shop = stage.gate.shop = SmallShop(store, seed)
            for n in range(orders):
                self.shop.create(stage.clock.now(), timedelta(hours=11 * n))
            self.loaded = loaded
            if loaded:
                with self._open() as sync:
                    sync.backfill()

        @rule(count=st.sampled_from([1, 2, 120]), late=LateSeconds)
        def orders_come_in(self, count: int, late: int) -> None:
            """120 share a second, and overflow a page."""
            with stage.sandbox.gateway.lock:
                for _ in range(count):
                    self.shop.create(stage.clock.now(), timedelta(seconds=late))

        @rule(count=st.integers(1, 5), late=LateSeconds)
        def orders_move_on(self, count: int, late: int) -> None:
            for _ in range(count):
                self.shop.move_on(stage.clock.now(), timedelta(seconds=late))

        @rule(late=LateSeconds)
        def buyers_ask_for_refunds(self, late: int) -> None:
            self.shop.refund(stage.clock.now(), timedelta(seconds=late))
            self.shop.settle_refund(stage.clock.now())

        @rule(faults=st.lists(st.sampled_from(FAULTS), min_size=1, max_size=9), drifts=st.integers(0, 4))
        def the_platform_is_unwell(self, faults: list[str], drifts: int) -> None:
            stage.gate.faults.extend(faults)
            stage.gate.drifts += drifts

        @rule(
            seconds=st.sampled_from([1, 30, 200, 400, 1_900, 5_000, 20_000]),
            job=st.sampled_from([None, "sync", "sync", "sync", "tail", "backfill", "night"]),
            dies=st.one_of(st.none(), st.none(), st.integers(0, 40)),
        )
        def time_passes_and_somebody_runs(self, seconds: int, job: str | None, dies: int | None) -> None:
            stage.clock.advance(seconds)
            if job is None:
                return
            try:
                with dying_at(dies), self._open() as sync:
                    jobs = {"sync": sync.sync, "tail": sync.read_tail, "night": sync.reconcile_night}
                    jobs.get(job, sync.backfill)()
            except (Killed, PlatformError, UserError):
                pass  # it was killed, or said that it failed

        def teardown(self) -> None:
            if not hasattr(self, "shop"):
                return
            stage.gate.faults.clear()
            stage.gate.drifts = 0
            today = stage.go_to(NIGHT)
            with self._open() as sync:
                if not self.loaded:
                    sync.backfill()
                sync.sync()
                for ago in reversed(range(1, (today - self.began).days + 1)):
                    sync.reconcile_night(today - timedelta(days=ago))
            check_tables(self.data, stage.sandbox.truth(), "tmall", "tea_tmall")
            shutil.rmtree(self.data.root)

        def _open(self) -> Any:
            shop = Shop.of(stanza(stage.sandbox, "tea_tmall", backfill_days=DAYS, calls_per_minute=1_000_000))
            return ShopSync.open(shop, self.data, run_id="schedule", clock=stage.clock)

    return Schedules


def run(root: Path, schedules: int, *, derandomize: bool = False, shrink: bool = True) -> None:
    """Raises AssertionError with a schedule, shrunk unless told not to, where tables and source differ."""
    stage = Stage(root)
    with stage.sandbox:
        run_state_machine_as_test(
            machine(stage),
            settings=settings(
                max_examples=schedules,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=derandomize,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
            ),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=1_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), options.schedules)
    print(f"{options.schedules} schedules: the tables equalled the source after each")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
