"""What a place in the quota costs in either store.

``python -m orders_pipeline_tests.sync.quota_cost [postgresql://…]`` prints milliseconds a call; without a URL it starts a
server of its own on loopback.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.pauses import Pauses
from orders_pipeline.sync.quota import Quota
from orders_pipeline.sync.quota_log import QuotaLog
from orders_pipeline.sync.quota_postgres import PostgresLog
from orders_pipeline.sync.quota_sqlite import SqliteLog
from orders_pipeline_tests.postgres import serve

CALLS = 1_000
ROUNDS = 5  # the best counts: the rest is what else the machine does
LIMIT = 100


def cost(log: QuotaLog, clock: SandboxClock) -> tuple[float, float]:
    """Milliseconds of this process's CPU and of waiting, a call; the clock is stepped so that no call waits for a place."""
    quota = Quota(log, LIMIT, Pauses(clock))
    quota.acquire("some.api")  # connects
    begun, cpu = time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        clock.advance(0.7)
        quota.acquire("some.api")
    result = (time.process_time() - cpu) / CALLS * 1000, (time.perf_counter() - begun) / CALLS * 1000
    quota.close()
    return result


def main() -> None:
    clock = SandboxClock.stepped(datetime(2026, 1, 1, tzinfo=UTC))
    with tempfile.TemporaryDirectory() as folder, nullcontext() if sys.argv[1:] else serve(fsync=True) as port:
        url = sys.argv[1] if sys.argv[1:] else f"postgresql://postgres@127.0.0.1:{port}/postgres"
        path = Path(folder) / "ops.sqlite"
        ops = Ops(path)
        stores = {
            "ops.sqlite": lambda: SqliteLog(ops, uuid4().hex, clock),
            "Postgres": lambda: PostgresLog(url, "URL", uuid4().hex, clock=clock),
        }
        for name, store in stores.items():
            cpu, real = (min(column) for column in zip(*(cost(store(), clock) for _ in range(ROUNDS)), strict=True))
            print(f"{name}: {cpu:.2f} ms CPU, {real:.2f} ms in all")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
