"""Fifty random schedules; a thousand by ``python -m orders_pipeline_tests.reliability.state_machine``."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest

from orders_pipeline.sync import ShopSync
from orders_pipeline_tests.reliability.state_machine import run


@pytest.mark.timeout(900)  # about a minute and a half on an idle machine
def test_source_equals_warehouse_after_any_schedule(tmp_path: Path) -> None:
    run(tmp_path, 50)


def test_the_schedules_notice_when_nobody_reconciles(tmp_path: Path) -> None:
    """Rows that commit an hour late are nobody else's to find: a machine that passes here would prove nothing above."""
    with patch.object(ShopSync, "reconcile_night"), pytest.raises(AssertionError, match=r"missing|differ"):
        run(tmp_path, 50, derandomize=True, shrink=False)
