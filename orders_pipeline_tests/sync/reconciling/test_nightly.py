"""A night finds what was lost by counting, reads again no more than that, and says why it was lost."""

from __future__ import annotations

from orders_pipeline_tests.sync.reconciling.conftest import YESTERDAY, ReadShop

CREATED_LONG_AGO = "created_on BETWEEN '2025-11-01' AND '2026-01-05'"
CHANGED_YESTERDAY = f"modified_at BETWEEN '{YESTERDAY} 00:00:00+08' AND '{YESTERDAY} 23:59:59+08'"


def pick(shop: ReadShop, table: str, key: str, where: str, nth: int = 0) -> str:
    rows = shop.query(f"SELECT {key} FROM {table} WHERE {where} AND vanished_at IS NULL ORDER BY 1")
    return str(rows[nth % len(rows)][0])


def lose_order(order_id: str) -> tuple[str, ...]:
    return (
        f"DELETE FROM core.orders WHERE order_id = '{order_id}'",
        f"DELETE FROM core.order_lines WHERE order_id = '{order_id}'",
    )


def test_sixty_one_calls_when_nothing_differs(shop: ReadShop) -> None:
    report = shop.night()
    assert (report.differs, report.findings, report.healed) == (False, (), 0)
    assert (report.calls.counting, report.calls.bisecting, report.calls.refetching) == (61, 0, 0)
    assert shop.counts_asked() == 13  # the weeks; an hour that fits a page is read in place of its count
    assert all(call["fields"] in ("tid", "refund_id") for call in shop.asked if call.get("page_size") == "1")
    assert report.platform_count == report.local_count > 1_000
    shop.must_equal_the_platform()


def test_an_order_lost_long_ago_is_found_by_its_week(shop: ReadShop) -> None:
    lost = pick(shop, "core.orders", "order_id", CREATED_LONG_AGO, 40)
    shop.damage(*lose_order(lost))
    report = shop.night()
    (finding,) = report.findings
    assert (finding.kind, finding.row_id) == ("missing", lost)
    assert "it was committed late, or was lost here since" in finding.why
    assert finding.came_back.startswith("read again with its window")
    assert not report.differs
    assert report.calls.counting == 61
    assert report.calls.bisecting <= 7
    assert shop.counts_asked() == 13 + report.calls.bisecting
    shop.must_equal_the_platform()


def test_a_refund_lost_yesterday_is_found_by_its_hour(shop: ReadShop) -> None:
    lost = pick(shop, "core.refunds", "refund_id", CHANGED_YESTERDAY)
    shop.damage(f"DELETE FROM core.refunds WHERE refund_id = '{lost}'")
    report = shop.night()
    assert [(f.kind, f.what, f.row_id) for f in report.findings] == [("missing", "refund", lost)]
    assert report.calls.bisecting <= 7
    shop.must_equal_the_platform()


def test_an_old_version_is_called_stale_not_missing(shop: ReadShop) -> None:
    old = pick(shop, "core.orders", "order_id", CHANGED_YESTERDAY, 3)
    shop.damage(
        f"UPDATE core.orders SET modified_at = created_at - INTERVAL 3 HOUR, status = 'unpaid' WHERE order_id = '{old}'"
    )
    report = shop.night()
    assert [(f.kind, f.row_id) for f in report.findings] == [("stale", old)]
    assert not report.differs
    shop.must_equal_the_platform()


def test_a_version_of_an_hour_before_differs_twice_and_is_told_once(shop: ReadShop) -> None:
    old = pick(shop, "core.orders", "order_id", f"{CHANGED_YESTERDAY} AND hour(modified_at) BETWEEN 6 AND 14", 5)
    shop.damage(f"UPDATE core.orders SET modified_at = modified_at - INTERVAL 2 HOUR WHERE order_id = '{old}'")
    report = shop.night()
    assert [(f.kind, f.row_id) for f in report.findings] == [("stale", old)]
    assert report.calls.bisecting <= 14
    shop.must_equal_the_platform()


def test_an_order_that_the_platform_does_not_know_is_kept_and_marked(shop: ReadShop) -> None:
    twin = pick(shop, "core.orders", "order_id", CREATED_LONG_AGO, 90)
    shop.damage(
        "INSERT INTO core.orders BY NAME SELECT * REPLACE ('998877' AS order_id, 0 AS line_count) "
        f"FROM core.orders WHERE order_id = '{twin}'"
    )
    report = shop.night()
    (finding,) = report.findings
    assert (finding.kind, finding.row_id, finding.came_back) == ("extra", "998877", "kept and marked vanished")
    assert shop.query("SELECT vanished_at IS NOT NULL FROM core.orders WHERE order_id = '998877'") == [(True,)]
    assert not shop.night().findings
    shop.must_equal_the_platform()


def test_a_refund_that_the_platform_does_not_know_is_kept_and_marked(shop: ReadShop) -> None:
    twin = pick(shop, "core.refunds", "refund_id", CHANGED_YESTERDAY)
    shop.damage(
        "INSERT INTO core.refunds BY NAME SELECT * REPLACE ('776655' AS refund_id) "
        f"FROM core.refunds WHERE refund_id = '{twin}'"
    )
    report = shop.night()
    assert [(f.kind, f.row_id, f.came_back) for f in report.findings] == [
        ("extra", "776655", "kept and marked vanished")
    ]
    assert shop.query("SELECT vanished_at IS NOT NULL FROM core.refunds WHERE refund_id = '776655'") == [(True,)]
    shop.must_equal_the_platform()


def test_without_healing_everything_is_named_and_nothing_changes(shop: ReadShop) -> None:
    lost = pick(shop, "core.orders", "order_id", CREATED_LONG_AGO, 7)
    shop.damage(*lose_order(lost))
    report = shop.night(heal=False)
    assert report.missing == (lost,)
    assert [f.came_back for f in report.findings] == [""]
    assert shop.query(f"SELECT count(*) FROM core.orders WHERE order_id = '{lost}'") == [(0,)]
    assert shop.night().healed == 1
    shop.must_equal_the_platform()


def test_rows_are_recorded_for_every_window(shop: ReadShop) -> None:
    shop.night()
    rows = shop.query(
        "SELECT api, axis, method, count(*), sum(missing + extra + stale) FROM ops.reconciliations "
        "WHERE method = 'count' AND checked_at = (SELECT max(checked_at) FROM ops.reconciliations WHERE method = 'count') "
        "GROUP BY ALL ORDER BY ALL"
    )
    assert [row[:4] for row in rows] == [
        ("taobao.refunds.receive.get", "modified", "count", 24),
        ("taobao.trades.sold.get", "created", "count", 13),
        ("taobao.trades.sold.increment.get", "modified", "count", 24),
    ]
