"""Amounts and ids at their limits, fields and texts that nobody announced, orders that disappear (section 3.2)."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from orders_pipeline.platforms.taobao import fields
from orders_pipeline.platforms.taobao.fields import Rows
from orders_pipeline_tests.conftest import NOON
from orders_pipeline_tests.reliability.scenario import scenario
from orders_pipeline_tests.reliability.scene import INCREMENTS, Scene
from orders_pipeline_tests.reliability.source import SINCE, Wire, an_order, order_id, orders_before_noon

FIELDS = "a field is new, gone, of another type; a 10 MB order; emoji, NUL, byte order mark, gb18030"
GO_ON = "typed columns or quarantine with the reason; the run goes on"


@scenario(
    2, 8, "order disappears", injected="orders leave all lists and single reads (risk control, archive)",
    expected="kept, marked vanished by reconciliation, never deleted",
)  # fmt: skip
def test_orders_that_the_platform_no_longer_lists(scene: Scene) -> None:
    gone = [order_id(number) for number in (5, 50)]
    with scene.serve({"kind": "vanished", "ids": gone, "seconds": 3600}):
        scene.syncs()
        scene.until(NOON + timedelta(hours=1))
        with scene.open() as sync:
            sync.sync()
            sync.refetch_days([NOON.date()])
            assert not scene.difference()  # a full pull without them takes nothing away
            sync.reconcile(NOON.date())
        marked = scene.rows("SELECT order_id FROM core.orders WHERE vanished_at IS NOT NULL ORDER BY 1")
    assert marked == [(one,) for one in gone]
    assert not scene.difference()
    scene.facts.append("2 vanished orders kept and marked")


@scenario(
    2, 15, "amounts and ids",
    injected='"0.10" + "0.20", 1234567890.12, "1e3", "", null, negative; ids of 19 digits as JSON numbers',
    expected="exact to the cent or quarantined; ids exact",
)  # fmt: skip
def test_amounts_and_ids_at_their_limits(scene: Scene) -> None:
    orders = orders_before_noon()
    exact: dict[int, tuple[Any, Decimal]] = {
        0: ("0.10", Decimal("0.10")),
        1: ("0.20", Decimal("0.20")),
        2: ("1234567890.12", Decimal("1234567890.12")),
        3: (1234567890.12, Decimal("1234567890.12")),
        4: ("-5.00", Decimal("-5.00")),
    }
    unreadable = {10: "1e3", 11: "", 12: None, 13: "0.125", 14: "十元"}
    for number, (amount, _) in exact.items():
        orders[number]["payment"] = amount
    for number, amount in unreadable.items():
        orders[number]["payment"] = amount
    with scene.serve(orders=orders), scene.open() as sync:
        sync.sync(since=SINCE)
    stored = dict(scene.rows("SELECT order_id, payable_amount FROM core.orders"))
    assert {number: stored[order_id(number)] for number in exact} == {n: amount for n, (_, amount) in exact.items()}
    assert stored[order_id(0)] + stored[order_id(1)] == Decimal("0.30")
    set_aside = scene.rows("SELECT DISTINCT row_id FROM ops.quarantine ORDER BY row_id")
    assert set_aside == sorted((order_id(number),) for number in unreadable)
    assert not {order_id(number) for number in unreadable} & stored.keys()
    assert len(stored) == len(orders) - len(unreadable)
    scene.facts.append("5 amounts exact, 5 unreadable ones quarantined by id, 346 other orders stored")


@scenario(2, 16, "fields and texts", injected=FIELDS, expected=GO_ON)
def test_fields_that_are_new_and_gone(scene: Scene) -> None:
    faults = (
        {"kind": "new_field", "name": "carbon_points", "value": {"deep": [1, 2]}, "apis": INCREMENTS},
        {"kind": "removed_field", "name": "receiver_city", "apis": INCREMENTS},
    )
    orders = [
        {name: value for name, value in order.items() if name != "receiver_city"} for order in orders_before_noon()
    ]
    with scene.serve(*faults, orders=orders):
        result = scene.sync(since=SINCE)
    assert result.error is None
    assert not result.difference


@scenario(2, 16, "fields and texts", injected=FIELDS, expected=GO_ON)
def test_a_field_whose_type_changes(scene: Scene) -> None:
    faults = (
        {"kind": "changed_type", "name": "payment", "to": "number", "apis": INCREMENTS},  # harmless
        {"kind": "changed_type", "name": "tid", "to": "text", "apis": INCREMENTS},  # harmless
        {"kind": "changed_type", "name": "total_fee", "to": "list", "rows": 1, "calls": "1", "apis": INCREMENTS},
    )
    with scene.serve(*faults):
        result = scene.sync(since=SINCE)
    assert result.error is None
    set_aside = {row[0] for row in scene.rows("SELECT DISTINCT row_id FROM ops.quarantine")}
    assert len(set_aside) == 1
    assert result.difference.missing == set_aside
    assert not result.difference.without(set_aside)


@scenario(2, 16, "fields and texts", injected=FIELDS, expected=GO_ON)
@pytest.mark.parametrize(
    ("fault", "orders"),
    [
        pytest.param({"kind": "odd_text", "rows": 1, "pages": [1], "megabytes": 10}, 20, id="an order of 10 MB"),
        pytest.param({"kind": "odd_text"}, 120, id="emoji, NUL and byte order mark"),
        pytest.param({"kind": "byte_order_mark", "calls": 1}, 20, id="a byte order mark before the body"),
        pytest.param({"kind": "foreign_encoding", "calls": 1}, 20, id="gb18030"),
    ],
)
def test_monstrous_and_odd_texts(scene: Scene, fault: dict[str, Any], orders: int) -> None:
    shop: list[Wire] = orders_before_noon(orders)
    with scene.serve({"apis": INCREMENTS, **fault}, orders=shop):
        result = scene.sync(since=SINCE)
        assert scene.plan.struck(fault["kind"]) >= 1
    assert result.error is None
    assert not result.difference.missing  # a title is text whatever it says: it never keeps an order out
    assert scene.rows("SELECT count(*) FROM core.orders") == [(orders,)]


ODD_TEXTS = (
    "🧧👨‍👩‍👧🇨🇳𠮷𐍈",  # four bytes each in UTF-8, joined and not
    "שלום مرحبا \u202eevil\u202c \u2066x\u2069",  # right to left, overrides
    "".join(map(chr, range(0x20))) + "\x7f\x80\x9f\u2028\u2029\ufeff",  # control characters, NUL first
    'quote " backslash \\ slash / both \\" \\\\" end \\',
    '\\u0000 \\n \\ud83d {"a": [1]} %s ${x} \'; DROP TABLE core.orders; --',  # escapes that are text
    "é e\u0301 ﬁ Å \u212b ① ㎏ Ａ",  # what a normalisation would change
    "  leading, trailing and 　ideographic space \t\r\n",
    "长" * 100_000,
    "",
)


@scenario(2, 16, "fields and texts", injected=FIELDS, expected=GO_ON + "; raw holds every allowed field as it was sent")
def test_raw_holds_every_allowed_field_as_it_was_sent(scene: Scene) -> None:
    chance = random.Random(16)
    everything = [*range(0xD800), *range(0xE000, 0x110000)]  # all of Unicode; a lone surrogate is no character
    texts = [*ODD_TEXTS, *("".join(map(chr, chance.choices(everything, k=40))) for _ in range(150))]
    orders = orders_before_noon(len(texts))
    for order, text in zip(orders, texts, strict=True):
        order["seller_memo"] = text  # never stored
        for name in ("receiver_state", "receiver_city", "receiver_district"):
            order[name] = text[:50]
        for line in order["orders"]:
            odd = ("title", "sku_properties_name", "outer_iid", "outer_sku_id", "logistics_company", "invoice_no")
            line.update(dict.fromkeys(odd, text))
    with scene.serve(orders=orders):
        result = scene.sync(since=SINCE)
        sent = {trade["tid"]: trade for trade in scene.sandbox.truth()["trades"]}
    assert result.error is None
    pages = scene.live("SELECT body::VARCHAR FROM raw.trade_pages")
    landed = [trade for (body,) in pages for trade in json.loads(body)["trades"]["trade"]]
    assert {trade["tid"] for trade in landed} == sent.keys()
    for trade in landed:
        assert trade == as_allowed(sent[trade["tid"]], fields.TRADE), trade["tid"]
    # the tables hold the same texts, save that codes and places lose blanks around them
    trimmed = [order_id(number) for number, text in enumerate(texts) if text[:50].strip(" ") != text[:50]]
    assert not result.difference.without(trimmed)
    titles = dict(scene.rows("SELECT order_id, any_value(title) FROM core.order_lines GROUP BY ALL"))
    assert titles == {order_id(number): text for number, text in enumerate(texts)}
    assert scene.rows("SELECT count(*) FROM ops.quarantine") == [(0,)]
    scene.facts.append(f"{len(texts)} texts from all of Unicode equal in raw and in the tables")


def as_allowed(row: Wire, allowed: Mapping[str, Any]) -> Wire:
    """A row of the store as it travels, less what may not be kept."""
    kept = {name: row[name] for name in allowed if name in row}
    for name, kind in allowed.items():
        if isinstance(kind, Rows) and name in kept:
            kept[name] = {kind.element: [as_allowed(inner, kind.row) for inner in kept[name]]}
    return kept


@scenario(
    2, 17, "nightly count",
    injected="an order more there, one more here, equal counts of different orders, an old version",
    expected="each kind named; healed; rows gone from the platform marked",
)  # fmt: skip
def test_a_day_that_differs_though_its_counts_agree(scene: Scene) -> None:
    lost, old, foreign = order_id(3), order_id(5), "4999999999999999999"
    with scene.serve():
        scene.syncs()
        scene.until(NOON + timedelta(hours=1))
        with scene.open() as sync:
            sync.sync()
        scene.change(
            f"INSERT INTO core.orders BY NAME SELECT * REPLACE ('{foreign}' AS order_id) FROM core.orders"
            f" WHERE order_id = '{lost}'",
            f"DELETE FROM core.orders WHERE order_id = '{lost}'",
            f"DELETE FROM core.order_lines WHERE order_id = '{lost}'",
            "UPDATE core.orders SET modified_at = modified_at - INTERVAL 1 HOUR, status = 'unpaid'"
            f" WHERE order_id = '{old}'",
        )
        assert scene.rows("SELECT count(*) FROM core.orders") == [(362,)]  # as many as the platform has
        with scene.open() as sync:
            sync.reconcile(NOON.date())
        counts = scene.rows("SELECT max(missing), max(extra), max(stale) FROM ops.reconciliations")
        left = scene.difference()
    assert counts == [(1, 1, 1)]
    assert left.foreign == {foreign}
    assert not left.without([foreign])
    assert scene.rows("SELECT order_id FROM core.orders WHERE vanished_at IS NOT NULL") == [(foreign,)]
    scene.facts.append("counts equal at 362; missing, extra and stale told apart and healed")


def test_an_order_made_for_the_suite_passes_the_money_identity() -> None:
    """The hand-made orders must be as consistent as the platform's, or the checks above would prove nothing."""
    for number in range(6):
        order = an_order(number, NOON)
        lines = sum(Decimal(line["total_fee"]) for line in order["orders"])
        assert Decimal(order["total_fee"]) == lines == Decimal(order["payment"])
