"""Fifty random schedules; a thousand by ``python -m orders_pipeline_tests.reliability.state_machine``."""

from __future__ import annotations

from pathlib import Path

import pytest

from orders_pipeline_tests.reliability.state_machine import run


@pytest.mark.timeout(900)  # about a minute and a half on an idle machine
def test_source_equals_warehouse_after_any_schedule(tmp_path: Path) -> None:
    run(tmp_path, 50)
