"""The quota's log in ``ops.sqlite``: for all processes that share a data folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orders_pipeline.clock import Clock
from orders_pipeline.sync.ops import Ops
from orders_pipeline.sync.quota_log import QuotaLog


class SqliteLog(QuotaLog):
    """On the connection of ``ops``, which stays its owner's. SQLite's own write lock keeps processes apart.

    The machine's clock counts: it is the only one there is.
    """

    def __init__(self, ops: Ops, app_key: str, clock: Clock) -> None:
        super().__init__(app_key)
        self._ops, self._clock = ops, clock
        with ops.transaction() as con:
            for statement in self.schema:
                con.execute(statement)

    @contextmanager
    def turn(self) -> Iterator[int]:
        with self._ops.transaction() as self._con:
            yield int(self._clock.now().timestamp() * 1000)  # under the lock: nobody's call can be later than ours

    def run(self, statement: str, *values: object) -> Any:
        return self._con.execute(statement, values)

    def close(self) -> None:
        """Nothing of its own is open."""
