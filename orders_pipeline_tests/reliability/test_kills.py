"""``kill -9`` at random moments; a hundred of them by ``python -m orders_pipeline_tests.reliability.kills``."""

from __future__ import annotations

from pathlib import Path

from orders_pipeline_tests.reliability.kills import run

KILLS = 8


def test_killed_runs_end_in_the_tables_of_an_unkilled_one(tmp_path: Path) -> None:
    tally = run(tmp_path, KILLS)
    assert tally.kills >= KILLS
    assert tally.most <= 1  # one reader at the platform's quota: a kill costs the window in its hands, each kill
    assert tally.orders > 300
