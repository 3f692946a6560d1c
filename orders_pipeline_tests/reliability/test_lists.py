"""Lists that move, lie or repeat themselves while they are paged, and rows that are late, old or poisonous (section 3.1)."""

from __future__ import annotations

from datetime import timedelta

from orders_pipeline_tests.conftest import NOON
from orders_pipeline_tests.reliability.scenario import OK, Peers, scenario
from orders_pipeline_tests.reliability.scene import INCREMENTS, Scene, SyncResult
from orders_pipeline_tests.reliability.source import BEFORE_NOON, an_order, order_id, orders_before_noon

WHOLE = "0 missing, 0 twice, 0 stale"


def assert_all_succeed(results: list[SyncResult]) -> None:
    assert [result.error for result in results] == [None, None, None]
    assert not results[-1].difference


@scenario(1, 2, "rows twice", injected="pages repeat 20 rows of other pages", expected=WHOLE, peers=OK)
def test_rows_that_stand_on_two_pages(scene: Scene) -> None:
    assert_all_succeed(scene.three_syncs({"kind": "repeated_rows", "apis": INCREMENTS}))
    assert scene.plan.struck("repeated_rows") > 4


@scenario(
    1, 9, "row leaves window, once", injected="a row changes while pages are read", expected=WHOLE,
    peers=Peers("L1", "L1", "L1", "L1", "L1", "L1"),
)  # fmt: skip
def test_a_row_that_leaves_the_window_while_it_is_paged(scene: Scene) -> None:
    fault = {"kind": "row_moves", "which": "newest", "apis": INCREMENTS, "calls": 2}
    assert_all_succeed(scene.three_syncs(fault))


@scenario(
    1, 10, "row leaves window, every call", injected="a row changes before every call", expected=WHOLE,
    peers=Peers("L2", "L2", "L2", "L2", "L2", "L2"),
)  # fmt: skip
def test_rows_that_leave_the_window_at_every_call(scene: Scene) -> None:
    # in the last call's second nothing moves, or the last sync would be behind by what it moved after its own reading
    fault = {"kind": "row_moves", "apis": INCREMENTS, "calls": "2-", "until": NOON + timedelta(minutes=15)}
    results = scene.three_syncs(fault, excused=[order_id(number) for number in range(BEFORE_NOON)])
    assert_all_succeed(results)
    assert scene.plan.struck("row_moves") > 5


@scenario(
    1, 11, "250 rows in one second",
    injected="250 orders of one second, in another order at each call",
    expected=WHOLE,
    peers=Peers("L70", "L70", "L70", "L70", "L70", "L70"),
)  # fmt: skip
def test_rows_of_one_second_in_another_order_at_each_call(scene: Scene) -> None:
    second = NOON - timedelta(minutes=20)
    orders = [an_order(n, second) if n < 250 else order for n, order in enumerate(orders_before_noon())]
    assert_all_succeed(scene.three_syncs({"kind": "unstable_ties"}, orders=orders))


@scenario(
    1, 17, "list said to end early", injected="has_next is false on page 2, and the first count is 151 short",
    expected="noticed by count, read again: " + WHOLE, peers=Peers("L151", "L151", "ok³", "ok³", "L151", "L151"),
)  # fmt: skip
def test_a_list_that_is_said_to_end_early(scene: Scene) -> None:
    faults = (
        {"kind": "has_next", "value": False, "apis": INCREMENTS, "pages": [2]},
        {"kind": "wrong_count", "off": -151, "apis": INCREMENTS, "calls": 1},
    )
    assert_all_succeed(scene.three_syncs(*faults))
    assert scene.plan.struck("wrong_count") == 1


@scenario(
    1, 18, "partial page", injected="the second answer holds 60 of its 100 rows", expected="go on: " + WHOLE,
    peers=Peers("ok", "ok", "L191", "ok", "ok", "ok"),
)  # fmt: skip
def test_a_page_that_is_short_of_rows(scene: Scene) -> None:
    assert_all_succeed(scene.three_syncs({"kind": "short_page", "rows": 60, "apis": INCREMENTS, "calls": "2"}))
    assert scene.plan.struck("short_page") == 1


@scenario(
    1, 19, "empty page", injected="the second answer is empty though more follow", expected="go on: " + WHOLE,
    peers=Peers("L251", "ok", "L251", "L251", "L251", "L251"),
)  # fmt: skip
def test_a_page_without_rows_in_the_middle_of_a_list(scene: Scene) -> None:
    assert_all_succeed(scene.three_syncs({"kind": "short_page", "apis": INCREMENTS, "calls": "2"}))
    assert scene.plan.struck("short_page") == 1


@scenario(
    1, 20, "visible 2 min late", injected="orders appear 2 minutes after their time", expected=WHOLE,
    peers=Peers("ok", "ok", "ok", "ok", "L1", "ok"),
)  # fmt: skip
def test_orders_that_appear_two_minutes_late(scene: Scene) -> None:
    late = [BEFORE_NOON + number for number in range(11)] + [900]
    with scene.serve({"kind": "late_commit", "ids": [*map(order_id, late)], "seconds": 120}) as sandbox:
        sandbox.store.put_trade(an_order(900, NOON - timedelta(seconds=90)))
        results = scene.syncs(excused=[*map(order_id, late)])
        assert {order_id(900)} <= results[0].difference.missing  # not there yet at 12:00
        assert order_id(900) not in results[1].difference.missing
        scene.until(NOON + timedelta(minutes=30))
        last = scene.sync()
    assert last.error is None
    assert not last.difference


@scenario(
    1, 21, "visible 20 min late", injected="an order appears 20 minutes after its time, behind all windows",
    expected="the nightly reconciliation finds and heals it", peers=Peers("L1", "L1", "L1", "L1", "L1", "L1"),
)  # fmt: skip
def test_an_order_that_appears_twenty_minutes_late(scene: Scene) -> None:
    late = order_id(900)
    with scene.serve({"kind": "late_commit", "ids": [late], "seconds": 1200}) as sandbox:
        sandbox.store.put_trade(an_order(900, NOON - timedelta(minutes=4)))
        results = scene.syncs(excused=[late])
        assert results[-1].difference.missing == {late}  # no window can have seen it
        heal(scene)
        assert not scene.difference()


@scenario(
    1, 22, "older version in the overlap", injected="re-read rows come back a minute older, unpaid", expected=WHOLE,
    peers=Peers("S1", "S1", "ok", "ok", "ok⁴", "S1"),
)  # fmt: skip
def test_an_older_version_after_a_newer_one(scene: Scene) -> None:
    fault = {"kind": "older_version", "apis": INCREMENTS, "since": NOON + timedelta(minutes=5)}
    recent = [order_id(number) for number in range(BEFORE_NOON - 40, BEFORE_NOON)]  # of the last three minutes
    assert_all_succeed(scene.three_syncs({**fault, "ids": recent}))


@scenario(
    1, 23, "poison row",
    injected="a row without modified, its payment an object",
    expected="quarantined, the rest stored, healed later",
    peers=Peers("ok²", "ok²", "ok⁵", "ok⁵", "ok²", "ok²"),
)  # fmt: skip
def test_a_row_that_cannot_be_stored(scene: Scene) -> None:
    poisoned = order_id(7)
    fault = {"kind": "poison_row", "ids": [poisoned], "until": NOON + timedelta(minutes=15)}
    with scene.serve(fault):
        results = scene.syncs(excused=[poisoned])
        assert results[-1].difference.missing == {poisoned}
        assert scene.rows("SELECT DISTINCT row_id FROM ops.quarantine") == [(poisoned,)]
        heal(scene)
        assert not scene.difference()


@scenario(
    1, 24, "has_next always true",
    injected="every page, the last too, says that more follow",
    expected="bounded: " + WHOLE,
    peers=Peers("H", "H", "L1", "H", "H", "H"),
)  # fmt: skip
def test_a_list_that_never_says_that_it_ends(scene: Scene) -> None:
    results = scene.three_syncs({"kind": "has_next", "value": True, "apis": INCREMENTS})
    assert_all_succeed(results)
    # one window of four pages with its recount, two of one page, three tails: nobody asks for pages beyond the count
    assert scene.plan.struck("has_next") <= 12


def heal(scene: Scene) -> None:
    """What a night does, an hour on instead: what changed since, then the reconciliation of the day."""
    scene.until(NOON + timedelta(hours=1))
    with scene.open() as sync:
        sync.sync()
        sync.reconcile(NOON.date())
    scene.facts.append("healed by reconciliation")
