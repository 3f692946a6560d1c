"""What does not fit the memory waits on disk: each writer's in a place of its own, and nothing of a killed one stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from orders_pipeline.warehouse.open import open_memory

SUM = "SELECT count(*), sum(number), bit_xor(hash(words)) FROM rows"


def test_two_that_spill_at_once_keep_their_own_rows(tmp_path: Path) -> None:
    writers = {seed: open_memory(tmp_path / "spill") for seed in (7, 11)}
    told = {}
    for seed, con in writers.items():
        con.execute("SET memory_limit = '16MB'")
        con.execute(
            "CREATE TEMP TABLE rows AS "
            f"SELECT i * {seed} AS number, md5((i * {seed})::VARCHAR) AS words FROM range(500_000) AS r(i)"
        )
        told[seed] = con.execute(SUM).fetchone()
    folders = list((tmp_path / "spill").iterdir())
    assert len(folders) == len(writers)
    assert all(any(folder.iterdir()) for folder in folders), "nothing was spilled: the test would prove nothing"
    for seed, con in writers.items():
        assert con.execute(SUM).fetchone() == told[seed]
        con.close()
    assert not list((tmp_path / "spill").iterdir())


READER = """
import sys
from pathlib import Path
from orders_pipeline.warehouse import open as opening
opening.MEMORY_LIMIT = 60_000_000
with opening.open_copy(Path(sys.argv[1]), Path(sys.argv[2])) as con:
    con.execute("CREATE TEMP TABLE sorted AS SELECT * FROM core.t ORDER BY words")
    print("spilled" if any(folder.iterdir() for folder in Path(sys.argv[2]).iterdir()) else "nothing", flush=True)
    sys.stdin.readline()
    print(con.execute("SELECT count(*), sum(number), bit_xor(hash(words)) FROM sorted").fetchone())
"""


def test_two_processes_whose_reads_spill_see_what_they_read(tmp_path: Path) -> None:
    """In one working folder, as the workers of Dagster are."""
    file = tmp_path / "orders-1.duckdb"
    with duckdb.connect(file) as con:
        con.execute("CREATE SCHEMA core")
        con.execute("CREATE TABLE core.t AS SELECT i AS number, md5(i::VARCHAR) AS words FROM range(1_000_000) AS r(i)")
        expected = con.execute("SELECT count(*), sum(number), bit_xor(hash(words)) FROM core.t").fetchone()
    command = [sys.executable, "-c", READER, str(file), str(tmp_path / "spill")]
    pipe = subprocess.PIPE
    readers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=tmp_path) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "spilled\n"
    told = [reader.communicate("\n")[0].strip() for reader in readers]
    assert told == [str(expected)] * 2
    assert [reader.returncode for reader in readers] == [0, 0]
    assert not (tmp_path / ".tmp").exists()
    assert not list((tmp_path / "spill").iterdir())


def test_what_a_killed_writer_left_goes_after_a_day(tmp_path: Path) -> None:
    old, new = tmp_path / "spill" / "old", tmp_path / "spill" / "new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"rows")
    yesterday = time.time() - 90_000
    os.utime(old, (yesterday, yesterday))
    open_memory(tmp_path / "spill").close()
    assert not old.exists()
    assert new.exists()
