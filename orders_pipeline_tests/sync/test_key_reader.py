"""The shops of one app key are read together: few calls, none held up by another, and within seconds while they are busy."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta

import duckdb
import pytest

from orders_pipeline.bench.platform import BusyPlatform
from orders_pipeline.bench.shop_folder import environment, stanza_file
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.settings import DataFolder
from orders_pipeline.shops import Shop
from orders_pipeline.sync import ShopSync
from orders_pipeline.sync.inbox import RETRY_AFTER
from orders_pipeline.sync.key_reader import (
    BURST,
    LONGEST_HOLD,
    QUOTA_SHARE,
    SLOW_PASS,
    KeyReader,
    Reading,
    linger,
    read_once,
)
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.conftest import NOON, PLENTY

CONSUME, CONFIRM = "taobao.tmc.messages.consume", "taobao.tmc.messages.confirm"
LIST, ONE = "taobao.trades.sold.increment.get", "taobao.trade.fullinfo.get"


class Mall:
    """Sellers of one app key and the pipeline's folder that reads them, on a clock that moves when somebody waits."""

    def __init__(self, platform: BusyPlatform, folder: DataFolder) -> None:
        self.platform = platform
        self.folder = folder
        self.shops = stanza_file(folder, platform, {"calls_per_minute": PLENTY})

    def open(self, shop: Shop) -> AbstractContextManager[ShopSync]:
        return ShopSync.open(shop, self.folder, run_id="test", clock=self.platform.clock)

    def opens_after(self, delay: timedelta) -> Callable[[Shop], AbstractContextManager[ShopSync]]:
        """As ``open``, each shop so much later."""

        def late(shop: Shop) -> AbstractContextManager[ShopSync]:
            self.platform.clock.advance(delay.total_seconds())
            return self.open(shop)

        return late

    def permit(self) -> None:
        """The platform keeps messages from now on, and sellers are known."""
        for shop in self.shops:
            with self.open(shop) as sync:
                sync.permit_messages()
        self.live(600)
        with KeyReader(self.shops, self.open, self.platform.clock) as reader:
            reader.read()
        with self.platform.mall.lock:
            self.platform.begin()

    def live(self, seconds: float) -> datetime:
        """Until when the sellers have lived."""
        self.platform.clock.advance(seconds)
        with self.platform.mall.lock:
            return self.platform.mall.live()

    def calls(self) -> Counter[str]:
        """Calls by api, all of the log."""
        with sqlite3.connect(self.folder.ops) as con:
            return Counter(api for (api,) in con.execute("SELECT api FROM api_calls"))

    def unread(self, until: datetime) -> list[str]:
        """Versions of orders that came to be by then and are not in the tables."""
        with duckdb.connect(str(self.folder.published), read_only=True) as con:
            rows = con.execute("SELECT shop, order_id, modified_at FROM core.orders").fetchall()
        stored = {(shop, order_id): at for shop, order_id, at in rows}
        return [
            f"{change.shop} {change.order_id} {change.at}"
            for change in self.platform.changes
            if change.at <= until and stored.get((change.shop, change.order_id), NOON - timedelta(days=9)) < change.at
        ]


@pytest.fixture
def mall(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mall]:
    with BusyPlatform(2, 1, 2_000, PLENTY, clock=SandboxClock.stepped(NOON)) as platform:
        for name, value in environment(platform).items():
            monkeypatch.setenv(name, value)
        mall = Mall(platform, folder)
        mall.permit()
        yield mall


def test_one_question_one_list_a_shop_and_one_confirmation(mall: Mall) -> None:
    before = mall.calls()
    now = mall.live(120)
    assert len(mall.platform.changes) > 5
    with KeyReader(mall.shops, mall.open, mall.platform.clock) as reader:
        readings = reader.read()
    assert [(one.shop, one.error) for one in readings] == [("shop_1", None), ("shop_2", None)]
    assert mall.unread(now) == []
    spent = mall.calls() - before
    expected = {CONSUME: 1, LIST: 2, ONE: 0, CONFIRM: 1, "taobao.time.get": 0}
    assert {api: spent[api] for api in expected} == expected


def test_shops_without_messages_cost_nothing(mall: Mall) -> None:
    before = mall.calls()
    mall.platform.silence()
    with KeyReader(mall.shops, mall.open, mall.platform.clock) as reader:
        reader.read()
    assert mall.calls() - before == Counter({CONSUME: 1})


def test_a_pass_makes_one_copy_for_readers(mall: Mall) -> None:
    before = Warehouse(mall.folder).last_published()
    now = mall.live(120)
    with KeyReader(mall.shops, mall.open, mall.platform.clock) as reader:
        reader.read()
    after = Warehouse(mall.folder).last_published()
    assert before is not None
    assert after is not None
    assert mall.unread(now) == []
    assert after.number - before.number == 1


def test_a_slow_pass_copies_as_it_goes(mall: Mall) -> None:
    before = Warehouse(mall.folder).last_published()
    now = mall.live(120)
    with KeyReader(mall.shops, mall.opens_after(LONGEST_HOLD), mall.platform.clock) as reader:
        reader.read()
    after = Warehouse(mall.folder).last_published()
    assert before is not None
    assert after is not None
    assert mall.unread(now) == []
    assert after.number - before.number >= len(mall.shops)


@pytest.mark.parametrize(("delay", "questions"), [(timedelta(), 1), (SLOW_PASS, 2)])
def test_a_short_run_asks_again_after_a_slow_pass(mall: Mall, delay: timedelta, questions: int) -> None:
    mall.live(120)
    before = mall.calls()[CONSUME]
    with KeyReader(mall.shops, mall.opens_after(delay), mall.platform.clock) as reader:
        read_once(reader, lambda _: None)
    assert mall.calls()[CONSUME] - before == questions


def test_a_short_run_that_found_nothing_ends(mall: Mall) -> None:
    mall.platform.silence()
    before = mall.calls()[CONSUME]
    with KeyReader(mall.shops, mall.opens_after(SLOW_PASS), mall.platform.clock) as reader:
        read_once(reader, lambda _: None)
    assert mall.calls()[CONSUME] - before == 1


def test_a_list_that_fails_leaves_the_orders_to_be_read_by_id(mall: Mall) -> None:
    now = mall.live(120)
    named = {change.order_id for change in mall.platform.changes}
    hidden = {int(order_id) for order_id in named}
    for store in mall.platform.stores:
        store.unlisted.append(lambda trade: trade["tid"] in hidden)  # the list lags behind the messages
    with KeyReader(mall.shops, mall.open, mall.platform.clock) as reader:
        reader.read()
    assert mall.unread(now) == []
    assert mall.calls()[ONE] >= len(named) > 2


def test_a_shop_without_credentials_holds_up_no_other(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_SESSION_SHOP_1")
    now = mall.live(60)
    with KeyReader(mall.shops, mall.open, mall.platform.clock) as reader:
        first, second = reader.read()
    assert "set BENCH_SESSION_SHOP_1" in str(first.error)
    assert second.report is not None
    assert second.report.messages > 0
    assert [line for line in mall.unread(now) if line.startswith("shop_2")] == []


def test_a_lingering_reader_brings_changes_within_seconds_and_leaves_calls_to_others(mall: Mall) -> None:
    mall.shops = stanza_file(mall.folder, mall.platform, {"calls_per_minute": 100})
    clock, told = mall.platform.clock, []
    began, before = clock.now(), sum(mall.calls().values())

    def tell(readings: list[Reading]) -> None:
        told.append(readings)
        assert mall.unread(clock.now() - timedelta(seconds=10)) == []

    with KeyReader(mall.shops, mall.open, mall.platform.clock) as reader:
        why = linger(reader, timedelta(minutes=5), tell, longest=timedelta(seconds=40))
    seconds = (clock.now() - began).total_seconds()
    assert why == "after 0:00:40"
    assert 40 <= seconds < 50
    assert sum(len(readings) > 0 for readings in told) >= 8
    assert (
        sum(mall.calls().values()) - before <= QUOTA_SHARE * 100 * seconds / 60 + BURST + 5
    )  # the last pass waits for nobody


def test_a_lingering_reader_ends_when_it_is_quiet(mall: Mall) -> None:
    mall.platform.silence()
    clock = mall.platform.clock
    began = clock.now()
    with KeyReader(mall.shops, mall.open, mall.platform.clock) as reader:
        assert linger(reader, timedelta(seconds=20), lambda _: None) == "quiet"
    assert 20 <= (clock.now() - began).total_seconds() < 25


def test_a_lingering_reader_confirms_by_and_by(mall: Mall) -> None:
    with KeyReader(mall.shops, mall.open, mall.platform.clock) as reader:
        before = mall.calls()[CONFIRM]
        linger(reader, timedelta(minutes=5), lambda _: None, longest=timedelta(seconds=20))
    assert mall.calls()[CONFIRM] - before == 1


def test_whose_a_sellers_messages_are_is_found_out_at_a_call_a_shop(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BusyPlatform(5, 1, 500, PLENTY, clock=SandboxClock.stepped(NOON)) as platform:
        for name, value in environment(platform).items():
            monkeypatch.setenv(name, value)
        mall = Mall(platform, folder)
        for shop in mall.shops:
            with mall.open(shop) as sync:
                sync.permit_messages()
        platform.begin()
        now = mall.live(300)
        before = mall.calls()
        with KeyReader(mall.shops, mall.open, mall.platform.clock) as reader:
            reader.read()
        assert mall.unread(now) == []
        spent = mall.calls() - before
        assert spent[ONE] == 0
        assert spent[LIST] <= 2 * len(mall.shops)  # the first one reaches back two hours


def test_what_cannot_be_worked_off_is_tried_again_after_a_minute(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BusyPlatform(1, 1, 2_000, PLENTY, clock=SandboxClock.stepped(NOON)) as platform:
        for name, value in environment(platform).items():
            monkeypatch.setenv(name, value)
        mall = Mall(platform, folder)
        mall.permit()
        (store,) = platform.stores
        platform.mall.sellers[0].options = replace(platform.options, forbidden=frozenset({ONE, LIST}))
        mall.live(120)
        with mall.open(mall.shops[0]) as sync:
            assert sync.receive_messages() > 0

            def passes() -> int:
                before = mall.calls()[ONE]
                with KeyReader(mall.shops, mall.open, mall.platform.clock) as reader:
                    reader.read()
                return mall.calls()[ONE] - before

            assert passes() > 0
            store.messages.topics = frozenset()
            assert sync.receive_messages() == 0  # nothing that is worth a run
            assert passes() == 0
            platform.clock.advance(RETRY_AFTER.total_seconds() + 1)
            assert sync.receive_messages() > 0
            assert passes() > 0
