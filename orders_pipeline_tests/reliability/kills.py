"""``kill -9`` at random moments of a back-fill and of live increments, and what the tables hold in the end.

``python -m orders_pipeline_tests.reliability.kills --kills 100`` prints the tally; CI runs a few.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import duckdb

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline.sandbox.world import World
from orders_pipeline.settings import DataFolder
from orders_pipeline_tests.reliability.children import Job, Orders, kill, stanza, start
from orders_pipeline_tests.reliability.shared_clock import SharedClock
from orders_pipeline_tests.reliability.tables import check_tables, differing_tables
from orders_pipeline_tests.reliability.witness import Start, Witness

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=SHOP_TZ)
DAYS, ORDERS_PER_DAY = 45, 15
HOSTS = ("127.0.0.1", "localhost")  # one of the server's names for each job: by it the witness tells them apart
KILLS_A_ROUND = 10  # then both end in peace, tables are compared, and the next round starts on an empty folder
LONGEST_LIFE = 0.5  # real seconds from the first answer to the kill: a back-fill left alone takes about five
MOST_CALLS = 12
LONGEST_START = 5.0  # real seconds until a process must have called


@dataclass
class Tally:
    """Over all rounds. ``again``: closed windows that a killed process had fetched and not landed; ``most``: of one kill."""

    kills: int = 0
    windows: int = 0
    again: int = 0
    most: int = 0
    orders: int = 0


class Round:
    """One shop, one data folder, some kills, then peace."""

    def __init__(self, root: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.root = root
        self.data = DataFolder(root / "data").create()
        self.clock = SharedClock.create(root / "clock", NOON)
        store = Store()
        opened = (NOON - timedelta(days=DAYS)).replace(hour=0)
        world = World(store, seed, opened, ORDERS_PER_DAY)
        # the strict server's quota, and a clock that moves when both readers wait for it
        self.witness = Witness(self.clock)
        self.sandbox = SandboxServer(
            store,
            world=world,
            clock=self.clock,  # type: ignore[arg-type]
            options=SandboxOptions(),
            faults=[self.witness.middleware()],
        )

    def run(self, kills: int) -> Tally:
        """Raises AssertionError where a kill cost more than the one window in the hands of the process, or a row."""
        tally = Tally()
        with self.sandbox:
            for _ in range(kills):
                for in_vain in self._kill_some():
                    assert len(in_vain) <= 1, f"one kill, and to be fetched again: {sorted(in_vain)}"
                    tally.kills += 1
                    tally.again += len(in_vain)
                    tally.most = max(tally.most, len(in_vain))
            with self.sandbox.gateway.lock:
                self.sandbox.gateway.world = None  # the shop stands still: what is read now is what there is
            self.clock.advance(600)
            self._in_peace()
            tally.windows = self._landed()
            truth = self.sandbox.truth()
            tally.orders = check_tables(self.data, truth, "tmall", "tea_tmall")
            unkilled, self.data = self.data, DataFolder(self.root / "unkilled").create()
            self._in_peace()
            differing = differing_tables(self.data, unkilled)
            assert not differing, f"not as after an unkilled run: {differing}"
        return tally

    def _kill_some(self) -> list[set[Start]]:
        """Both jobs at work; ``kill -9`` for both at random moments. Returns what each that was hit had fetched in vain."""
        jobs: list[Job] = ["backfill", "increments"]
        processes = [self._start(job, slot) for slot, job in enumerate(jobs)]
        self._wait_for_call(1)
        if self.random.random() < 0.5:
            time.sleep(self.random.uniform(0.0, LONGEST_LIFE))  # real time: the moment depends on nothing that they do
        else:
            self._wait_for_call(self.random.randint(1, MOST_CALLS))  # an answer on its way, or just come in
        hit = []
        for slot in self.random.sample(range(2), 2):
            if kill(processes[slot], self.clock, slot):
                hit.append(self.witness.fetched_in_vain(HOSTS[slot], self.data))
            time.sleep(self.random.uniform(0.0, LONGEST_LIFE / 5))  # the other lives a little longer
        return hit

    def _wait_for_call(self, count: int) -> None:
        """Until so many more calls have arrived, or for as long as a process may take to start."""
        until, patience = self.witness.calls + count, time.monotonic() + LONGEST_START
        while self.witness.calls < until and time.monotonic() < patience:
            time.sleep(0.001)

    def _in_peace(self) -> None:
        """Both jobs to their end, one after the other, into the folder in use."""
        for job in ("backfill", "one sync"):
            process = self._start(job, 0)
            process.join()
            assert process.exitcode == 0, f"{job}, which nobody killed, ended with {process.exitcode}"
            assert not self.witness.fetched_in_vain(HOSTS[0], self.data), "the witness counts what nobody lost"

    def _start(self, job: Job, slot: int) -> BaseProcess:
        self.clock.join(slot)
        self.witness.begin(HOSTS[slot], self.data)
        settings = stanza(self.sandbox, "tea_tmall", backfill_days=DAYS + 1)
        settings["gateway_url"] = self.sandbox.gateway_url.replace(HOSTS[0], HOSTS[slot])
        return start(Orders(job, (settings,), self.data.root, self.root / "clock", slot))

    def _landed(self) -> int:
        with duckdb.connect(str(self.data.published), read_only=True) as con:
            (row,) = con.execute("SELECT count(*) FROM ops.sync_windows WHERE window_end > window_start").fetchall()
        return int(row[0])


def run(folder: Path, kills: int, seed: int = 1) -> Tally:
    """At least ``kills`` processes killed, in rounds. Raises AssertionError where anything was lost."""
    total = Tally()
    number = 0
    while total.kills < kills:
        root = folder / f"round{number}"
        root.mkdir()
        done = Round(root, seed + number).run(min(KILLS_A_ROUND, -(-(kills - total.kills) // 2)))
        total = Tally(
            total.kills + done.kills,
            total.windows + done.windows,
            total.again + done.again,
            max(total.most, done.most),
            total.orders + done.orders,
        )
        number += 1
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = run(Path(folder), options.kills, options.seed)
    print(  # noqa: T201 - a command
        f"{tally.kills} kills: {tally.windows} windows landed, {tally.again} had to be fetched again, {tally.most} at most "
        f"after one kill; tables equal to the platform's {tally.orders} orders and to those of "
        "unkilled runs"
    )


if __name__ == "__main__":
    main()
