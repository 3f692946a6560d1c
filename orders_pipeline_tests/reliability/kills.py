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
from orders_pipeline.sandbox.clock import from_wire
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline.sandbox.world import World
from orders_pipeline.settings import DataFolder
from orders_pipeline_tests.reliability.children import Job, Orders, kill, stanza, start
from orders_pipeline_tests.reliability.shared_clock import SharedClock
from orders_pipeline_tests.reliability.tables import check_tables, differing_tables

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=SHOP_TZ)
DAYS, ORDERS_PER_DAY = 45, 15  # a window is one call: each call that the server answers twice is a window read twice
KILLS_A_ROUND = 10  # then both end in peace, tables are compared, and the next round starts on an empty folder
LONGEST_LIFE = 0.5  # real seconds from the first answer to the kill: a back-fill left alone takes about five
MOST_CALLS = 12
LONGEST_START = 5.0  # real seconds until a process must have called
CLOSED = timedelta(minutes=3)


@dataclass
class Tally:
    """Over all rounds. ``again``: closed windows that the server answered and that never landed, so were read again."""

    kills: int = 0
    windows: int = 0
    again: int = 0
    orders: int = 0
    most_again_a_kill: float = 0.0


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
        self.sandbox = SandboxServer(store, world=world, clock=self.clock, options=SandboxOptions())  # type: ignore[arg-type]
        self.read = self.calls = 0
        answer = self.sandbox.gateway.answer

        def noting(verb: str, params: dict[str, str]) -> bytes:
            self.calls += 1
            self.read += self._is_closed_window(params)
            return answer(verb, params)

        self.sandbox.gateway.answer = noting  # type: ignore[assignment,method-assign]

    def _is_closed_window(self, params: dict[str, str]) -> bool:
        """A list call for the ledger: the tail's windows end now, closed ones three minutes ago."""
        end = next((value for name, value in params.items() if name in ("end_created", "end_modified")), None)
        return end is not None and from_wire(end) <= self.clock.now() - CLOSED

    def run(self, kills: int) -> Tally:
        tally = Tally()
        with self.sandbox:
            for _ in range(kills):
                tally.kills += self._kill_one()
            with self.sandbox.gateway.lock:
                self.sandbox.gateway.world = None  # the shop stands still: what is read now is what there is
            self.clock.advance(600)
            self._in_peace()
            tally.windows = self._landed()
            tally.again = self.read - tally.windows
            tally.most_again_a_kill = tally.again / max(tally.kills, 1)
            truth = self.sandbox.truth()
            tally.orders = check_tables(self.data, truth, "tmall", "tea_tmall")
            unkilled, self.data = self.data, DataFolder(self.root / "unkilled").create()
            self._in_peace()
            differing = differing_tables(self.data, unkilled)
            assert not differing, f"not as after an unkilled run: {differing}"
        return tally

    def _kill_one(self) -> int:
        """Both jobs at work; ``kill -9`` for one of them, or both, at a random moment. Returns how many were hit."""
        jobs: list[Job] = ["backfill", "increments"]
        processes = [self._start(job, slot) for slot, job in enumerate(jobs)]
        self._wait_for_call(1)
        if self.random.random() < 0.5:
            time.sleep(self.random.uniform(0.0, LONGEST_LIFE))  # real time: the moment depends on nothing that they do
        else:
            self._wait_for_call(self.random.randint(1, MOST_CALLS))  # an answer on its way, or just come in
        hit = 0
        for slot in self.random.sample(range(2), 2):
            hit += kill(processes[slot], self.clock, slot)
            time.sleep(self.random.uniform(0.0, LONGEST_LIFE / 5))  # the other lives a little longer
        return hit

    def _wait_for_call(self, count: int) -> None:
        """Until so many more calls have arrived, or for as long as a process may take to start."""
        until, patience = self.calls + count, time.monotonic() + LONGEST_START
        while self.calls < until and time.monotonic() < patience:
            time.sleep(0.001)

    def _in_peace(self) -> None:
        """Both jobs to their end, one after the other, into the folder in use."""
        for job in ("backfill", "one sync"):
            process = self._start(job, 0)
            process.join()
            assert process.exitcode == 0, f"{job}, which nobody killed, ended with {process.exitcode}"

    def _start(self, job: Job, slot: int) -> BaseProcess:
        self.clock.join(slot)
        stanzas = (stanza(self.sandbox, "tea_tmall", backfill_days=DAYS + 1),)
        return start(Orders(job, stanzas, self.data.root, self.root / "clock", slot))

    def _landed(self) -> int:
        with duckdb.connect(str(self.data.published), read_only=True) as con:
            (row,) = con.execute(
                "SELECT coalesce(sum(calls), 0) FROM ops.sync_windows WHERE window_end > window_start"
            ).fetchall()
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
            total.orders + done.orders,
            max(total.most_again_a_kill, done.most_again_a_kill),
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
        f"{tally.kills} kills: {tally.windows} windows landed, {tally.again} were read a second time "
        f"({tally.again / tally.kills:.2f} a kill); tables equal to the platform's {tally.orders} orders and to those of "
        "unkilled runs"
    )


if __name__ == "__main__":
    main()
