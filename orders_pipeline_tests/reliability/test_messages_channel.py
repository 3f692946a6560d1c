"""The second channel: orders told in one place only, messages lost, repeated, reversed, stale, or down for a day (3.2)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import duckdb
import pytest

from orders_pipeline.sandbox.clock import to_wire
from orders_pipeline_tests import truth
from orders_pipeline_tests.conftest import NOON, living_sandbox
from orders_pipeline_tests.reliability.scenario import scenario
from orders_pipeline_tests.reliability.scene import PLATFORM, SHOP, Scene
from orders_pipeline_tests.reliability.source import an_order, order_id, ship, tid

CREATED = "taobao_trade_TradeCreate"


def tell(scene: Scene, number: int, at: datetime | None = None) -> None:
    """Announce that order ``number`` was created, now or ``at`` another time."""
    at = at or scene.sandbox.clock.now()
    content = {"tid": tid(number), "oid": tid(number) + 1, "seller_nick": "测试店", "status": "WAIT_SELLER_SEND_GOODS"}
    scene.sandbox.store.announce(CREATED, content, at)


@scenario(
    2, 4, "order in one channel only", injected="orders told by message only; in lists only; known singly only",
    expected="each stored once, its channel recorded; in no list three times: an incident, no deletion",
)  # fmt: skip
def test_orders_that_only_one_channel_tells(scene: Scene) -> None:
    by_message, listed_only = 900, 901
    faults = ({"kind": "never_listed", "ids": [order_id(900)]}, {"kind": "only_listed", "ids": [order_id(901)]})
    with scene.serve(*faults) as sandbox:
        with scene.open() as sync:
            sync.poll_messages()  # the platform keeps messages from the first poll on
        for number in (by_message, listed_only):
            sandbox.store.put_trade(an_order(number, NOON))
            tell(scene, number)
        scene.until(NOON + timedelta(minutes=1))
        with scene.open() as sync:
            report = sync.poll_messages()
            assert (report.messages, report.orders_read) == (2, 1)  # the other is listed only
            assert sync.poll_messages().messages == 0  # the one that cannot be asked for is left to the lists
        scene.syncs()
        assert not scene.difference()
        channels = dict(scene.rows("SELECT order_id, count(*) FROM core.orders GROUP BY ALL"))
        assert channels[order_id(by_message)] == channels[order_id(listed_only)] == 1
        with scene.open() as sync:
            sync.refetch_days([NOON.date()])
        assert not scene.difference()  # a full pull that does not list an order deletes nothing
    pages = "SELECT DISTINCT channel FROM raw.trade_pages WHERE body::VARCHAR LIKE ?"
    assert scene.live(pages, f"%{order_id(by_message)}%") == [("message",)]
    scene.facts.append("message-only and list-only orders stored once, kept by a full pull")


UNLISTED = "SELECT subject, closed_at IS NOT NULL FROM ops.incidents WHERE kind = 'unlisted_order'"


@scenario(
    2, 4, "order in one channel only", injected="an order that no list shows, compared four times, then listed",
    expected="red twice, an incident from the third comparison on, over when a list shows it",
)  # fmt: skip
def test_an_order_that_no_list_shows_is_told_after_three_comparisons(scene: Scene) -> None:
    hidden = order_id(900)
    with scene.serve({"kind": "never_listed", "ids": [hidden]}) as sandbox:
        with scene.open() as sync:
            sync.poll_messages()
        sandbox.store.put_trade(an_order(900, NOON))
        tell(scene, 900)
        scene.until(NOON + timedelta(minutes=1))
        with scene.open() as sync:
            sync.poll_messages()
        scene.syncs()
        scene.until(NOON + timedelta(hours=1))
        with scene.open() as sync:
            sync.sync()
            for probe in (1, 2, 3):
                assert scene.rows(UNLISTED) == []
                assert sync.reconcile(NOON.date()).extra == (hidden,), probe
            assert scene.rows(UNLISTED) == [(hidden, False)]
            assert not sync.reconcile(NOON.date()).differs  # what a person has been told of is no difference
            assert not scene.difference()  # and the order stands
            ship(sandbox.store, 900, NOON + timedelta(minutes=50))  # no list tells, so each night asks
            scene.until(NOON + timedelta(hours=13))
            assert scene.difference().stale == {hidden}
            assert not sync.reconcile_night(NOON.date()).differs
            assert not scene.difference()
            assert scene.rows(UNLISTED) == [(hidden, False)]
            sandbox.store.unlisted.clear()
            scene.until(NOON + timedelta(hours=37))
            assert not sync.reconcile_night().differs
        assert scene.rows(UNLISTED) == [(hidden, True)]
        assert not scene.difference()
    scene.facts.append("told after 3 comparisons, kept and kept fresh, over when listed")


@scenario(
    2, 5, "messages lost, repeated, reversed, stale",
    injected="30 % lost, the rest five times, newest first; some tell of an older state",
    expected="newest version stands; 0 twice; one detail call an order and poll",
)  # fmt: skip
def test_messages_that_are_lost_repeated_reversed_and_stale(scene: Scene) -> None:
    with scene.serve(
        {"kind": "messages", "lost": 0.3, "copies": 5, "reversed": True, "apis": "taobao.tmc.*"}
    ) as sandbox:
        with scene.open() as sync:
            sync.poll_messages()
        numbers = range(900, 920)
        for number in numbers:
            sandbox.store.put_trade(an_order(number, NOON + timedelta(seconds=1)))
            tell(scene, number)
        scene.until(NOON + timedelta(minutes=1))
        with scene.open() as sync:
            report = sync.poll_messages()
        assert 0 < report.orders_read < 20  # some never arrived
        assert report.messages == 5 * report.orders_read
        stored = {row[0] for row in scene.rows("SELECT order_id FROM core.orders")}
        assert len(stored) == report.orders_read
        results = scene.syncs()
    assert not results[-1].difference  # what messages did not tell, the lists did
    scene.facts.append(
        f"{report.orders_read} of 20 told by message, {report.messages} messages, {report.orders_read} reads"
    )


@scenario(
    2, 5, "messages lost, repeated, reversed, stale",
    injected="a message tells of a state older than the row; a newer one is answered with an older row than the one stored",
    expected="no call for the first; the newest version stands after both",
)  # fmt: skip
def test_a_message_and_an_answer_that_are_older_than_the_row(scene: Scene) -> None:
    lagging = {"kind": "older_version", "apis": "taobao.trade.fullinfo.get", "seconds": 300}
    with scene.serve(lagging) as sandbox:
        with scene.open() as sync:
            sync.poll_messages()
        scene.syncs()
        shipped = 0  # at 12:00:30, which the windows have brought
        stored = scene.rows("SELECT status, modified_at FROM core.orders WHERE order_id = ?", order_id(shipped))
        assert stored == [("shipped", NOON + timedelta(seconds=30))]
        tell(scene, shipped, at=NOON - timedelta(minutes=5))
        with scene.open() as sync:
            assert (sync.poll_messages().orders_read, scene.plan.struck("older_version")) == (0, 0)
        tell(scene, shipped, at=sandbox.clock.now())
        with scene.open() as sync:
            assert (sync.poll_messages().orders_read, scene.plan.struck("older_version")) == (1, 1)
        query = "SELECT status, modified_at, paid_at IS NOT NULL FROM core.orders WHERE order_id = ?"
        assert scene.rows(query, order_id(shipped)) == [(*stored[0], True)]
        assert not scene.difference()


@scenario(
    2, 6, "messages down 25 hours",
    injected="the message API answers 502 for 25 hours; the platform keeps messages for 24",
    expected="windows alone give 0 missing",
)  # fmt: skip
def test_messages_that_are_down_longer_than_they_are_kept(scene: Scene) -> None:
    with scene.serve({"kind": "http_status", "apis": "taobao.tmc.*", "until": 25 * 3600}):
        first = scene.sync(since=NOON - timedelta(minutes=27))
        scene.until(NOON + timedelta(hours=25))
        last = scene.sync()
    assert first.error is last.error is None
    assert not last.difference
    scene.facts.append(f"{last.calls} calls for 25 hours of windows")


@scenario(
    2, 7, "refunds out of order", injected="refund before its order, after close, in two parts, withdrawn",
    expected="kept as it comes, joined later; newest status; never more than was paid",
)  # fmt: skip
def test_refunds_in_any_order(scene: Scene) -> None:
    def refund(number: int, order: int, line: int, status: str, fee: str, minute: int) -> None:
        at = to_wire(NOON + timedelta(minutes=minute))
        scene.sandbox.store.put_refund({
            "refund_id": str(281_000_000_000_000_000 + number), "tid": tid(order), "oid": tid(order) + 1 + line,
            "status": status, "refund_phase": "onsale", "dispute_type": "REFUND", "has_good_return": False,
            "refund_fee": fee, "num": 1, "created": to_wire(NOON), "modified": at,
        })  # fmt: skip

    late = order_id(900)  # the refund's order appears only at 12:15
    with scene.serve({"kind": "late_commit", "ids": [late], "seconds": 900}) as sandbox:
        sandbox.store.put_trade(an_order(900, NOON))
        script = scene.script
        script.at(NOON + timedelta(minutes=1), lambda: refund(1, 900, 0, "WAIT_SELLER_AGREE", "59.00", 1))
        script.at(NOON + timedelta(minutes=2), lambda: refund(2, 3, 0, "SUCCESS", "59.00", 2))
        script.at(NOON + timedelta(minutes=3), lambda: refund(3, 3, 1, "SUCCESS", "59.00", 3))
        script.at(NOON + timedelta(minutes=4), lambda: refund(4, 6, 0, "WAIT_SELLER_AGREE", "59.00", 4))
        script.at(NOON + timedelta(minutes=14), lambda: refund(4, 6, 0, "CLOSED", "59.00", 14))
        scene.syncs(excused=[late])
        orphan = scene.rows("SELECT count(*) FROM core.refunds ANTI JOIN core.orders USING (platform, shop, order_id)")
        assert orphan == [(1,)]
        with scene.open() as sync:
            scene.until(NOON + timedelta(hours=1))
            sync.sync()
            sync.reconcile(NOON.date())
        assert not scene.difference()
        expected = truth.refunds(sandbox.truth(), PLATFORM, SHOP)
    columns = tuple(next(iter(expected.values())))
    with duckdb.connect(str(scene.folder.published), read_only=True) as con:
        truth.compare(
            expected, truth.rows_of(con, "core.refunds", ("platform", "shop", "refund_id"), columns), "refunds"
        )
        over = con.execute(
            "SELECT count(*) FROM (SELECT order_id, sum(refunded_amount) AS back FROM core.refunds GROUP BY ALL)"
            " JOIN core.orders USING (order_id) WHERE back > paid_amount"
        ).fetchone()
    assert over == (0,)
    scene.facts.append("orphan kept and joined later, both parts summed, withdrawn one closed")


def test_the_living_shop_tells_by_message_what_lists_tell() -> None:
    """The scenarios above announce by hand; this holds the hand to the format of the living shop."""
    with living_sandbox(1, 50) as sandbox:
        sandbox.store.messages.topics = frozenset({CREATED})
        sandbox.clock.advance(3 * 3600)
        contents = [json.loads(message["content"]) for message in sandbox.truth()["messages"]]
    if not contents:
        pytest.fail("no message in three hours: the world is too quiet to prove anything")
    assert {"tid", "oid"} <= contents[0].keys()
