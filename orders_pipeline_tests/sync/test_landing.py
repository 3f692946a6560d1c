"""Windows land whole or not at all, are applied once, and hold nothing personal."""

from __future__ import annotations

import re
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from orders_pipeline.platforms.base import Page
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync
from orders_pipeline.sync.landing import Landing, Origin
from orders_pipeline_tests.conftest import living_sandbox

OpenSync = Callable[..., AbstractContextManager[ShopSync]]
TABLES = ("core.orders", "core.order_lines", "core.refunds", "core.parcels", "core.parcel_lines", "ops.sync_windows")
START = datetime(2026, 1, 1, tzinfo=UTC)
ORIGIN = Origin("tmall", "tea_tmall", "full", "run")


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with living_sandbox(3, 80) as server:
        yield server


def page(body: str) -> Page:
    return Page("list", "trade_pages", body.encode(), (("1", "v"),), 1, None, "r", START)


def contents(folder: DataFolder) -> dict[str, tuple[object, ...]]:
    """Row count and digest of each table, whatever the order of its rows."""
    with duckdb.connect(str(folder.published), read_only=True) as con:
        return {
            table: con.execute(f"SELECT count(*), bit_xor(hash(t)) FROM {table} t").fetchone() or () for table in TABLES
        }


def test_two_reads_of_a_window_at_one_instant_are_two_files(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    span = (START, START + timedelta(minutes=1))
    first = landing.land("trade_pages", ORIGIN, span, [page('{"a":1}')], START, 1)
    second = landing.land("trade_pages", ORIGIN, span, [page('{"a":2}')], START, 1)
    assert first.key != second.key
    assert {file.key for file in landing.files("trade_pages", "tea_tmall")} == {first.key, second.key}


def test_a_full_disk_leaves_no_file_behind(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    span = (START, START + timedelta(minutes=1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, hard))  # no file may grow past this: what a full disk looks like
    try:
        with pytest.raises((duckdb.Error, OSError)):
            landing.land("trade_pages", ORIGIN, span, [page(str(list(range(2_000))))], START, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_what_landed_before_a_crash_is_applied_without_a_call(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync
) -> None:
    with open_sync(sandbox, backfill_days=4) as sync:
        landed = sync.pull_full()
        assert landed.rows > 100
    with open_sync(sandbox, backfill_days=4) as later:
        calls = sandbox.gateway.quota.accepted
        report = later.apply_landed("trade_pages")
        assert report.rows["core.orders"] == landed.rows
        assert sandbox.gateway.quota.accepted == calls


def test_running_everything_again_changes_nothing(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync
) -> None:
    with open_sync(sandbox, backfill_days=4) as sync:
        sync.backfill()
        sync.sync()
        before = contents(folder)
        assert sync.pull_full().windows == 0
        assert sync.pull_increments().windows == 0
        sync.apply_landed("trade_pages", "refund_pages", "shipment_pages")
        sync.backfill()
    after = contents(folder)
    assert {name: after[name] for name in TABLES[:-1]} == {name: before[name] for name in TABLES[:-1]}


def test_no_personal_data_of_the_platform_reaches_the_disk(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync
) -> None:
    with open_sync(sandbox, backfill_days=4) as sync:
        sync.poll_messages()
        sync.backfill()
        sandbox.clock.advance(26 * 3_600)
        sync.sync()
        sync.follow_parcels()
        sync.poll_messages()
    secrets = {"sandbox-session", "sandbox-secret", "sandbox-refresh"}
    for trade in sandbox.truth()["trades"]:
        secrets |= {
            str(trade[name])
            for name in (
                "receiver_name",
                "receiver_mobile",
                "receiver_phone",
                "receiver_address",
                "oaid",
                "buyer_nick",
                "buyer_open_uid",
                "buyer_message",
                "seller_memo",
                "alipay_no",
            )
            if len(str(trade.get(name) or "")) >= 6
        }
    assert len(secrets) > 100
    written = everything_written(folder)
    assert not re.findall("|".join(re.escape(secret) for secret in secrets), written)


def everything_written(folder: DataFolder) -> str:
    """All text of the data folder, decoded from the formats that compress it."""
    texts = []
    with duckdb.connect(str(folder.published), read_only=True) as con:
        for schema, table in con.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
            texts += [str(row) for row in con.execute(f"FROM {schema}.{table}").fetchall()]
        for path in folder.raw.rglob("*.parquet"):
            texts += [str(row) for row in con.execute(f"FROM read_parquet('{path}')").fetchall()]
    with sqlite3.connect(folder.ops) as ops:
        texts += list(ops.iterdump())
    for path in folder.root.rglob("*"):
        if path.is_file() and path.suffix not in (".duckdb", ".parquet"):  # compressed: decoded above
            texts.append(path.read_bytes().decode("utf-8", "ignore"))
    return "\n".join(texts)
