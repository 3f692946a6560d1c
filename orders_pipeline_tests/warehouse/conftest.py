"""A warehouse in a folder of its own, on a clock that only moves when told or slept on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.warehouse.wire import NOON, RawZone


class SteppedClock:
    def __init__(self, now: datetime) -> None:
        self._now = now
        self.slept = 0.0

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.slept += max(seconds, 0.0)
        self.advance(seconds=max(seconds, 0.0))

    def advance(self, **span: float) -> None:
        self._now += timedelta(**span)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, RawZone]:
    """One warehouse for all examples: each has a shop of its own."""
    folder = DataFolder(tmp_path_factory.mktemp("shared"))
    warehouse = Warehouse(folder, SteppedClock(NOON))
    warehouse.prepare()
    return warehouse, RawZone(folder.raw)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(datetime(2026, 1, 15, 4, 30, tzinfo=UTC))


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


@pytest.fixture
def warehouse(folder: DataFolder, clock: SteppedClock) -> Warehouse:
    warehouse = Warehouse(folder, clock)
    warehouse.prepare()
    return warehouse


@pytest.fixture
def raw(folder: DataFolder) -> RawZone:
    return RawZone(folder.raw)


Rows = list[dict[str, Any]]
Query = Callable[..., Rows]


@pytest.fixture
def query(warehouse: Warehouse) -> Query:
    """Rows of the published copy, after a flush, as dicts; instants as aware datetimes."""

    def ask(sql: str, *values: Any) -> Rows:
        warehouse.flush()
        with warehouse.read() as con:
            return rows_of(con, sql, *values)

    return ask


def rows_of(con: duckdb.DuckDBPyConnection, sql: str, *values: Any) -> Rows:
    found = con.execute(sql, list(values))
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


EVERYTHING = [
    "core.orders",
    "core.order_lines",
    "core.line_parts",
    "core.refunds",
    "core.shipments",
    "core.traces",
    "core.parcels",
    "core.parcel_lines",
    "core.skus",
    "core.stock",
    "core.stock_snapshots",
    "ops.sync_windows",
    "ops.quarantine",
]


def snapshot(con: duckdb.DuckDBPyConnection) -> dict[str, Rows]:
    """Every row of every table that applies write, in an order of their own."""
    return {table: rows_of(con, f"FROM {table} ORDER BY ALL") for table in EVERYTHING}
