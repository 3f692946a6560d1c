"""A back-fill by three processes against a server that bans whoever makes 101 calls in 60 seconds.

``python -m orders_pipeline_tests.reliability.strict_quota`` prints what became of the quota.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline.settings import DataFolder
from orders_pipeline_tests.reliability.children import Orders, stanza, start
from orders_pipeline_tests.reliability.shared_clock import SharedClock
from orders_pipeline_tests.sandbox.shop import a_trade

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=SHOP_TZ)
CALLS_PER_MINUTE = 100
MINUTES = 10
PROCESSES = 3
SHOPS_A_PROCESS = 2
DAYS = 86  # some 190 calls a shop, nearly all for lists of a day: more than ten minutes' worth in all


@dataclass(frozen=True)
class Usage:
    """What the server saw: the instants of the calls that it answered, oldest first, and how many it refused."""

    accepted: tuple[datetime, ...]
    refused: int
    exit_codes: tuple[int | None, ...]

    @property
    def share(self) -> float:
        """Of the calls that ten minutes from the first call allow."""
        until = self.accepted[0] + timedelta(minutes=MINUTES)
        return sum(at < until for at in self.accepted) / (CALLS_PER_MINUTE * MINUTES)

    @property
    def lasted(self) -> timedelta:
        return self.accepted[-1] - self.accepted[0]

    @property
    def busiest_minute(self) -> int:
        return busiest_minute(self.accepted)


def busiest_minute(times: Sequence[datetime]) -> int:
    """Most calls in any 60 seconds; ``times`` oldest first."""
    first = most = 0
    for last, at in enumerate(times):
        while at - times[first] >= timedelta(seconds=60):
            first += 1
        most = max(most, last - first + 1)
    return most


def run(folder: Path) -> Usage:
    """Back-fill six shops of one app key by three processes."""
    store = Store()
    for day in range(DAYS):
        for number in range(3):
            created = (NOON - timedelta(days=day, hours=1, minutes=number)).strftime("%Y-%m-%d %H:%M:%S")
            store.put_trade(a_trade(day * 10 + number, created))
    clock = SharedClock.create(folder / "clock", NOON)
    options = SandboxOptions(calls_per_minute=CALLS_PER_MINUTE, ban_seconds=60)
    accepted: list[datetime] = []
    with SandboxServer(store, clock=clock, options=options) as sandbox:  # type: ignore[arg-type]
        take = sandbox.gateway.quota.take

        def noted(app_key: str, now: datetime) -> None:
            take(app_key, now)
            accepted.append(now)

        sandbox.gateway.quota.take = noted  # type: ignore[method-assign]
        data = DataFolder(folder / "data").create()
        for slot in range(PROCESSES):
            clock.join(slot)
        processes = [
            start(
                Orders(
                    "backfill",
                    tuple(stanza(sandbox, f"shop_{slot}_{n}", backfill_days=DAYS) for n in range(SHOPS_A_PROCESS)),
                    data.root,
                    folder / "clock",
                    slot,
                )
            )
            for slot in range(PROCESSES)
        ]
        for process in processes:
            process.join()
        refused = sandbox.gateway.quota.refused
    return Usage(tuple(accepted), refused, tuple(process.exitcode for process in processes))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        usage = run(Path(folder))
    print(  # noqa: T201 - a command
        f"{len(usage.accepted)} calls in {usage.lasted.total_seconds() / 60:.1f} minutes of the platform's clock by "
        f"{PROCESSES} processes; {usage.refused} refused; at most {usage.busiest_minute} in any 60 s; "
        f"{usage.share:.1%} of ten minutes' quota used; exit codes {usage.exit_codes}"
    )


if __name__ == "__main__":
    main()
