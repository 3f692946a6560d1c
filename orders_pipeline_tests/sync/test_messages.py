"""The second channel brings what changed, whatever is repeated, and confirms only what has landed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import duckdb
import pytest

from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync, applying
from orders_pipeline_tests import truth
from orders_pipeline_tests.conftest import living_sandbox

OpenSync = Callable[..., AbstractContextManager[ShopSync]]


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with living_sandbox(3, 200) as server:
        yield server


def named_orders(sandbox: SandboxServer) -> set[str]:
    """Orders that unconfirmed messages about trades and refunds name."""
    contents = [
        json.loads(message["content"])
        for message in sandbox.truth()["messages"]
        if message["topic"].startswith(("taobao_trade_", "taobao_refund_"))
    ]
    return {str(content["tid"]) for content in contents if content.get("tid")}


def check(folder: DataFolder, sandbox: SandboxServer, named: set[str]) -> None:
    """Every order that a message named is in the tables as the platform has it."""
    expected = {key: row for key, row in truth.orders(sandbox.truth(), "tmall", "tea_tmall").items() if key[2] in named}
    assert len(expected) == len(named) > 5
    with duckdb.connect(str(folder.published), read_only=True) as con:
        columns = tuple(next(iter(expected.values())))
        found = truth.rows_of(con, "core.orders", ("platform", "shop", "order_id"), columns)
    truth.compare(expected, {key: row for key, row in found.items() if key[2] in named}, "orders named by messages")


def test_messages_alone_bring_what_changed(sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync) -> None:
    with open_sync(sandbox) as sync:
        assert sync.poll_messages().messages == 0  # from this permission on the platform keeps messages
        sandbox.clock.advance(2 * 3_600)
        named = named_orders(sandbox)
        assert sync.poll_messages().messages > 20
        check(folder, sandbox, named)
        assert sync.poll_messages().messages == 0


def test_a_run_that_dies_before_confirming_reads_them_again(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_sync(sandbox) as sync:
        sync.poll_messages()
        sandbox.clock.advance(3_600)
        named = named_orders(sandbox)
        with monkeypatch.context() as patch:
            patch.setattr("orders_pipeline.sync.messages.apply_landed", _die)
            with pytest.raises(KeyboardInterrupt):
                sync.poll_messages()
    with open_sync(sandbox) as again:
        assert again.poll_messages().messages > 10
        check(folder, sandbox, named)


def _die(*_: object) -> applying.ApplyReport:
    raise KeyboardInterrupt
