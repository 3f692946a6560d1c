"""An hour that is odd against the same hour of the days before, and one that is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orders_pipeline.quality.unusual import unusual
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import Warehouse

NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
API = "taobao.trades.sold.increment.get"


@pytest.fixture
def con(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """Seven days of 40 changes in this hour and of calls of 80 ms."""
    warehouse = Warehouse(DataFolder(tmp_path / "data"))
    warehouse.prepare()
    con = duckdb.connect(str(tmp_path / "data" / "warehouse.duckdb"))
    for day in range(1, 8):
        hour(con, NOW - timedelta(days=day), rows=20, latency_ms=80)
    return con


def hour(con: duckdb.DuckDBPyConnection, end: datetime, rows: int, latency_ms: float) -> None:
    for minutes in (0, 30):
        until = end - timedelta(minutes=minutes)
        con.execute(
            "INSERT INTO ops.sync_windows (platform, shop, api, window_start, window_end, fetched_at, calls, pages, rows,"
            " channel, shortfall) VALUES ('tmall', 'tea', ?, ?, ?, ?, 3, 1, ?, 'incremental', 0)",
            [API, until - timedelta(minutes=35), until, until + timedelta(minutes=3), rows],
        )
    for number in range(25):
        at = end - timedelta(minutes=2 * number + 1)
        con.execute(
            'INSERT INTO ops.api_calls (call_id, "at", shop, api, run_id, latency_ms, outcome, code, sub_code) '
            "VALUES (?, ?, 'tea', ?, 'run', ?, 'ok', '', '')",
            [int(at.timestamp()), at, API, latency_ms],
        )


@pytest.mark.parametrize(
    ("rows", "latency_ms", "expected"),
    [
        (20, 80, []),
        (5, 300, []),  # a quiet hour, a busy gateway
        (0, 80, [f"{API}: 0 rows in the last hour, usually 40"]),
        (3, 80, [f"{API}: 6 rows in the last hour, usually 40"]),
        (20, 2_500, [f"{API}: 2500 ms a call, usually 80"]),
    ],
)
def test_an_hour(con: duckdb.DuckDBPyConnection, rows: int, latency_ms: float, expected: list[str]) -> None:
    hour(con, NOW, rows, latency_ms)
    assert unusual(con, "tea", NOW, NOW) == expected


def test_without_days_to_compare_nothing_is_unusual(tmp_path: Path) -> None:
    Warehouse(DataFolder(tmp_path / "data")).prepare()
    with duckdb.connect(str(tmp_path / "data" / "warehouse.duckdb")) as con:
        hour(con, NOW, 0, 9_000)
        assert unusual(con, "tea", NOW, NOW) == []
