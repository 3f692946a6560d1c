"""Daily sales per SKU from orders and refunds: the demand history that forecasts and the order policy learn from.

SQL only; nothing about forecasting belongs here. The statement is ``daily_sales.sql``. Its rules:

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
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

    import duckdb

_ROWS = (Path(__file__).parent / "daily_sales.sql").read_text(encoding="utf-8")

# Days before $kept_from stay as they are: orders are purged by age, their daily sums are kept for ever.
# With a day given: from that day, or from the earliest pay day of an order that was read, changed or refunded since, if earlier.
_TOUCHED_DAYS = """
CREATE OR REPLACE TEMP TABLE touched_days AS
WITH changed AS (
    SELECT paid_on FROM core.orders
    WHERE greatest(synced_at, modified_at, vanished_at) >= $since::TIMESTAMP AT TIME ZONE 'Asia/Shanghai'
    UNION ALL
    SELECT o.paid_on FROM core.refunds AS r JOIN core.orders AS o USING (platform, shop, order_id)
    WHERE greatest(r.synced_at, r.modified_at) >= $since::TIMESTAMP AT TIME ZONE 'Asia/Shanghai'
),
counted AS (
    SELECT min(snapshot_at AT TIME ZONE 'Asia/Shanghai')::DATE AS first,
           max(snapshot_at AT TIME ZONE 'Asia/Shanghai')::DATE AS last
    FROM core.stock_snapshots
),
paid AS (SELECT min(paid_on) AS first, max(paid_on) AS last FROM core.orders),
bounds AS (
    -- least() and greatest() skip NULLs
    SELECT greatest(least(paid.first, counted.first), $kept_from::DATE)
      AS first, greatest(paid.last, counted.last) AS last FROM paid, counted
)
SELECT unnest(generate_series(
    CASE WHEN $since IS NULL THEN first ELSE greatest(first, least($since::DATE, (SELECT min(paid_on) FROM changed))) END,
    last, INTERVAL 1 DAY))::DATE AS day
FROM bounds
"""


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


def refresh_daily_sales(
    con: duckdb.DuckDBPyConnection, since: date | None = None, *, kept_from: date | None = None
) -> DailySalesReport:
    """Recompute ``planning.daily_sku_sales`` inside the caller's transaction; running it twice changes nothing.

    ``since=None`` recomputes every day from the oldest order on, which is cheap (10 M lines: below a CPU second). With a day
    (Asia/Shanghai), that day and later are recomputed, and back to the earliest pay day of an order that was read or changed,
    or whose refund changed, since then; the result is that of a full run if ``since`` is not after the last refresh.
    ``kept_from``: the first day whose orders no purge has taken; the sums of earlier days are all that is left of them.
    """
    con.execute(_TOUCHED_DAYS, {"since": since, "kept_from": kept_from})
    days = _one(con, "SELECT count(*) FROM touched_days")[0]
    con.execute("DELETE FROM planning.daily_sku_sales WHERE date IN (SELECT day FROM touched_days)")
    columns = "merchant_sku, date, units, orders, revenue, refunded_units, in_stock"
    con.execute(
        f"INSERT INTO planning.daily_sku_sales ({columns}) SELECT {columns} FROM ({_ROWS}) ORDER BY date, merchant_sku"
    )
    written = _one(con, "SELECT count(*) FROM planning.daily_sku_sales WHERE date IN (SELECT day FROM touched_days)")[0]
    con.execute("DROP TABLE touched_days")
    rows, skus, units, first, last = _one(
        con,
        "SELECT count(*), count(DISTINCT merchant_sku), coalesce(sum(units), 0)::BIGINT, min(date), max(date) "
        "FROM planning.daily_sku_sales",
    )
    return DailySalesReport(days, written, rows, skus, units, first, last)


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always has a row
    return row
