"""``purge`` shows first, removes only when told to, and refuses an age that the next reconciliation would undo."""

from __future__ import annotations

from datetime import timedelta

from orders_pipeline_tests.cli.conftest import Merchant

LATER = timedelta(days=130)


def test_shows_what_would_go_and_removes_it_when_told_to(loaded: Merchant) -> None:
    before = loaded.orders()
    loaded.clock.advance(LATER.total_seconds())
    result = loaded.run("purge", "--older-than", "120")
    assert result.exit_code == 0, result.stderr
    assert "core.orders" in result.stdout
    assert "Nothing was removed" in result.stdout
    assert loaded.orders() == before
    result = loaded.run("purge", "--older-than", "120", "--yes")
    assert result.exit_code == 0, result.stderr
    kept = loaded.orders()
    assert kept < before
    assert "Removed." in result.stdout
    assert loaded.run("rebuild").exit_code == 0
    assert loaded.orders() == kept


def test_an_age_within_what_the_platform_lists_is_refused(loaded: Merchant) -> None:
    result = loaded.run("purge", "--older-than", "30", "--yes")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


def test_without_anything_stored_it_says_what_to_do(merchant: Merchant) -> None:
    result = merchant.run("purge")
    assert result.exit_code == 1
    assert "run `orders-pipeline sync` first" in result.stderr
