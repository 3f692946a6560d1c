"""Readers open ``orders.duckdb`` plainly and never fail, never see half a transaction, and see the last change."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.warehouse import Warehouse
from orders_pipeline.warehouse.publish import SUPERSEDED_SECONDS, Published
from orders_pipeline_tests.warehouse.conftest import SteppedClock
from orders_pipeline_tests.warehouse.wire import RawZone, trade, trades

READER = """
import sys, duckdb
path, opens = sys.argv[1], 0
print("ready", flush=True)
stop = False
import threading
def wait():
    global stop
    sys.stdin.read()
    stop = True
threading.Thread(target=wait, daemon=True).start()
while not (stop and opens >= 350):
    con = duckdb.connect(path, read_only=True)
    wrong = con.execute('''
        SELECT count(*) FROM (SELECT platform, shop, order_id, line_count FROM core.orders) AS o
        FULL JOIN (SELECT platform, shop, order_id, count(*) AS lines FROM core.order_lines GROUP BY ALL) AS l
        USING (platform, shop, order_id) WHERE o.line_count IS DISTINCT FROM l.lines
    ''').fetchone()[0]
    con.close()
    assert wrong == 0, f"{wrong} orders without all their lines"
    opens += 1
print(opens)
"""


def test_plain_readers_never_fail_while_versions_come_and_go(
    warehouse: Warehouse, folder: DataFolder, raw: RawZone, clock: SteppedClock
) -> None:
    """Three processes, no retry, at least 1,000 opens over at least 100 publishes."""
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(folder.published)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    first = warehouse.last_published()
    assert first is not None
    warehouse.apply([raw.land(trades(*(trade(tid * 10) for tid in range(1, 301))), rows=[300])], holder="test")
    for number in itertools.count():
        newest = warehouse.last_published()
        if newest is not None and newest.number - first.number >= 100:
            break
        with warehouse.write(
            "test"
        ) as con:  # a third of the orders get other lines, in two statements of one transaction
            third = f"hash(order_id) % 3 = {number % 3}"
            con.execute(f"UPDATE core.orders SET line_count = 1 + {number} % 2 WHERE {third}")
            con.execute(f"DELETE FROM core.order_lines WHERE {third}")
            con.execute(
                "INSERT INTO core.order_lines SELECT l.* REPLACE (o.order_id AS order_id, o.order_id || '-' || n AS line_id) "
                f"FROM (FROM core.orders WHERE {third}) AS o, unnest(range(o.line_count)) AS r(n), "
                "(FROM core.order_lines LIMIT 1) AS l"
            )
        clock.advance(
            seconds=3
        )  # past the interval, so that an apply publishes unless copying is slow, and old versions are removed
    warehouse.flush()
    assert len(list(folder.versions.glob("*.duckdb"))) < 50
    opens = [int(reader.communicate()[0]) for reader in readers]
    assert [reader.returncode for reader in readers] == [0, 0, 0]
    assert sum(opens) >= 1000


def count(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as con:
        (orders,) = con.execute("SELECT count(*) FROM core.orders").fetchone() or (0,)
    return int(orders)


def test_copies_are_coalesced_and_flush_brings_the_last_change(
    warehouse: Warehouse, folder: DataFolder, raw: RawZone, clock: SteppedClock
) -> None:
    clock.advance(seconds=10)
    start = warehouse.last_published()
    assert start is not None
    for tid in (10, 20, 30):  # at one moment: the first is due, the others wait
        warehouse.apply([raw.land(trades(trade(tid)), rows=[1])], holder="test")
    after = warehouse.last_published()
    assert after is not None
    assert (after.number, count(folder.published)) == (start.number + 1, 1)
    flushed = warehouse.flush()
    assert flushed is not None
    assert flushed.bytes > 0
    assert clock.slept == pytest.approx(after.interval)
    assert count(folder.published) == 3
    assert warehouse.flush() is None


def test_versions_outlive_their_successor_by_the_time_a_reader_may_need(
    warehouse: Warehouse, folder: DataFolder, raw: RawZone, clock: SteppedClock
) -> None:
    clock.advance(hours=1)  # the first version was the newest for an hour, then is superseded
    first = folder.published.resolve()
    for tid in range(10, 60, 10):
        warehouse.apply([raw.land(trades(trade(tid)), rows=[1])], holder="test")
        clock.advance(seconds=2)
    assert first.exists()
    clock.advance(seconds=SUPERSEDED_SECONDS)
    warehouse.apply([raw.land(trades(trade(70)), rows=[1])], holder="test")
    assert not first.exists()
    assert len(list(folder.versions.glob("*.duckdb"))) == 3


def test_a_version_is_read_only_and_beside_the_link_stands_no_log(warehouse: Warehouse, folder: DataFolder) -> None:
    assert folder.published.is_symlink()
    assert not Path(os.readlink(folder.published)).is_absolute()  # the data folder can be moved
    assert stat.S_IMODE(folder.published.resolve().stat().st_mode) == 0o444
    assert not list(folder.root.rglob("*.wal"))
    assert not list(folder.versions.glob("*.tmp"))


def test_a_clock_that_was_set_back_delays_nothing(warehouse: Warehouse, raw: RawZone, clock: SteppedClock) -> None:
    clock.advance(days=-30)
    warehouse.apply([raw.land(trades(trade()), rows=[1])], holder="test")
    assert warehouse.flush() is None
    assert clock.slept < 10


def test_a_rest_below_the_clocks_tick_is_not_waited_for(
    warehouse: Warehouse, folder: DataFolder, raw: RawZone, clock: SteppedClock
) -> None:
    """Waiting for less than a microsecond moves no stepped clock: it would be waited for for ever."""
    state = folder.versions / "state.json"
    state.write_text(
        json.dumps(json.loads(state.read_text()) | {"seconds": 0.0510000001})
    )  # an interval of 1.020000002 s
    published = warehouse.last_published()
    assert published is not None
    warehouse.apply([raw.land(trades(trade()), rows=[1])], holder="test")
    clock.advance(seconds=(published.published_at - clock.now()).total_seconds() + 1.02)
    warehouse.flush()
    with warehouse.read() as con:
        assert con.execute("SELECT count(*) FROM core.orders").fetchone() == (1,)


def test_reading_before_anything_is_published_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="orders-pipeline sync"), Warehouse(DataFolder(tmp_path)).read():
        pass


COMMIT_AND_DIE = """
import os, signal, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from orders_pipeline.settings import DataFolder
from orders_pipeline.warehouse import session, Warehouse
class Dies:
    def __init__(self, con): self.con = con
    def __getattr__(self, name): return getattr(self.con, name)
    def close(self): os.kill(os.getpid(), signal.SIGKILL)
from orders_pipeline.warehouse import store
memory = store.open_memory
store.open_memory = lambda spill: Dies(memory(spill))
with Warehouse(DataFolder(Path(sys.argv[1]))).write("test") as con:
    con.execute("INSERT INTO ops.incidents (id, kind, shop, subject, opened_at) VALUES ('late', 'k', 's', 's', now())")
"""


def test_what_a_killed_writer_committed_is_published(warehouse: Warehouse, folder: DataFolder) -> None:
    died = subprocess.run([sys.executable, "-c", COMMIT_AND_DIE, str(folder.root)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert warehouse.flush() is not None
    with duckdb.connect(str(folder.published), read_only=True) as con:
        assert con.execute("SELECT id FROM ops.incidents").fetchall() == [("late",)]


def test_a_copy_that_fails_says_so_and_leaves_the_old_one(
    warehouse: Warehouse, folder: DataFolder, raw: RawZone, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.advance(seconds=10)

    def full(_source: Path, _target: Path) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("orders_pipeline.warehouse.publish._copy", full)
    with pytest.raises(UserError, match="No space left on device"):
        warehouse.apply([raw.land(trades(trade()), rows=[1])], holder="test")
    assert count(folder.published) == 0
    monkeypatch.undo()
    warehouse.flush()
    assert count(folder.published) == 1


def test_what_a_days_copies_wrote_is_known(
    warehouse: Warehouse, folder: DataFolder, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change() -> Published:
        clock.advance(seconds=60)
        with warehouse.write("test") as con:
            con.execute(f"INSERT INTO ops.meta VALUES ('{clock.now()}', '')")
        published = warehouse.last_published()
        assert published is not None
        return published

    first, second = change(), change()
    assert (second.day_copies, second.day_bytes) == (first.day_copies + 1, first.day_bytes + second.bytes)
    clock.advance(hours=24)
    third = change()
    assert (third.day_copies, third.day_bytes) == (1, third.bytes)
    monkeypatch.setattr(
        "orders_pipeline.warehouse.publish._copy", lambda source, target: bool(shutil.copy(source, target))
    )
    assert (change().day_bytes, third.day_copies) == (third.bytes, 1)  # a reflink writes nothing


def test_threads_of_one_process_read_while_versions_come_and_go(
    warehouse: Warehouse, folder: DataFolder, raw: RawZone, clock: SteppedClock
) -> None:
    """They share one instance of DuckDB: each sees one version as a whole, however many others read the same or another."""

    def orders_and_counted(number: int) -> list[int]:
        seen = []
        for _ in range(40):
            with warehouse.read() as outer, warehouse.read() as inner:
                for con in (outer, inner) if number % 2 else (inner, outer):
                    (orders, ids) = one(con, "SELECT count(*), count(DISTINCT order_id) FROM core.orders")
                    assert orders == ids
                    assert one(
                        con,
                        "SELECT count(DISTINCT database_name) FROM duckdb_tables() WHERE "
                        "database_name = current_database()",
                    ) == (1,)
                    seen.append(orders)
        return seen

    warehouse.prepare()
    with ThreadPoolExecutor(3) as pool:
        reading = [pool.submit(orders_and_counted, number) for number in range(3)]
        for number in range(1, 20):
            clock.advance(seconds=3)
            warehouse.apply([raw.land(trades(trade(number * 10)))], holder="test")
        for future in reading:
            seen = future.result()
            assert set(seen) <= set(range(20))
    warehouse.flush()
    with warehouse.read() as con:
        assert one(con, "SELECT count(*) FROM core.orders") == (19,)
        with pytest.raises(duckdb.Error, match="read-only"):
            con.execute("DELETE FROM core.orders")


def one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None
    return row
