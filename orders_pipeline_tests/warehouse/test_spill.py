"""What does not fit the memory waits on disk: each writer's in a place of its own, and nothing of a killed one stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

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
