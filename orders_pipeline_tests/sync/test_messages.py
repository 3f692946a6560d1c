"""The second channel brings what changed, whatever is repeated, and confirms only what has landed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest
from starlette.middleware import Middleware

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.platforms.base import RetryableError, SessionError
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync import ShopSync, desk, sellers
from orders_pipeline_tests import truth
from orders_pipeline_tests.conftest import living_sandbox
from orders_pipeline_tests.sync.fronts import Answer, Instead, second_seller

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
            patch.setattr("orders_pipeline.sync.desk.apply_files", _die)
            with pytest.raises(KeyboardInterrupt):
                sync.poll_messages()
    with open_sync(sandbox) as again:
        assert again.poll_messages().messages > 10
        check(folder, sandbox, named)


def _die(*_: object) -> None:
    raise KeyboardInterrupt


# one message never holds up the others ----------------------------------------------------------------------------


def failing(tid: str, answer: object) -> Answer:
    """``answer`` to every reading of one order by its id."""
    return lambda params: answer if params.get("tid") == tid and params["method"].endswith("fullinfo.get") else None


def inbox_size(folder: DataFolder) -> int:
    with sqlite3.connect(folder.ops) as ops:
        return int(ops.execute("SELECT count(*) FROM inbox").fetchone()[0])


def incidents(folder: DataFolder) -> list[tuple[str, bool]]:
    with duckdb.connect(str(folder.published), read_only=True) as con:
        return con.execute(
            "SELECT subject, closed_at IS NOT NULL FROM ops.incidents WHERE kind = 'message_unread'"
        ).fetchall()


BROKEN = [
    {"error_response": {"code": 99999, "msg": "SENTINEL", "request_id": "16"}},
    {"error_response": {"code": 15, "sub_code": "isp.remote-service-error", "request_id": "16"}},
    {"error_response": {"code": 11, "sub_code": "isv.permission-api-package-limit", "request_id": "16"}},
    {"trade_fullinfo_get_response": {"trade": {"tid": 1}, "request_id": "16"}},
]


@pytest.mark.parametrize("answer", BROKEN, ids=["unknown code", "their fault", "no permission", "another order"])
def test_an_order_that_can_never_be_read_is_given_up_and_the_rest_lands(
    answer: object, folder: DataFolder, open_sync: OpenSync
) -> None:
    plan: list[Answer] = []
    faults = [Middleware(Instead, answer=lambda params: plan[0](params) if plan else None)]
    with living_sandbox(1, 200, faults=faults) as sandbox, open_sync(sandbox) as sync:
        sync.backfill(1)
        sync.poll_messages()
        sandbox.clock.advance(3_600)
        named = named_orders(sandbox)
        broken = sorted(named)[0]
        plan.append(failing(broken, answer))
        reports = [sync.poll_messages() for _ in range(desk.MOST_ATTEMPTS)]
        assert [report.given_up for report in reports][-1] >= 1
        assert inbox_size(folder) == 0
        assert (broken, False) in incidents(folder)
        if answer is not BROKEN[2]:  # a refused API fails for every order
            check(folder, sandbox, named - {broken})
        sync.sync()  # the closed windows bring it all the same
        check(folder, sandbox, named)
        assert (broken, True) in incidents(folder)


def test_an_outage_counts_against_no_message(folder: DataFolder, open_sync: OpenSync) -> None:
    sick: list[bool] = []
    faults = [
        Middleware(Instead, answer=lambda p: 502 if sick and not p.get("method", "").startswith("taobao.tmc") else None)
    ]
    with living_sandbox(1, 200, faults=faults) as sandbox, open_sync(sandbox) as sync:
        sync.poll_messages()
        sandbox.clock.advance(3_600)
        named = named_orders(sandbox)
        sick.append(True)
        for _ in range(desk.MOST_ATTEMPTS + 1):
            with pytest.raises(RetryableError):
                sync.poll_messages()
        assert incidents(folder) == []
        sick.clear()
        assert sync.poll_messages().given_up == 0
        check(folder, sandbox, named)


def test_what_was_read_before_the_trouble_is_stored_and_confirmed(
    sandbox: SandboxServer, folder: DataFolder, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "READS_A_BATCH", 5)
    monkeypatch.delenv("TOP_REFRESH_TOKEN")
    with open_sync(sandbox) as sync:
        sync.poll_messages()
        sandbox.clock.advance(3_600)
        stored = sync._ctx.landing.land

        def expire_after_the_first_batch(*values: Any) -> Any:
            if values[0] == "messages":
                return stored(*values)
            sandbox.gateway.tokens.expire_session(sandbox.options.session, sandbox.clock.now())
            return stored(*values)

        monkeypatch.setattr(sync._ctx.landing, "land", expire_after_the_first_batch)
        with pytest.raises(SessionError):
            sync.poll_messages()
    with duckdb.connect(str(folder.published), read_only=True) as con:
        assert 1 <= con.execute("SELECT count(*) FROM core.orders").fetchone()[0] <= 5
    assert inbox_size(folder) > 5


# duplicates, disorder, silence ----------------------------------------------------------------------------------------


def pay(sandbox: SandboxServer, tid: int, at: datetime) -> None:
    with sandbox.gateway.lock:
        sandbox.store.announce("taobao_trade_TradeBuyerPay", {"tid": tid, "oid": tid, "buyer_nick": "x"}, at)


def details(folder: DataFolder) -> int:
    with sqlite3.connect(folder.ops) as ops:
        return int(ops.execute("SELECT count(*) FROM api_calls WHERE api LIKE '%fullinfo%'").fetchone()[0])


def test_messages_five_times_reversed_and_late_cost_one_read_an_order(folder: DataFolder, open_sync: OpenSync) -> None:
    with living_sandbox(2, 100) as sandbox, open_sync(sandbox) as sync:
        sync.poll_messages()
        changed = {
            trade["tid"]: datetime.fromisoformat(trade["modified"]).replace(tzinfo=SHOP_TZ)
            for trade in sandbox.truth()["trades"][-10:]
        }
        for tid, at in sorted(changed.items(), key=lambda pair: pair[1], reverse=True):
            for _ in range(5):
                pay(sandbox, tid, at)
        assert sync.poll_messages().messages == 50
        assert details(folder) == len(changed)
        check(folder, sandbox, {str(tid) for tid in changed})
        for tid, at in changed.items():  # once more, as old as the rows and older: nothing that we do not have
            pay(sandbox, tid, at)
            pay(sandbox, tid, at - timedelta(hours=1))
        assert sync.poll_messages().messages == 20
        assert details(folder) == len(changed)
        check(folder, sandbox, {str(tid) for tid in changed})


def test_an_outage_longer_than_messages_are_kept_is_healed_by_the_windows_alone(
    folder: DataFolder, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders_pipeline.sandbox.messages.KEEP_FOR", timedelta(hours=24))
    with living_sandbox(1, 60) as sandbox, open_sync(sandbox, backfill_days=2) as sync:
        sync.poll_messages()
        sync.backfill()
        sandbox.clock.advance(3_600)
        lost = named_orders(sandbox)
        sandbox.clock.advance(26 * 3_600)
        sync.poll_messages()
        sync.sync()
        assert len(lost) > 3
        check(folder, sandbox, {str(trade["tid"]) for trade in sandbox.truth()["trades"]})


# several shops on one app key --------------------------------------------------------------------------------------------


def test_each_shops_messages_are_read_with_its_own_session(
    folder: DataFolder, open_sync: OpenSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = SandboxOptions(session="other-session", calls_per_minute=1_000_000)
    other = living_sandbox(1, 200, seed=8, options=options)
    other.store.user_id = other.store.messages.user_id = 2200000002
    other.store.messages._last_id += 10**9  # ids are unique on an app key
    servers: list[SandboxServer] = []
    front = Middleware(Instead, answer=second_seller(lambda: servers[0], other, "other-session"))
    with living_sandbox(1, 200, faults=[front]) as sandbox, other:
        servers.append(sandbox)
        monkeypatch.setenv("OTHER_SESSION", "other-session")
        shops = {"tea_tmall": {}, "cup_tmall": {"session_env": "OTHER_SESSION"}}
        for slug, settings in shops.items():
            with open_sync(sandbox, slug, **settings) as sync:
                sync.permit_messages()
        for server in (sandbox, other):
            server.clock.advance(3_600)
            server.truth()
        named = {"tea_tmall": named_orders(sandbox), "cup_tmall": named_orders(other)}
        for number, (slug, settings) in enumerate(reversed(shops.items())):  # one consumption, then from what is stored
            others = [name for name in shops if name != slug]
            with open_sync(sandbox, slug, **settings) as sync:
                assert sync.poll_messages(others, consume=number == 0).messages > 5
        assert inbox_size(folder) == 0
        for slug, server in (("tea_tmall", sandbox), ("cup_tmall", other)):
            with duckdb.connect(str(folder.published), read_only=True) as con:
                rows = con.execute("SELECT order_id FROM core.orders WHERE shop = ?", [slug]).fetchall()
            assert {order_id for (order_id,) in rows} == named[slug]
            assert len(named[slug]) > 5
            assert server.truth()["messages"] == []


def test_messages_of_a_shop_that_nobody_here_has_are_let_go(folder: DataFolder, open_sync: OpenSync) -> None:
    with living_sandbox(1, 50) as sandbox, open_sync(sandbox) as sync:
        sync.poll_messages()
        sandbox.store.messages.user_id = 99
        at = sandbox.clock.now()
        pay(sandbox, 4711, at)
        assert sync.poll_messages(["cup_tmall"]).messages == 0
        assert inbox_size(folder) == 1
        sandbox.store.messages.user_id = 2200000001
        sandbox.clock.advance(sellers.GIVE_UP_AFTER.total_seconds() + 60)
        sync.poll_messages(["cup_tmall"])
        with sqlite3.connect(folder.ops) as ops:
            assert ops.execute("SELECT count(*) FROM inbox WHERE seller = '99'").fetchone() == (0,)
