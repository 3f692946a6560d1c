"""``compact`` joins what was synced on past days, a step a day, and says what it did."""

from __future__ import annotations

import re

import pytest

from orders_pipeline.warehouse import CompactReport, Warehouse
from orders_pipeline_tests.cli.conftest import Merchant


def test_four_runs_on_four_days_leave_few_files_and_the_same_orders(loaded: Merchant) -> None:
    orders, small = loaded.orders(), len(list((loaded.data / "raw").rglob("*Z.parquet")))
    told = []
    for _ in range(4):
        loaded.clock.advance(86_400)
        result = loaded.run("compact")
        assert result.exit_code == 0, result.stderr
        told.append([int(number) for number in re.findall(r"\d+", result.stdout)])
    joined, files, *_ = told[0]
    assert told == [[joined, files, 0, 0, 0], [0, 0, files, 0, 0], [0, 0, 0, joined, 0], [0, 0, 0, 0, joined]]
    assert files < joined <= small
    assert len(list((loaded.data / "raw").rglob("*Z.parquet"))) == small - joined
    assert loaded.run("rebuild").exit_code == 0
    assert loaded.orders() == orders


def test_without_anything_stored_there_is_nothing_to_do(merchant: Merchant) -> None:
    result = merchant.run("compact")
    assert result.exit_code == 0, result.stderr
    assert "0 small files joined" in result.stdout


def test_a_joined_file_that_is_not_like_the_small_ones_needs_a_person(
    loaded: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Warehouse, "compact", lambda *_: CompactReport(unlike=2))
    result = loaded.run("compact")
    assert result.exit_code == 1
    assert "! 2 joined files" in result.stdout
