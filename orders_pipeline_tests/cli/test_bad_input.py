"""What goes wrong at a merchant's desk: one clear line each, a non-zero exit, and nothing lost once it is put right."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import Result

from orders_pipeline_tests.cli.conftest import Merchant

HOUR = timedelta(hours=1).total_seconds()


def error_line(result: Result) -> str:
    """The one line of error, among lines of progress."""
    errors = [line for line in result.stderr.splitlines() if not line.startswith("[")]
    assert result.exit_code == 1, result.output
    assert len(errors) == 1, errors
    assert errors[0].startswith("Error: ")
    assert "Traceback" not in result.output
    return errors[0]


def recovers(merchant: Merchant) -> None:
    """One sync after the fault is gone, and everything is there."""
    result = merchant.run("sync")
    assert result.exit_code == 0, result.stderr
    assert merchant.orders() == merchant.sold()


def test_wrong_secret(loaded: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded.sandbox.clock.advance(HOUR)
    with monkeypatch.context() as patch:
        patch.setenv("TOP_APP_SECRET", "not-the-secret")
        for command in (["sync"], ["shops", "check"]):
            line = error_line(loaded.run(*command))
            assert "tea_tmall" in line
            assert "TOP_APP_SECRET" in line or "secret" in line.lower()
            assert "not-the-secret" not in line
    recovers(loaded)


def test_missing_secret(loaded: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.delenv("TOP_APP_SECRET")
        assert "set TOP_APP_SECRET" in error_line(loaded.run("sync"))
        status = loaded.run("status")
        assert status.exit_code == 1
        assert "! Shop tea_tmall: set TOP_APP_SECRET" in status.stdout
    recovers(loaded)


def test_expired_session(loaded: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded.sandbox.clock.advance(HOUR)
    with monkeypatch.context() as patch:
        patch.setenv("TOP_SESSION", "a-session-of-long-ago")
        for command in (["sync"], ["shops", "check"]):
            line = error_line(loaded.run(*command))
            assert "session" in line.lower()
            assert "a-session-of-long-ago" not in line
        status = loaded.run("status")
        assert status.exit_code == 1
        assert "! tea_tmall: the platform refused the last call (session" in status.stdout
    recovers(loaded)


def test_gateway_down(loaded: Merchant) -> None:
    address = loaded.sandbox.url
    loaded.sandbox.clock.advance(HOUR)
    loaded.stanzas.write_text(loaded.stanzas.read_text().replace(address, "http://127.0.0.1:1"))
    before = loaded.orders()
    line = error_line(loaded.run("sync"))
    assert "tea_tmall" in line
    assert "127.0.0.1:1" in line or "connect" in line.lower()
    assert loaded.orders() == before
    loaded.stanzas.write_text(loaded.stanzas.read_text().replace("http://127.0.0.1:1", address))
    recovers(loaded)


def test_gateway_goes_down_within_a_backfill(merchant: Merchant) -> None:
    """What has landed stays, and the next back-fill goes on from there."""
    calls = merchant.sandbox.gateway.quota
    healthy = merchant.sandbox.gateway.answer

    def dying(verb: str, params: dict[str, str]) -> bytes:
        if calls.accepted >= 8:
            return b"<html>502 Bad Gateway</html>"
        return healthy(verb, params)

    merchant.sandbox.gateway.answer = dying  # type: ignore[method-assign, assignment]
    error_line(merchant.run("backfill"))
    landed = set((merchant.data / "raw").rglob("*Z.parquet"))
    assert landed
    merchant.sandbox.gateway.answer = healthy  # type: ignore[method-assign]
    result = merchant.run("backfill")
    assert result.exit_code == 0, result.stderr
    assert landed < set((merchant.data / "raw").rglob("*Z.parquet"))
    assert merchant.orders() == merchant.sold()


def test_malformed_stanza_stops_only_itself(loaded: Merchant) -> None:
    loaded.sandbox.clock.advance(HOUR)
    good = loaded.stanzas.read_text()
    loaded.stanzas.write_text(good + "    - shop: coffee\n      platform: ebay\n")
    line = error_line(loaded.run("sync"))
    assert f"{loaded.stanzas}:10: platform:" in line
    assert loaded.orders() == loaded.sold()
    assert f"! {loaded.stanzas}:10" in loaded.run("status").stdout


def test_stanza_file_that_is_no_yaml(loaded: Merchant) -> None:
    loaded.stanzas.write_text(loaded.stanzas.read_text() + "  - [\n")
    for command in ("sync", "status"):
        assert f"{loaded.stanzas}:" in error_line(loaded.run(command))


@pytest.mark.parametrize("command", ["sync", "backfill", "reconcile", "forecast", "replenish", "rebuild"])
def test_data_folder_that_cannot_be_written(merchant: Merchant, tmp_path: Path, command: str) -> None:
    (tmp_path / "file").write_text("a regular file, so that even root cannot write below it")
    line = error_line(merchant.run(command, data=tmp_path / "file" / "data"))
    assert "cannot be written" in line
    assert "--data" in line


def test_unknown_status_code(loaded: Merchant) -> None:
    """It lands as unknown with its code kept, the sync goes on, and status says that a person must look."""
    tid, trade = next(iter(loaded.sandbox.store.trades.items()))
    loaded.sandbox.clock.advance(HOUR)
    at = loaded.sandbox.gateway.live()
    from orders_pipeline.sandbox.clock import to_wire

    trade |= {"status": "TRADE_TELEPORTED", "modified": to_wire(at - timedelta(minutes=20))}
    loaded.sandbox.store.put_trade(trade)
    recovers(loaded)
    with duckdb.connect(str(loaded.data / "orders.duckdb"), read_only=True) as con:
        row = con.execute("SELECT status, source_status FROM core.orders WHERE order_id = ?", [str(tid)]).fetchone()
    assert row == ("unknown", "TRADE_TELEPORTED")
    status = loaded.run("status")
    assert status.exit_code == 1
    assert "! tea_tmall: 1 open incident(s) unknown_code" in status.stdout


def test_no_shop(merchant: Merchant) -> None:
    merchant.stanzas.write_text("attributes:\n  shops: []\n")
    assert "orders-pipeline shops add" in error_line(merchant.run("sync"))


def test_a_shop_that_is_not_there(merchant: Merchant) -> None:
    line = error_line(merchant.run("sync", "--shop", "cofee"))
    assert "No shop 'cofee'" in line
    assert "Shops: tea_tmall" in line


def test_another_process_reads_the_shop(loaded: Merchant) -> None:
    from orders_pipeline.clock import SystemClock
    from orders_pipeline.sync.leases import lease

    with lease(loaded.data / "locks", "sync", "tea_tmall", "Dagster run 4711", SystemClock(), wait_seconds=0):
        assert "held by Dagster run 4711" in error_line(loaded.run("sync"))
    recovers(loaded)


def test_a_limit_for_an_api_that_does_not_exist(merchant: Merchant) -> None:
    text = merchant.stanzas.read_text()
    merchant.stanzas.write_text(text + "      api_calls_per_minute: {taobao.trade.get: 50}\n")
    line = error_line(merchant.run("sync"))
    assert f"{merchant.stanzas}:9: api_calls_per_minute: 'taobao.trade.get' is no API that is called" in line
    assert line.endswith("nearest: taobao.trades.sold.get, taobao.time.get, taobao.refund.get")
    merchant.stanzas.write_text(text + "      api_calls_per_minute: {anything: 50}\n")
    assert "taobao.items.inventory.get, taobao.items.onsale.get" in error_line(
        merchant.run("sync")
    )  # none is near: all
