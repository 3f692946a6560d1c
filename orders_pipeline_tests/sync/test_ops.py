"""``ops.sqlite`` is open in several places of one process and in several processes at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from orders_pipeline.sync.ops import Ops

COME_AND_GO = (
    "import sys; from pathlib import Path; from orders_pipeline.sync.ops import Ops; Ops(Path(sys.argv[1])).close()"
)


def test_a_second_connection_leaves_the_first_ones_locks(tmp_path: Path) -> None:
    """Whoever closes the last connection takes the log away; another process must see that it is not the last."""
    path = tmp_path / "ops.sqlite"
    first = Ops(path)
    with first.transaction() as con:
        con.execute("INSERT INTO tail_marks VALUES ('tea', 'orders', 'now')")
    Ops(path).close()
    subprocess.run([sys.executable, "-c", COME_AND_GO, str(path)], check=True)
    assert path.with_name("ops.sqlite-wal").exists()
    assert first.select("SELECT shop FROM tail_marks")[0]["shop"] == "tea"
    first.close()


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        Ops(tmp_path / "ops.sqlite").close()
    finally:
        os.umask(old)
    assert (tmp_path / "ops.sqlite").stat().st_mode & 0o777 == 0o600
