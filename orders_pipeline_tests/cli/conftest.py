"""A merchant at the shell: a living sandbox shop, a stanza that points at it, a data folder, and a clock that steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from orders_pipeline.cli import main
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline.sandbox.world import World

NOW = datetime(2026, 9, 15, 6, 0, tzinfo=UTC)  # 14:00 in Shanghai
DAYS, ORDERS_PER_DAY = 12, 15

STANZA = """attributes:
  shops:
    - shop: tea_tmall
      platform: tmall
      gateway_url: {gateway}
      token_url: {token}
      calls_per_minute: 6000
      backfill_days: {days}
"""


@dataclass
class Merchant:
    """Somebody who types commands. Time stands still but for the waits of the commands."""

    sandbox: SandboxServer
    clock: SandboxClock
    data: Path
    stanzas: Path

    def run(self, *arguments: str, data: Path | None = None) -> Result:
        """A command with this data folder; its waits step the clock."""
        command = (
            [*arguments]
            if arguments[0] == "shops" and "check" not in arguments
            else [*arguments, "--data", str(data or self.data)]
        )
        return CliRunner().invoke(main, command, obj=self.clock)

    def orders(self) -> set[str]:
        """Order ids that readers see."""
        with duckdb.connect(str(self.data / "orders.duckdb"), read_only=True) as con:
            return {order_id for (order_id,) in con.execute("SELECT order_id FROM core.orders").fetchall()}

    def sold(self) -> set[str]:
        """Order ids that the platform has."""
        return {str(tid) for tid in self.sandbox.store.trades}


@pytest.fixture
def merchant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Merchant]:
    clock = SandboxClock.stepped(NOW)
    store = Store()
    world = World(store, seed=7, start=NOW - timedelta(days=DAYS), orders_per_day=ORDERS_PER_DAY, products=20)
    options = SandboxOptions(calls_per_minute=6_000)
    monkeypatch.setenv("TOP_APP_KEY", options.app_key)
    monkeypatch.setenv("TOP_APP_SECRET", options.app_secret)
    monkeypatch.setenv("TOP_SESSION", options.session)
    monkeypatch.delenv("TOP_REFRESH_TOKEN", raising=False)
    with SandboxServer(store, world=world, clock=clock, options=options) as sandbox:
        stanzas = tmp_path / "shops.yaml"
        stanzas.write_text(STANZA.format(gateway=sandbox.gateway_url, token=sandbox.token_url, days=DAYS + 1))
        monkeypatch.setenv("ORDERS_PIPELINE_SHOPS", str(stanzas))
        yield Merchant(sandbox, clock, tmp_path / "data", stanzas)


@pytest.fixture
def loaded(merchant: Merchant) -> Merchant:
    """The same after the first load."""
    result = merchant.run("backfill")
    assert result.exit_code == 0, result.stderr
    assert merchant.orders() == merchant.sold()
    return merchant
