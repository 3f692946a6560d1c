"""Turns a table of real transactions into trades and refunds of a store, so that real data can flow through the wire.

Accounting only: every row of the file ends in exactly one place - a trade's line, a refund, or the list of rows without
a counterpart - and rows, quantities and amounts of the three add up to the file's. How a trade and a refund look on the
wire is in ``replay_wire.py``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sandbox import replay_wire as wire
from orders_pipeline.settings import UserError

if TYPE_CHECKING:
    from orders_pipeline.sandbox.store import Store

ADJUSTMENT = "adjustment invoice (A...), no goods"
NO_QUANTITY = "quantity zero"
POSITIVE_CANCELLATION = "cancellation with a positive quantity"
NEGATIVE_QUANTITY = "negative quantity without a cancellation"
NEGATIVE_PRICE = "negative price"
ZERO_PRICE = "price zero"
SUB_CENT = "price not in whole cents"
NO_CUSTOMER = "cancellation without a customer"
NO_SALE = "cancellation without enough earlier sales of that customer, code and price"

_COLUMNS = ("invoice", "stock_code", "description", "quantity", "invoice_ts", "unit_price", "customer_id", "country")
MEMORY_LIMIT = "2GB"
"""For a file of a million rows on a developer's machine; the default is 80 % of its memory."""

_WEEK = 7  # dates move by whole weeks, so that Mondays stay Mondays


class Row(NamedTuple):
    """One line of the file; ``price`` is its exact decimal text."""

    invoice: str
    code: str
    description: str | None
    quantity: int
    at: datetime
    price: str
    customer: int | None
    country: str | None


@dataclass(slots=True)
class Tally:
    """Rows, signed quantity and signed exact amount (quantity x price, yuan)."""

    rows: int = 0
    quantity: int = 0
    amount: Decimal = Decimal(0)

    def add(self, quantity: int, price: Decimal) -> None:
        self.rows += 1
        self.quantity += quantity
        self.amount += quantity * price

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.rows + other.rows, self.quantity + other.quantity, self.amount + other.amount)


@dataclass(slots=True)
class ReplayReport:
    """Where every row of the file went. ``file == sold + refunded + sum of listed``, see ``balanced``."""

    shift: timedelta
    file: Tally = field(default_factory=Tally)
    sold: Tally = field(default_factory=Tally)
    refunded: Tally = field(default_factory=Tally)
    listed: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    sub_cent_rows: list[Row] = field(default_factory=list)
    """Rows whose price is no whole number of cents: the wire cannot carry them, so each is named here."""
    trades: int = 0
    refunds: int = 0

    @property
    def balanced(self) -> bool:
        """Whether rows, quantities and amounts of the parts add up to the file exactly."""
        return sum(self.listed.values(), self.sold + self.refunded) == self.file

    def text(self) -> str:
        """The report for a shell."""
        parts = [("file", self.file), (f"sold, {self.trades} trades", self.sold)]
        parts += [
            (f"refunded, {self.refunds} refunds", self.refunded),
            *((f"listed: {k}", v) for k, v in self.listed.items()),
        ]
        lines = [f"{name}: {part.rows} rows, {part.quantity} units, {part.amount} yuan" for name, part in parts]
        lines += [f"  {row.invoice} {row.code}: {row.quantity} x {row.price}" for row in self.sub_cent_rows]
        return "\n".join(lines)


def replay(
    file: Path, store: Store, *, days: int | None = None, end: datetime | None = None, shift_to: datetime | None = None
) -> ReplayReport:
    """Fill ``store`` from a Parquet file of transactions.

    ``days``: only the last so many calendar days up to ``end`` (naive, the file's own time; default: its last row).
    ``shift_to`` (aware): move all dates by whole weeks so that the last row lies at most a week before it; wall time in
    the file is taken as Asia/Shanghai. Amounts keep their numbers and are called yuan.
    Raises UserError where the file cannot be read or lacks a column.
    """
    rows = _read(file, days, end)
    if not rows:
        raise UserError(f"{file} has no rows in the days asked for: ask for other days.")
    shift = _shift(rows[-1].at, shift_to)
    report = ReplayReport(shift)
    shop = wire.Shop(store.seller_nick)
    sales: dict[tuple[int, str, str], list[wire.Sale]] = defaultdict(list)
    prices: dict[str, Decimal] = {}
    for row in rows:
        price = prices.get(row.price)
        if price is None:
            price = prices[row.price] = Decimal(row.price)
        report.file.add(row.quantity, price)
        reason = _unusable(row, price)
        if reason is None and row.quantity < 0:
            reason = _refund(shop, row, price, sales, shift)
            if reason is None:
                report.refunded.add(row.quantity, price)
        elif reason is None:
            sale = shop.sell(row, int(price * 100), row.at + shift)
            if row.customer is not None:
                sales[row.customer, row.code, row.price].append(sale)
            report.sold.add(row.quantity, price)
        if reason is not None:
            report.listed[reason].add(row.quantity, price)
            if reason == SUB_CENT:
                report.sub_cent_rows.append(row)
    report.trades, report.refunds = shop.write(store, (rows[-1].at - rows[0].at).days + 1)
    return report


def _unusable(row: Row, price: Decimal) -> str | None:
    """Why a row can be neither a sale nor a cancellation; None if it can."""
    cancellation = row.invoice.startswith("C")
    checks = (
        (row.invoice.startswith("A"), ADJUSTMENT),
        (row.quantity == 0, NO_QUANTITY),
        (cancellation and row.quantity > 0, POSITIVE_CANCELLATION),
        (not cancellation and row.quantity < 0, NEGATIVE_QUANTITY),
        (price < 0, NEGATIVE_PRICE),
        (price == 0, ZERO_PRICE),
        (price != 0 and price * 100 % 1 != 0, SUB_CENT),
        (cancellation and row.customer is None, NO_CUSTOMER),
    )
    return next((reason for failed, reason in checks if failed), None)


def _refund(
    shop: wire.Shop, row: Row, price: Decimal, sales: dict[tuple[int, str, str], list[wire.Sale]], shift: timedelta
) -> str | None:
    """Refund the newest earlier sales with quantity left, splitting over several; all of the row or nothing of it."""
    assert row.customer is not None  # noqa: S101  _unusable has listed those
    candidates = sales[row.customer, row.code, row.price]
    wanted = -row.quantity
    if sum(sale.left for sale in candidates) < wanted:
        return NO_SALE
    while wanted:
        sale = candidates[-1]
        quantity = min(sale.left, wanted)
        shop.refund(sale, quantity, int(price * 100), row.at + shift)
        wanted -= quantity
        if not sale.left:
            candidates.pop()
    return None


def _shift(last: datetime, to: datetime | None) -> timedelta:
    if to is None:
        return timedelta()
    room = to.astimezone(SHOP_TZ).replace(tzinfo=None) - timedelta(seconds=wire.SETTLES_WITHIN) - last
    return timedelta(days=room.days // _WEEK * _WEEK)


def _read(file: Path, days: int | None, end: datetime | None) -> list[Row]:
    """The rows in question, oldest first and in the file's order within one instant."""
    import duckdb

    # as text, because that is the shortest decimal that gives the same double: 6.95, not 6.9500001
    select = ", ".join(f"CAST({name} AS VARCHAR)" if name == "unit_price" else name for name in _COLUMNS)
    try:
        with duckdb.connect(config={"memory_limit": MEMORY_LIMIT}) as con:
            source = con.read_parquet(str(file), file_row_number=True)
            source.create_view("source")
            last = end or con.execute("SELECT max(invoice_ts) FROM source").fetchall()[0][0]
            if last is None:
                return []
            midnight = last.replace(hour=0, minute=0, second=0, microsecond=0)
            first = None if days is None else midnight - timedelta(days=days - 1)
            found = con.execute(
                f"SELECT {select} FROM source WHERE invoice_ts <= $last AND ($first IS NULL OR invoice_ts >= $first) "
                "ORDER BY invoice_ts, file_row_number",
                {"last": last, "first": first},
            ).fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"Cannot replay {file} ({reason}): give a Parquet file with the columns {', '.join(_COLUMNS)}."
        ) from None
    return [Row._make(values) for values in found]
