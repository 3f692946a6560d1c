"""What a night may conclude, and what it says: short reads, deaths half-way, the sample behind equal counts, reasons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from orders_pipeline.platforms.base import FeedName, PlatformError
from orders_pipeline.platforms.taobao.feeds import FEEDS
from orders_pipeline.quality import SHOP_RULES, differences, evaluate
from orders_pipeline.settings import UserError
from orders_pipeline.sync.paging import WindowRead
from orders_pipeline.sync.reconciling import nightly, reasons
from orders_pipeline.sync.reconciling.sampling import sampled_day
from orders_pipeline.sync.reconciling.tables import Row
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.conftest import NOON
from orders_pipeline_tests.sync.reconciling.conftest import YESTERDAY, ReadShop, read_shop

DAYS = 11
TODAY = YESTERDAY + timedelta(days=1)
SHORT = [rule for rule in SHOP_RULES if rule.name == "windows_read_whole"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, module_environment: None) -> Iterator[ReadShop]:
    """A young shop for the whole module: every test leaves it healed."""
    with read_shop(tmp_path_factory.mktemp("young"), days=DAYS, orders_per_day=40, backfill_days=DAYS + 1) as loaded:
        yield loaded


def lost_order(shop: ReadShop, day: object = YESTERDAY) -> str:
    ((order_id,), *_) = shop.query(f"SELECT order_id FROM core.orders WHERE created_on = '{day}' ORDER BY 1")
    shop.damage(*(f"DELETE FROM core.{table} WHERE order_id = '{order_id}'" for table in ("orders", "order_lines")))
    return str(order_id)


def open_differences(shop: ReadShop) -> list[str]:
    with Warehouse(shop.folder).read() as con:
        return [str(one) for one in differences(con, TODAY)]


def test_a_night_that_dies_before_it_heals_stays_red(shop: ReadShop, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = lost_order(shop)

    def die(*_: object, **__: object) -> None:
        raise PlatformError("the gateway is gone")

    with monkeypatch.context() as patch:
        patch.setattr(nightly, "mend", die)
        with pytest.raises(PlatformError):
            shop.night()
    assert open_differences(shop)
    assert [finding.row_id for finding in shop.night().findings] == [lost]
    assert open_differences(shop) == []


def test_where_counts_agree_the_sample_sees_one_lost_and_one_too_many(shop: ReadShop) -> None:
    day = sampled_day(YESTERDAY, (NOON - timedelta(days=DAYS - 1)).date())
    lost = lost_order(shop, day)
    ((twin,), *_) = shop.query(f"SELECT order_id FROM core.orders WHERE created_on = '{day}' ORDER BY 1 DESC")
    shop.damage(
        "INSERT INTO core.orders BY NAME SELECT * REPLACE ('554433' AS order_id, 0 AS line_count) "
        f"FROM core.orders WHERE order_id = '{twin}'",
        # neither changed yesterday: no hour shows it
        "UPDATE core.orders SET modified_at = created_at - INTERVAL 9 DAY WHERE order_id = '554433'",
    )
    report = shop.night()
    kinds = {(finding.kind, finding.row_id) for finding in report.findings}
    assert kinds >= {("missing", lost), ("extra", "554433")}
    assert report.calls.sampling >= 3  # the day, the day of refunds, one id
    assert not report.differs
    shop.must_equal_the_platform()


def test_a_short_read_marks_nothing_and_is_red(shop: ReadShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform counts all and shows only some: what stands in no page is not gone for that."""
    with monkeypatch.context() as patch:
        patch.setattr(WindowRead, "complete", property(lambda _: False, lambda *_: None), raising=False)
        patch.setattr(WindowRead, "shortfall", property(lambda _: 3))
        lost_order(shop)
        shop.damage(
            "INSERT INTO core.orders BY NAME SELECT * REPLACE ('665544' AS order_id, 0 AS line_count) "
            f"FROM core.orders WHERE created_on = '{YESTERDAY}' LIMIT 1"
        )
        with shop.sync() as sync:
            report = sync.reconcile(YESTERDAY)
    assert report.extra == ("665544",)
    assert report.short == 3
    assert report.differs
    assert not [call for call in shop.asked if call.get("tid") == "665544"]
    with Warehouse(shop.folder).read() as con:
        seen = con.execute("SELECT count(*), count(vanished_at) FROM core.orders WHERE order_id = '665544'").fetchone()
        assert seen == (1, 0)
        assert [evaluate(con, rule, "tea_tmall").passed for rule in SHORT] == [False, True]
    report = shop.night()  # reads the short window again, whole
    assert not report.differs
    with Warehouse(shop.folder).read() as con:
        assert [evaluate(con, rule, "tea_tmall").passed for rule in SHORT] == [True, True]


def test_a_day_that_is_not_over_is_refused(shop: ReadShop) -> None:
    with shop.sync() as sync, pytest.raises(UserError, match="not over yet"):
        sync.reconcile_night(TODAY)


def test_what_was_never_asked_for_is_not_counted(shop: ReadShop) -> None:
    """A shop of eleven days: two weeks of orders, and every hour since its first windows."""
    assert shop.night().calls.counting == 24 + 24 + 2


VERSION = datetime(2026, 1, 14, 2, tzinfo=UTC)
ROW = Row(VERSION - timedelta(days=1), VERSION, "fixed")


def ledger(*windows: tuple[int, int, int, int]) -> reasons.Ledger:
    """(minutes from, to, read at, shortfall), from VERSION."""
    modified, created = FEEDS[FeedName.ORDERS_BY_MODIFIED], FEEDS[FeedName.ORDERS_BY_CREATED]
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA ops")
        con.execute(
            "CREATE TABLE ops.sync_windows (shop VARCHAR, api VARCHAR, window_start TIMESTAMPTZ, window_end TIMESTAMPTZ,"
            " fetched_at TIMESTAMPTZ, shortfall BIGINT)"
        )
        for start, end, at, short in windows:
            instants = [VERSION + timedelta(minutes=minutes) for minutes in (start, end, at)]
            con.execute("INSERT INTO ops.sync_windows VALUES ('tea', ?, ?, ?, ?, ?)", [modified.api, *instants, short])
        return reasons.Ledger(con, "tea", modified, created)


def test_each_reason_names_its_evidence() -> None:
    late = ledger((-10, 10, 13, 0))
    assert late.why(VERSION, ROW, None) == (
        "changed at 01-14 10:00:00, and the window over it was read at 01-14 10:13:00 without it: "
        "it was committed late, or was lost here since"
    )
    assert ledger((5, 10, 13, 0)).why(VERSION, ROW, None) == "no window had been read over its change at 01-14 10:00:00"
    assert ledger((-10, 10, 13, 4)).why(VERSION, ROW, None) == "the window read at 01-14 10:13:00 was 4 rows short"
    assert late.why(VERSION, None, "no status") == "set aside as unreadable: no status"
    assert late.why(VERSION, Row(VERSION, VERSION, "other"), None) == "its type other is in no list"
    assert late.why(None, None, None) == "it carries no date"
