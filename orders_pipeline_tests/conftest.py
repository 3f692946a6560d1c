"""Fixtures that many rooms share: a living sandbox platform on loopback, a shop connected to it, a data folder."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from starlette.middleware import Middleware

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline.sandbox.world import World
from orders_pipeline.settings import DataFolder
from orders_pipeline.shops import Shop
from orders_pipeline.sync import ShopSync
from orders_pipeline_tests.postgres import serve

signal.signal(signal.SIGINT, signal.default_int_handler)
"""A shell has it ignored in what it starts in the background, and children that tests stop with it would inherit that."""

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=SHOP_TZ)
"""When the stepped sandbox of a test stands still: an ordinary Thursday."""

PLENTY = 1_000_000
"""Calls a minute where a test is not about the quota."""


def living_sandbox(
    days: int,
    orders_per_day: int,
    *,
    seed: int = 7,
    now: datetime = NOON,
    options: SandboxOptions | None = None,
    faults: Sequence[Middleware] = (),
) -> SandboxServer:
    """A sandbox whose shop has lived ``days`` and whose clock stands at ``now`` until a test steps it."""
    store = Store()
    opened = (now - timedelta(days=days)).replace(hour=0, minute=0)
    world = World(store, seed, opened, orders_per_day)
    return SandboxServer(
        store,
        world=world,
        clock=SandboxClock.stepped(now),
        options=options or SandboxOptions(calls_per_minute=PLENTY),
        faults=faults,
    )


def shop_of(sandbox: SandboxServer, slug: str = "tea_tmall", **settings: object) -> Shop:
    """A stanza that points at the sandbox."""
    return Shop.of(
        {
            "shop": slug,
            "platform": "tmall",
            "gateway_url": sandbox.gateway_url,
            "token_url": sandbox.token_url,
            "authorize_url": sandbox.authorize_url,
            "calls_per_minute": PLENTY,
            **settings,
        }
    )


@pytest.fixture(autouse=True)
def _sandbox_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets of the sandbox under the default names; none of the developer's own."""
    options = SandboxOptions()
    monkeypatch.setenv("TOP_APP_KEY", options.app_key)
    monkeypatch.setenv("TOP_APP_SECRET", options.app_secret)
    monkeypatch.setenv("TOP_SESSION", options.session)
    monkeypatch.setenv("TOP_REFRESH_TOKEN", options.refresh_token)
    for name in ("ORDERS_PIPELINE_DATA", "ORDERS_PIPELINE_SHOPS", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data").create()


@pytest.fixture
def open_sync(folder: DataFolder) -> Callable[..., AbstractContextManager[ShopSync]]:
    """``open_sync(sandbox)`` opens the shop of a sandbox in the test's data folder, on the sandbox's clock."""

    def open_(sandbox: SandboxServer, slug: str = "tea_tmall", **settings: object) -> AbstractContextManager[ShopSync]:
        return ShopSync.open(shop_of(sandbox, slug, **settings), folder, run_id="test", clock=sandbox.clock)

    return open_


@pytest.fixture(scope="session")
def postgres() -> Iterator[int]:
    """The port of a real server on loopback, one a session; nobody's data needs its disk writes."""
    with serve(fsync=False) as port:
        yield port
