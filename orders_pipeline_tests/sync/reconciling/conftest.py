"""A shop that has been read for three months, what can go wrong with what is here of it, and a witness of every call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ReconciliationReport, ShopSync
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests import truth
from orders_pipeline_tests.conftest import NOON, living_sandbox, shop_of

YESTERDAY = (NOON - timedelta(days=1)).date()
DAYS = 93  # the platform lists 92 at this time of the year
PLATFORM, SHOP = "tmall", "tea_tmall"


@dataclass
class ReadShop:
    """A loaded shop. ``asked`` are the parameters of every call since it was last cleared."""

    sandbox: SandboxServer
    folder: DataFolder
    backfill_days: int = DAYS - 1
    asked: list[Mapping[str, str]] = field(default_factory=list)
    between_calls: Callable[[], None] = lambda: None

    @contextmanager
    def sync(self) -> Iterator[ShopSync]:
        shop = shop_of(self.sandbox, backfill_days=self.backfill_days)
        with ShopSync.open(shop, self.folder, run_id="test", clock=self.sandbox.clock) as sync:
            yield sync

    def night(self, **options: Any) -> ReconciliationReport:
        """The nightly comparison of the day before NOON."""
        self.asked.clear()
        with self.sync() as sync:
            return sync.reconcile_night(YESTERDAY, **options)

    def counts_asked(self) -> int:
        """Calls for one row with the total."""
        return sum(call.get("page_size") == "1" for call in self.asked)

    def damage(self, *statements: str) -> None:
        """Change what is here behind the pipeline's back."""
        warehouse = Warehouse(self.folder, self.sandbox.clock)
        with warehouse.write("test") as con:
            for statement in statements:
                con.execute(statement)
        warehouse.flush()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder.published), read_only=True) as con:
            return con.execute(sql).fetchall()

    def must_equal_the_platform(self) -> None:
        """Every order, line and refund of the ground truth is here, equal, and none besides those marked vanished."""
        want = self.sandbox.truth()
        wall = NOON - timedelta(days=DAYS - 2)
        want["trades"] = [trade for trade in want["trades"] if truth.instant(trade["created"]) >= wall]
        listed = f"order_id IN (SELECT order_id FROM core.orders WHERE vanished_at IS NULL AND created_at >= '{wall}')"
        recent = f"modified_at >= '{wall}'"
        want["refunds"] = [one for one in want["refunds"] if truth.instant(one["modified"]) >= wall]
        with duckdb.connect(str(self.folder.published), read_only=True) as con:
            for table, key, expected, where in (
                ("core.orders", "order_id", truth.orders(want, PLATFORM, SHOP), listed),
                ("core.order_lines", "line_id", truth.order_lines(want, PLATFORM, SHOP), listed),
                ("core.refunds", "refund_id", truth.refunds(want, PLATFORM, SHOP), f"vanished_at IS NULL AND {recent}"),
            ):
                columns = tuple(next(iter(expected.values())))
                rows = truth.rows_of(con, f"(FROM {table} WHERE {where})", ("platform", "shop", key), columns)
                truth.compare(expected, rows, table)


@contextmanager
def read_shop(
    root: Path, *, days: int = DAYS, orders_per_day: int = 14, backfill_days: int = DAYS - 1
) -> Iterator[ReadShop]:
    """A shop of that age, loaded; its increments begin three days ago."""
    with living_sandbox(days, orders_per_day) as sandbox:
        shop = ReadShop(sandbox, DataFolder(root / "data").create(), backfill_days)
        answer = sandbox.gateway.answer

        def witnessed(verb: str, params: Mapping[str, str]) -> bytes:
            shop.asked.append(dict(params))
            shop.between_calls()
            return answer(verb, params)

        sandbox.gateway.answer = witnessed  # type: ignore[method-assign]
        with shop.sync() as sync:
            sync.backfill()
            sync.sync(since=NOON - timedelta(days=3))
        yield shop


@pytest.fixture(scope="module")
def module_environment() -> Iterator[None]:
    """The sandbox's secrets for fixtures that outlive a test."""
    options = SandboxOptions()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOP_APP_KEY", options.app_key)
        patch.setenv("TOP_APP_SECRET", options.app_secret)
        patch.setenv("TOP_SESSION", options.session)
        patch.setenv("TOP_REFRESH_TOKEN", options.refresh_token)
        yield


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, module_environment: None) -> Iterator[ReadShop]:
    """One shop for a whole module: every test leaves it healed."""
    with read_shop(tmp_path_factory.mktemp("night")) as loaded:
        yield loaded
