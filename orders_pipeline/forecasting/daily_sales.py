"""Daily sales per SKU from orders and refunds: the demand history that forecasts and the order policy learn from.

SQL only, ``daily_sales_lines.sql`` and ``daily_sales.sql``; nothing about forecasting belongs here. The rules:

- A line counts on its order's **pay date** (Asia/Shanghai), whether or not it was shipped or returned later.
- Left out: presale orders (order type ``step``; they enter the stock position as frozen stock, and would count twice),
  gifts (``is_gift`` or a unit price of 0), orders that reconciliation found gone (``vanished_at``).
- ``refunded_units`` are units paid on that day and **refunded before shipping**; they are *not* in ``units``, so
  ``units + refunded_units`` is what was paid for. A line that closed before it left counts as refunded as a whole; otherwise
  a refund takes out the whole units that its money pays for, so a price difference takes none. Refunds after shipping
  change nothing here: the demand was real, the goods come back as returns.
- ``orders`` counts orders with at least one unit kept, ``revenue`` is the lines' paid amount less what was refunded before
  shipping (yuan, no freight).
- ``in_stock`` is false where every count of the day, opening count included (the last of the day before), was zero and
  nothing was sold; NULL where no count of that day or the day before is known.
- **Sparse**: a row stands for a day with a paid line, or known to be without stock (units 0) after the SKU's first sale.
  A day without a row sold nothing and is not known to have been out of stock.
- A SKU without a merchant code stands as ``platform:product_id:sku_id``. A bundle counts as its parts (``core.line_parts``),
  its money by pieces, as orders name no prices of parts. Bulk orders stay in: they are sales; the model cuts them.

A line carries what this needs of its order and its refunds (``sku``, ``paid_on``, ``is_presale``, ``skus_differ``,
``early_refund_units``, ``early_refund_amount``), so that ten million lines are added up without looking at either. Every day is
recomputed each time, in ranges that fit in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orders_pipeline.clock import SHOP_TZ

if TYPE_CHECKING:
    import duckdb

_FOLDER = Path(__file__).parent
_LINES = (_FOLDER / "daily_sales_lines.sql").read_text(encoding="utf-8")
_ROWS = (_FOLDER / "daily_sales.sql").read_text(encoding="utf-8")

_DAY = timedelta(days=1)

LINES_AT_ONCE = 1_500_000
"""Lines that one statement adds up, so that memory does not grow with the years: ten million take 430 MB in all if they are of
2,000 SKUs and 490 if they are of 20,000, all of them counted daily; with two million at once the latter took 500."""

_SETTINGS = {
    # Of the process's 0.5 GB; 0.1 is Python with its libraries.
    "memory_limit": "350MB",
    # DuckDB takes each filter for passing one row of five, and so lines for fewer than those that vanished: it could build the
    # table of that join from ten million lines. Without these it builds them from the right side, as the statements are written.
    "disabled_optimizers": "join_order,build_side_probe_side",
}


@dataclass(frozen=True, slots=True)
class DailySalesReport:
    """What the table holds after a refresh. ``first_day`` and ``last_day`` are None for an empty table."""

    days_refreshed: int
    rows_written: int
    rows: int
    skus: int
    units: int
    first_day: date | None
    last_day: date | None


def refresh_daily_sales(con: duckdb.DuckDBPyConnection, *, kept_from: date | None = None) -> DailySalesReport:
    """Recompute ``planning.daily_sku_sales`` inside the caller's transaction; running it twice changes nothing.

    ``kept_from``: the first day whose orders no purge has taken; the sums of earlier days are all that is left of them.
    """
    before = {name: _one(con, f"SELECT current_setting('{name}')")[0] for name in _SETTINGS}
    _set(con, _SETTINGS)
    con.execute(_LINES)
    ranges = _ranges(con, kept_from)
    if ranges:
        con.execute("DELETE FROM planning.daily_sku_sales WHERE date >= ?", [ranges[0][0]])
    written = sum(_insert(con, first, last) for first, last in ranges)
    con.execute("DROP VIEW counted_lines; DROP TABLE vanished_lines; DROP TABLE parts")
    _set(con, before)
    rows, skus, units, first_day, last_day = _one(
        con,
        "SELECT count(*), count(DISTINCT merchant_sku), coalesce(sum(units), 0)::BIGINT, min(date), max(date) "
        "FROM planning.daily_sku_sales",
    )
    days = sum((last - first).days + 1 for first, last in ranges)
    return DailySalesReport(days, written, rows, skus, units, first_day, last_day)


def _insert(con: duckdb.DuckDBPyConnection, first: date, last: date) -> int:
    """The rows of these days; how many they are."""
    columns = "merchant_sku, date, units, orders, revenue, refunded_units, in_stock"
    counted = {
        "counted_from": datetime.combine(first - _DAY, time(), SHOP_TZ),
        "counted_until": datetime.combine(last + _DAY, time(), SHOP_TZ),
    }
    rows: int = _one(
        con, f"INSERT INTO planning.daily_sku_sales ({columns}) {_ROWS}", {"first": first, "last": last, **counted}
    )[0]
    return rows


def _ranges(con: duckdb.DuckDBPyConnection, kept_from: date | None) -> list[tuple[date, date]]:
    """First and last day of ranges that hold all sales and counts of stock from ``kept_from`` on, oldest first."""
    lines: dict[date, int] = dict(
        con.execute("SELECT paid_on, count(*) FROM core.order_lines WHERE paid_on IS NOT NULL GROUP BY ALL").fetchall()
    )
    counted = _one(
        con,
        "SELECT (min(snapshot_at) AT TIME ZONE 'Asia/Shanghai')::DATE, (max(snapshot_at) AT TIME ZONE 'Asia/Shanghai')::DATE "
        "FROM core.stock_snapshots",
    )
    known = sorted(day for day in {*lines, *counted} - {None} if kept_from is None or day >= kept_from)
    ranges: list[tuple[date, date]] = []
    held = 0
    for day in known:
        held += lines.get(day, 0)
        if not ranges or held > LINES_AT_ONCE:
            ranges.append((day, day))
            held = lines.get(day, 0)
        ranges[-1] = (ranges[-1][0], day)
    # days between two ranges have no sales, but an opening stock
    return [(first, after[0] - _DAY) for (first, _), after in pairwise(ranges)] + ranges[-1:]


def _set(con: duckdb.DuckDBPyConnection, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        con.execute(f"SET {name} = '{value}'")


def _one(con: duckdb.DuckDBPyConnection, sql: str, values: dict[str, Any] | None = None) -> tuple[Any, ...]:
    row = con.execute(sql, values).fetchone()
    assert row is not None  # noqa: S101 - an aggregate and an INSERT always have a row
    return row
