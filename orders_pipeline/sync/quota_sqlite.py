"""The quota's log in ``ops.sqlite``: for all processes that share a data folder. Calls are pyrate-limiter's bucket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyrate_limiter import Rate, RateItem, SQLiteBucket

from orders_pipeline.clock import Clock
from orders_pipeline.sync.quota_log import INTERVAL_MS, QuotaLog


class SqliteLog(QuotaLog):
    """One connection, usable from several threads. The machine's clock counts: it is the only one there is."""

    def __init__(self, path: Path, app_key: str, calls_per_minute: int, clock: Clock) -> None:
        super().__init__(app_key)
        self._clock = clock
        self._lock = threading.Lock()  # the bucket's file lock tells processes apart, not threads
        self._bucket = SQLiteBucket.init_from_file(
            [Rate(calls_per_minute, INTERVAL_MS)], table=self.calls, db_path=str(path), use_file_lock=True
        )
        with self._lock, self._bucket.lock, self._bucket.conn as con:
            for statement in self.schema:
                con.execute(statement)

    @contextmanager
    def turn(self) -> Iterator[int]:
        with self._lock, self._bucket.lock, self._bucket.conn:
            yield int(self._clock.now().timestamp() * 1000)  # under the lock: nobody's call can be later than ours

    def run(self, statement: str, *values: object) -> Any:
        return self._bucket.conn.execute(statement, values)

    def add(self, api: str, at: int) -> bool:
        return bool(self._bucket.put(RateItem(api, at)))

    def close(self) -> None:
        self._bucket.close()  # type: ignore[no-untyped-call]
