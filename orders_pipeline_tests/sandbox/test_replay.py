"""Every row of a replayed table is a sale, a refund or listed with its reason; the parts add up to the file exactly."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sandbox import replay as module
from orders_pipeline.sandbox.replay import replay
from orders_pipeline.sandbox.store import Store
from orders_pipeline.settings import UserError

REAL = Path(__file__).parents[3] / "shared" / "data" / "online_retail_ii.parquet"
NOW = datetime(2026, 6, 10, 15, 0, tzinfo=SHOP_TZ)

ROWS = [
    # invoice, code, quantity, day, price, customer
    ("1001", "A", 5, 1, 1.25, 7),
    ("1001", "A", 5, 1, 1.25, 7),  # an exact duplicate is a line of its own
    ("1001", "B", 1, 1, 6.95, 7),
    ("1002", "A", 4, 2, 1.25, 7),
    ("1003", "A", 9, 2, 1.25, 8),
    ("C1004", "A", -6, 3, 1.25, 7),  # 4 of invoice 1002, 2 of the second line of 1001
    ("C1005", "A", -8, 4, 1.25, 7),  # the 8 that are left
    ("C1006", "A", -1, 5, 1.25, 7),  # nothing left
    ("C1007", "B", -1, 5, 5.95, 7),  # another price
    ("C1008", "B", -1, 5, 6.95, 8),  # another customer
    ("C1009", "A", -1, 5, 1.25, None),
    ("C1010", "A", 1, 5, 1.25, 8),
    ("1011", "A", -3, 6, 0.0, None),
    ("1012", "A", 3, 6, 0.0, 7),
    ("1013", "PADS", 3, 6, 0.001, 7),
    ("1014", "A", 1, 6, -5.0, 7),
    ("A1015", "B", 1, 6, -11062.06, None),
    ("1016", "A", 2, 6, 1.25, None),
    ("1017", "A", 0, 7, 1.25, 7),
]


def write(path: Path, rows) -> Path:
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE t (invoice VARCHAR, stock_code VARCHAR, description VARCHAR, quantity INTEGER, "
            "invoice_ts TIMESTAMP, unit_price DOUBLE, customer_id INTEGER, country VARCHAR, sheet TINYINT)"
        )
        con.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, 'United Kingdom', 1)",
            [(i, c, f"GOODS {c} ", q, datetime(2011, 12, day, 9, 30), p, k) for i, c, q, day, p, k in rows],  # noqa: DTZ001
        )
        con.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return path


@pytest.fixture
def table(tmp_path) -> Path:
    return write(tmp_path / "table.parquet", ROWS)


def in_store(store: Store) -> tuple[int, Decimal, int, Decimal]:
    lines = [line for trade in store.trades.values() for line in trade["orders"]]
    sold = sum((line["num"] * Decimal(line["price"]) for line in lines), Decimal(0))
    back = sum((Decimal(row["refund_fee"]) for row in store.refunds.values()), Decimal(0))
    return sum(line["num"] for line in lines), sold, sum(row["num"] for row in store.refunds.values()), back


def test_every_row_is_in_one_place_and_the_parts_add_up(table):
    store = Store()
    report = replay(table, store)
    assert report.balanced
    assert report.file.rows == len(ROWS)
    assert report.file.amount == sum((q * Decimal(str(p)) for _, _, q, _, p, _ in ROWS), Decimal(0))
    assert {reason: tally.rows for reason, tally in report.listed.items()} == {
        module.NO_SALE: 3,
        module.NO_CUSTOMER: 1,
        module.POSITIVE_CANCELLATION: 1,
        module.NEGATIVE_QUANTITY: 1,
        module.ZERO_PRICE: 1,
        module.SUB_CENT: 1,
        module.NEGATIVE_PRICE: 1,
        module.ADJUSTMENT: 1,
        module.NO_QUANTITY: 1,
    }
    assert [row.code for row in report.sub_cent_rows] == ["PADS"]
    assert "PADS: 3 x 0.001" in report.text()
    assert (report.sold.rows, report.refunded.rows) == (6, 2)
    units, sold, back_units, back = in_store(store)
    assert (units, sold) == (report.sold.quantity, report.sold.amount)
    assert (-back_units, -back) == (report.refunded.quantity, report.refunded.amount)


def test_cancellation_refunds_the_newest_sale_first_and_splits(table):
    store = Store()
    replay(table, store)
    oids = {}
    for trade in store.trades.values():
        for number, line in enumerate(trade["orders"]):
            oids[line["oid"]] = (trade["created"][8:10], number)
    parts = [(oids[row["oid"]], row["num"], row["created"][8:10]) for row in store.refunds.values()]
    assert parts == [(("02", 0), 4, "03"), (("01", 1), 2, "03"), (("01", 1), 3, "04"), (("01", 0), 5, "04")]


def test_a_refund_never_exceeds_its_line_and_moves_its_trade(table):
    store = Store()
    replay(table, store)
    back: dict[int, Decimal] = defaultdict(Decimal)
    for row in store.refunds.values():
        back[row["oid"]] += Decimal(row["refund_fee"])
        assert store.trades[row["tid"]]["modified"] >= row["modified"]
    for trade in store.trades.values():
        assert Decimal(trade["payment"]) == sum(Decimal(line["divide_order_fee"]) for line in trade["orders"])
        for line in trade["orders"]:
            assert back[line["oid"]] <= Decimal(line["divide_order_fee"])
            assert (line["refund_status"] == "SUCCESS") == (back[line["oid"]] > 0)


def test_days_count_back_from_the_end(table):
    store = Store()
    report = replay(table, store, days=3, end=datetime(2011, 12, 4, 12))  # noqa: DTZ001
    assert report.file.rows == 4
    assert report.balanced
    # customer 7 cancelled 6 and 8; of these days' sales 4 are theirs, and a row is refunded whole or listed
    assert (report.listed[module.NO_SALE].rows, report.listed[module.NO_SALE].quantity) == (2, -14)


def test_dates_move_by_whole_weeks_to_now(table):
    store = Store()
    report = replay(table, store, shift_to=NOW)
    assert report.shift % timedelta(days=7) == timedelta()
    newest = max(datetime.fromisoformat(trade["modified"]).replace(tzinfo=SHOP_TZ) for trade in store.trades.values())
    assert NOW - timedelta(days=14) < newest <= NOW
    assert {datetime.fromisoformat(t["created"]).weekday() for t in store.trades.values()} == {1, 3, 4}


def test_catalogue_is_made_of_the_codes(table):
    store = Store()
    replay(table, store)
    assert {item["outer_id"]: item["price"] for item in store.items.values()} == {"A": "1.25", "B": "6.95"}
    assert all(item["num"] > 0 and item["title"].startswith("GOODS ") for item in store.items.values())


def test_bad_files_are_one_line(tmp_path, table):
    (tmp_path / "text.parquet").write_text("not parquet")
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT 1 AS invoice) TO '{tmp_path / 'narrow.parquet'}' (FORMAT parquet)")
    for name in ("absent", "text", "narrow"):
        with pytest.raises(UserError) as caught:
            replay(tmp_path / f"{name}.parquet", Store())
        assert "\n" not in str(caught.value)
        assert "unit_price" in str(caught.value)
    with pytest.raises(UserError, match="no rows"):
        replay(table, Store(), end=datetime(2001, 1, 1))  # noqa: DTZ001


@pytest.mark.skipif(not REAL.exists(), reason=f"the real table {REAL.name} is not beside the repository")
def test_last_90_days_of_the_real_shop_add_up():
    store = Store()
    report = replay(REAL, store, days=90, shift_to=NOW)
    with duckdb.connect() as con:
        rows, units, amount = con.execute(
            "SELECT count(*), sum(quantity), sum(quantity * CAST(unit_price AS DECIMAL(18, 3))) FROM read_parquet(?) "
            "WHERE invoice_ts >= (SELECT CAST(max(invoice_ts) AS DATE) - 89 FROM read_parquet(?))",
            [str(REAL), str(REAL)],
        ).fetchall()[0]
    assert rows == 207_855
    assert (report.file.rows, report.file.quantity, report.file.amount) == (rows, units, amount)
    assert report.balanced
    sold_units, sold, back_units, back = in_store(store)
    assert (sold_units, sold) == (report.sold.quantity, report.sold.amount)
    assert (-back_units, -back) == (report.refunded.quantity, report.refunded.amount)
    assert sum(len(trade["orders"]) for trade in store.trades.values()) == report.sold.rows
    assert max(len(trade["orders"]) for trade in store.trades.values()) > 500
    assert {row.price for row in report.sub_cent_rows} == {"0.001"}
    left = Counter({line["oid"]: line["num"] for trade in store.trades.values() for line in trade["orders"]})
    left.subtract(Counter(refunded_units(store)))
    assert min(left.values()) >= 0


def refunded_units(store: Store) -> dict[int, int]:
    units: dict[int, int] = defaultdict(int)
    for row in store.refunds.values():
        units[row["oid"]] += row["num"]
    return units
