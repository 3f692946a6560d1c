"""Parcels come from lines, logistics orders and traces, in whatever order these arrive."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.warehouse.conftest import Query, SteppedClock, snapshot
from orders_pipeline_tests.warehouse.wire import NOON, RawZone, line, trade, trades

SHIPPED = "2026-01-15 10:00:00"
SHIPPED_AT = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)


def sent(oid: int, number: str | None, **changes: Any) -> dict[str, Any]:
    return line(oid, invoice_no=number, logistics_company="顺丰速运", consign_time=SHIPPED, **changes)


def shipments(*rows: dict[str, Any]) -> str:
    return json.dumps({"shippings": {"shipping": list(rows)}, "total_results": len(rows)})


def shipping(tid: int, number: str, *lines: int, **changes: Any) -> dict[str, Any]:
    split = {"sub_tids": {"number": list(lines)}, "is_split": 1} if lines else {"is_split": 0}
    times = {"created": "2026-01-15 10:01:00", "modified": "2026-01-15 10:01:00"}
    return {"tid": tid, "out_sid": number, "company_name": "顺丰速运", "status": "ACCEPTED"} | times | split | changes


def trace(tid: int, number: str, *steps: tuple[str, str]) -> str:
    rows = [{"status_time": time, "action": action} for time, action in steps]
    return json.dumps({"tid": tid, "out_sid": number, "trace_list": {"transit_step_info": rows}})


def test_each_number_of_the_lines_is_a_parcel(warehouse: Warehouse, raw: RawZone, query: Query) -> None:
    order = trade(100, orders={"order": [sent(1, "SF1"), sent(2, "SF1"), sent(3, "SF2"), line(4)]})
    warehouse.apply([raw.land(trades(order), rows=[1])], holder="test")
    one, two = query("FROM core.parcels ORDER BY tracking_number")
    assert one == {
        "platform": "taobao",
        "shop": "tea",
        "order_id": "100",
        "tracking_number": "SF1",
        "carrier": "顺丰速运",
        "shipped_at": SHIPPED_AT,
        "last_trace_at": None,
        "last_trace_action": None,
        "signed_at": None,
        "stalled_since": None,
        "trace_state": "not_fetched",
    }
    assert two["tracking_number"] == "SF2"
    assert [
        (row["tracking_number"], row["line_id"], row["quantity"])
        for row in query("FROM core.parcel_lines ORDER BY ALL")
    ] == [
        ("SF1", "1", 2),
        ("SF1", "2", 2),
        ("SF2", "3", 2),
    ]


def test_a_trace_survives_later_versions_of_its_order(
    warehouse: Warehouse, raw: RawZone, query: Query, clock: SteppedClock
) -> None:
    order = {"orders": {"order": [sent(1, "SF1")]}}
    warehouse.apply([raw.land(trades(trade(100, **order)), rows=[1])], holder="test")
    steps = [("2026-01-15 11:00:00", "GOT"), ("2026-01-15 12:00:00", "DEPARTURE"), ("2026-01-15 11:30:00", "SENT_SCAN")]
    api = "taobao.logistics.trace.search"
    warehouse.apply([raw.land(trace(100, "SF1", *steps), api=api, rows=[1])], holder="test")
    warehouse.apply([raw.land(trades(trade(100, "2026-01-16 10:00:00", **order)), rows=[1])], holder="test")
    (parcel,) = query("FROM core.parcels")
    assert (parcel["trace_state"], parcel["last_trace_action"]) == ("fetched", "DEPARTURE")
    assert parcel["last_trace_at"] == datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
    assert (parcel["signed_at"], parcel["stalled_since"]) == (None, None)

    clock.advance(hours=72)  # the clock stands at 12:30 in Shanghai, the last step was at 12:00
    warehouse.apply([raw.land(trades(), rows=[0])], holder="test")
    assert query("SELECT stalled_since FROM core.parcels") == [{"stalled_since": parcel["last_trace_at"]}]

    signed = trace(100, "SF1", *steps, ("2026-01-18 12:10:00", "SIGNED"))
    later = NOON + timedelta(days=3)
    warehouse.apply([raw.land(signed, api=api, rows=[1], fetched_at=later)], holder="test")
    (parcel,) = query("FROM core.parcels")
    assert (parcel["last_trace_action"], parcel["stalled_since"]) == ("SIGNED", None)
    assert parcel["signed_at"] == datetime(2026, 1, 18, 4, 10, tzinfo=UTC)


def test_a_parcel_that_nobody_tracks(warehouse: Warehouse, raw: RawZone, query: Query) -> None:
    body = json.dumps({"tid": 100, "out_sid": "X1", "company_name": "自送"})
    warehouse.apply([raw.land(body, api="taobao.logistics.trace.search", rows=[1])], holder="test")
    assert query("SELECT trace_state, carrier FROM core.parcels") == [{"trace_state": "not_tracked", "carrier": "自送"}]


def test_shipments_name_lines_or_hold_the_whole_order(warehouse: Warehouse, raw: RawZone, query: Query) -> None:
    split = trade(100, orders={"order": [sent(1, None), sent(2, None), sent(3, None)]})
    whole = trade(200, orders={"order": [sent(21, None), line(22)]})
    body = shipments(
        shipping(100, "SF1", 1, 2),
        shipping(100, "SF2", 2, 3),
        shipping(200, "SF3"),
        shipping(200, "SF9", status="CANCELLED"),
        shipping(200, ""),
    )
    warehouse.apply(
        [raw.land(body, api="taobao.logistics.orders.get", rows=[5]), raw.land(trades(split, whole), rows=[2])],
        holder="test",
    )
    lines = [
        (row["tracking_number"], row["line_id"], row["quantity"])
        for row in query("FROM core.parcel_lines ORDER BY ALL")
    ]
    # line 2 is in two parcels and nobody says how many units are in which
    assert lines == [("SF1", "1", 2), ("SF1", "2", None), ("SF2", "2", None), ("SF2", "3", 2), ("SF3", "21", 2)]
    assert [row["tracking_number"] for row in query("FROM core.parcels ORDER BY ALL")] == ["SF1", "SF2", "SF3"]


def test_the_order_of_arrival_does_not_matter(warehouse: Warehouse, raw: RawZone) -> None:
    def files(shop: str) -> list[Path]:
        order = trade(100, orders={"order": [sent(1, "SF1"), sent(2, None)]})
        empty = json.dumps({"tid": 100, "out_sid": "SF1"})
        return [
            raw.land(trades(order), rows=[1], shop=shop),
            raw.land(shipments(shipping(100, "SF2", 2)), api="taobao.logistics.orders.get", rows=[1], shop=shop),
            raw.land(
                trace(100, "SF1", ("2026-01-15 11:00:00", "GOT")),
                api="taobao.logistics.trace.search",
                rows=[1],
                shop=shop,
            ),
            raw.land(
                empty, api="taobao.logistics.trace.search", rows=[1], shop=shop, fetched_at=NOON + timedelta(hours=1)
            ),
        ]

    for number, arrival in enumerate(list(itertools.permutations(range(4)))[::3]):
        landed = files(f"s{number:02}")
        for position in arrival:
            warehouse.apply([landed[position]], holder="test")
    warehouse.flush()
    with warehouse.read() as con:
        for table, rows in snapshot(con).items():
            if table in ("core.parcels", "core.parcel_lines", "core.traces", "core.shipments"):
                by_shop: dict[str, list[Any]] = {}
                for row in rows:
                    by_shop.setdefault(row.pop("shop"), []).append(row)
                assert len(by_shop) == 8
                assert all(mine == by_shop["s00"] for mine in by_shop.values()), table


def item(num_iid: int = 7, *skus: dict[str, Any], **changes: Any) -> dict[str, Any]:
    base = {
        "num_iid": num_iid,
        "title": "短袖T恤",
        "cid": 50000436,
        "outer_id": "TEE",
        "num": 120,
        "price": "59.00",
        "approve_status": "onsale",
        "modified": "2026-01-14 09:00:00",
    }
    return base | ({"skus": {"sku": list(skus)}} if skus else {}) | changes


def sku(sku_id: int, quantity: int, **changes: Any) -> dict[str, Any]:
    base = {
        "sku_id": sku_id,
        "outer_id": f"TEE-{sku_id}",
        "quantity": quantity,
        "price": "59.90",
        "status": "normal",
        "with_hold_quantity": 3,
        "properties": "1627207:28326",
        "properties_name": "1627207:28326:颜色:红色;20509:28314:尺码:M",
        "modified": "2026-01-14 09:00:00",
    }
    return base | changes


def items(*rows: Any) -> str:
    return json.dumps({"items": {"item": list(rows)}})


ITEMS = "taobao.items.seller.list.get"


def test_items_become_skus_and_stock(warehouse: Warehouse, raw: RawZone, query: Query) -> None:
    body = items(
        item(7, sku(71, 5), sku(72, 6, outer_id="")), item(8, outer_id="MUG"), item(9, sku(91, 1) | {"quantity": "?"})
    )
    assert warehouse.apply([raw.land(body, api=ITEMS, rows=[3])], holder="test").quarantined == 1
    found = query(
        "SELECT product_id, sku_id, merchant_sku, on_hand, withheld, price::VARCHAR AS price FROM core.stock ORDER BY ALL"
    )
    assert [tuple(row.values()) for row in found] == [
        ("7", "71", "TEE-71", 5, 3, "59.90"),
        ("7", "72", "TEE", 6, 3, "59.90"),
        ("8", "", "MUG", 120, 0, "59.00"),
    ]
    first = query(
        "SELECT title, properties, category, status, source_status, modified_at FROM core.skus ORDER BY sku_id DESC"
    )[1]
    assert first == {
        "title": "短袖T恤",
        "properties": "颜色:红色;尺码:M",
        "category": "50000436",
        "status": "on_sale",
        "source_status": "onsale/normal",
        "modified_at": datetime(2026, 1, 14, 1, 0, tzinfo=UTC),
    }


def test_the_newest_page_of_an_item_decides_in_every_order_of_arrival(
    warehouse: Warehouse, raw: RawZone, query: Query
) -> None:
    pages = [items(item(7, sku(71, 5), sku(72, 6))), items(item(7, sku(71, 4), sku(72, 6))), items(item(7, sku(71, 3)))]
    for number, arrival in enumerate(itertools.permutations(range(3))):
        for position in (*arrival, arrival[0]):
            fetched = NOON + timedelta(hours=position)
            file = raw.land(pages[position], api=ITEMS, rows=[1], shop=f"s{number}", fetched_at=fetched)
            warehouse.apply([file], holder="test")
    stock = query("SELECT sku_id, on_hand, count(*) AS shops FROM core.stock GROUP BY ALL")
    assert stock == [{"sku_id": "71", "on_hand": 3, "shops": 6}]
    skus = query("SELECT sku_id, status, synced_at, count(*) AS shops FROM core.skus GROUP BY ALL ORDER BY ALL")
    assert skus == [
        {"sku_id": "71", "status": "on_sale", "synced_at": NOON + timedelta(hours=2), "shops": 6},
        {"sku_id": "72", "status": "deleted", "synced_at": NOON + timedelta(hours=1), "shops": 6},
    ]
    assert query("SELECT count(*) AS n FROM core.stock_snapshots") == [{"n": 6 * 5}]
