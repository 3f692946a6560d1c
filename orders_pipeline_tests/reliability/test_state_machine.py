"""Fifty random schedules; a thousand by ``python -m orders_pipeline_tests.reliability.state_machine``."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest

from orders_pipeline.sync import ShopSync
from orders_pipeline_tests.reliability.state_machine import Stage, machine, run


@pytest.mark.timeout(900)  # about a minute and a half on an idle machine
def test_source_equals_warehouse_after_any_schedule(tmp_path: Path) -> None:
    run(tmp_path, 50)


def test_a_change_that_commits_late_within_the_hour_of_its_older_version(tmp_path: Path) -> None:
    """Every count agrees then, in any window that holds both: found by a schedule, of which this is the shortest form."""
    stage = Stage(tmp_path)
    with stage.sandbox:
        schedule = machine(stage)()
        schedule.opens(seed=1, orders=0, loaded=True)
        schedule.orders_come_in(count=1, late=0)
        schedule.time_passes_and_somebody_runs(seconds=1_900, job="sync", dies=None)
        schedule.orders_move_on(count=1, late=700)
        schedule.teardown()


def test_the_schedules_notice_when_nobody_reconciles(tmp_path: Path) -> None:
    """Rows that commit an hour late are nobody else's to find: a machine that passes here would prove nothing above."""
    with patch.object(ShopSync, "reconcile_night"), pytest.raises(AssertionError, match=r"missing|differ"):
        run(tmp_path, 50, derandomize=True, shrink=False)
