"""Small raw files are joined without a reader noticing: the views show every row once, and everything comes back from raw."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pytest

from orders_pipeline.locks import hold
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.sync.ledger import Ledger
from orders_pipeline.warehouse import Warehouse, compact, hidden
from orders_pipeline.warehouse.compact import GRACE, CompactReport
from orders_pipeline_tests.warehouse.conftest import SteppedClock
from orders_pipeline_tests.warehouse.small_files import Zone, days
from orders_pipeline_tests.warehouse.test_carried import CARRIED
from orders_pipeline_tests.warehouse.wire import trade, trades


@pytest.fixture
def zone(folder: DataFolder, warehouse: Warehouse) -> Zone:
    zone = Zone(folder, warehouse)
    zone.fill()
    return zone


STEPS = (
    CompactReport(windows=50, joined=4),
    CompactReport(shown=4),
    CompactReport(leaving=50),
    CompactReport(removed=50),
    CompactReport(),
)
"""What a run a day does with the files of ``Zone.fill``."""


def test_daily_runs_leave_one_file_a_day_and_show_the_same_rows(zone: Zone, clock: SteppedClock) -> None:
    rows, tables, small = zone.shown(), zone.tables(), zone.small()
    for number, report in enumerate(STEPS):
        assert zone.warehouse.compact() == report
        assert zone.shown() == rows
        assert zone.unapplied() == []
        assert zone.small() == (small if number < 2 else [])
        assert all(path.exists() for path in small) == (number < 3)
        clock.advance(days=1)
    assert len(zone.joined()) == 4
    assert [path for path in zone.folder.raw.rglob("*") if "leaving" in str(path) and path.is_file()] == []
    assert zone.tables() == tables
    zone.warehouse.rebuild()
    assert zone.tables() == tables


def test_nothing_moves_on_before_its_grace_is_over(zone: Zone, clock: SteppedClock) -> None:
    zone.warehouse.compact()
    clock.advance(seconds=-compact.PAUSE_SECONDS)
    for report in STEPS[1:]:
        clock.advance(seconds=GRACE.total_seconds() - 1)
        assert zone.warehouse.compact() == CompactReport()
        clock.advance(seconds=1)
        assert zone.warehouse.compact() == report


def test_a_clock_that_was_set_back_holds_nothing_up(zone: Zone, clock: SteppedClock) -> None:
    zone.warehouse.compact()
    clock.advance(days=-2)
    assert zone.warehouse.compact() == CompactReport()
    clock.advance(seconds=GRACE.total_seconds())
    assert zone.warehouse.compact().shown == 4


def test_what_is_not_applied_or_of_today_stays_as_it_landed(zone: Zone, clock: SteppedClock) -> None:
    waiting = [zone.land(number) for number in (50, 51)]
    today = [zone.land(number, trades(trade(number))) for number in (1_440, 1_441)]  # five days on
    zone.apply(*today)
    days(zone.warehouse, clock, 3)
    assert zone.small() == sorted(file.path for file in (*waiting, *today))
    assert [file.key for file in zone.unapplied()] == [file.key for file in waiting]
    zone.apply(*waiting)
    days(zone.warehouse, clock, 5)
    assert (len(zone.joined()), zone.small()) == (6, [])
    assert zone.unapplied() == []


def test_a_lost_warehouse_is_filled_from_joined_files_without_a_rebuild(zone: Zone, clock: SteppedClock) -> None:
    tables = zone.tables()
    for _ in STEPS:
        zone.warehouse.compact()
        clock.advance(days=1)
        zone.folder.warehouse.unlink()
        zone.folder.published.unlink()
        zone.warehouse.prepare()
        for shop in ("tea", "oolong"):
            for table in ("trade_pages", "refund_pages"):
                waiting = Ledger.load(zone.warehouse, shop).unapplied(zone.landing, table, shop)
                assert len({window.key for window in waiting}) == len(waiting)
                zone.warehouse.apply(list(dict.fromkeys(window.path for window in waiting)), holder="test")
        zone.warehouse.flush()
        assert zone.tables() == tables
        assert zone.unapplied() == []


def test_a_joined_file_holds_no_more_than_is_staged_at_once(
    zone: Zone, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = zone.shown()
    monkeypatch.setattr(compact, "JOINED_JSON", 5_000)
    zone.warehouse.compact()
    sizes = []
    with duckdb.connect() as con:
        for path in zone.joined():
            sizes += con.execute(
                f"SELECT sum(strlen(body)), count(DISTINCT fetched_at) FROM read_parquet('{path}')"
            ).fetchall()
    assert len(sizes) > 4
    assert all(json <= 5_000 and windows > 1 for json, windows in sizes)
    days(zone.warehouse, clock)
    assert zone.shown() == rows


def test_what_is_more_than_a_run_does_the_next_ones_do(
    zone: Zone, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = zone.shown()
    monkeypatch.setattr(compact, "MOST_WINDOWS", 1)
    assert [report.joined for report in days(zone.warehouse, clock, 5)] == [1, 1, 1, 1, 0]
    days(zone.warehouse, clock, 3)
    assert (zone.small(), zone.shown()) == ([], rows)


@contextmanager
def full_disk(bytes_free: int) -> Iterator[None]:
    """No file may grow past this: what a full disk looks like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_everything_as_it_was(zone: Zone, clock: SteppedClock) -> None:
    rows = zone.shown()
    before = {path: path.read_bytes() for path in zone.folder.raw.rglob("*") if path.is_file()}
    with full_disk(1_000), pytest.raises((duckdb.Error, OSError)):
        zone.warehouse.compact()
    assert {path: path.read_bytes() for path in zone.folder.raw.rglob("*") if path.is_file()} == before
    days(zone.warehouse, clock)
    assert (zone.small(), zone.shown()) == ([], rows)


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_a_lost_list_of_hidden_files_is_mended_by_the_next_run(zone: Zone, clock: SteppedClock, step: int) -> None:
    rows, tables = zone.shown(), zone.tables()
    days(zone.warehouse, clock, step)
    for path in zone.folder.raw.glob("hidden/*-*[1-9].parquet"):
        path.unlink()
    zone.warehouse.rebuild()
    assert zone.tables() == tables  # rows may be shown twice now; no row is read twice
    assert zone.unapplied() == []
    zone.warehouse.compact()
    assert zone.shown() == rows
    days(zone.warehouse, clock, 4)
    assert (zone.small(), zone.shown()) == ([], rows)


@pytest.mark.parametrize("step", [1, 2])
def test_small_files_stay_where_the_joined_one_is_not_like_them(zone: Zone, clock: SteppedClock, step: int) -> None:
    rows = zone.shown()
    days(zone.warehouse, clock, step)
    damaged = next(path for path in zone.joined() if "shop=tea" in str(path))
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE page AS FROM read_parquet('{damaged}', hive_partitioning = false)")
        con.execute("UPDATE page SET body = '{}' WHERE rowid = 0")
        con.execute(f"COPY page TO '{damaged}' (FORMAT parquet)")
    assert zone.warehouse.compact().unlike == 1
    assert zone.shown() == rows
    clock.advance(days=1)
    days(zone.warehouse, clock, 4)
    assert (zone.small(), zone.shown()) == ([], rows)


def test_one_at_a_time(zone: Zone, folder: DataFolder, clock: SteppedClock) -> None:
    with hold(folder.locks / "rebuild.lock", "the other", clock, 0.0), pytest.raises(UserError, match="the other"):
        zone.warehouse.compact()


def test_a_reader_of_a_warehouse_of_older_code_is_given_the_new_views_first(
    zone: Zone, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = zone.shown()
    with zone.warehouse.write("test") as con:
        glob = f"{zone.folder.raw}/trade_pages/**/*.parquet"
        (text,) = con.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'trade_pages'").fetchone() or ("",)
        old = (
            f"CREATE OR REPLACE VIEW raw.trade_pages AS SELECT * FROM read_parquet('{glob}', hive_partitioning = false)"
        )
        assert "hidden" in text
        con.execute(old)
        for name in CARRIED:
            con.execute(f"ALTER TABLE core.order_lines DROP COLUMN {name}")
        con.execute("UPDATE ops.meta SET value = '1' WHERE key = 'schema_version'")
    zone.warehouse.compact()
    assert zone.shown() == rows


def test_lists_of_hidden_files_do_not_pile_up(zone: Zone, clock: SteppedClock) -> None:
    with duckdb.connect() as con:
        for _ in range(3 * hidden.KEPT_LISTS):
            hidden.write(con, zone.folder.raw, "trade_pages", {"shop=tea/x.parquet": clock.now()})
        assert hidden.read(con, zone.folder.raw, "trade_pages") == {"shop=tea/x.parquet": clock.now()}
    assert len(list(zone.folder.raw.glob("hidden/trade_pages-*"))) == hidden.KEPT_LISTS
