"""Gathers what a suggestion needs besides history: positions, forecasts, listings, earlier decisions, suppliers' terms.

Reads tables and master data; decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from orders_pipeline.replenishment.lead_time import LeadTime, estimate_lead_time
from orders_pipeline.replenishment.master import Closures, MasterData, SkuTerms, Supplier
from orders_pipeline.replenishment.policy import CYCLE_DAYS, REVIEW_DAYS

if TYPE_CHECKING:
    import duckdb

SERVICE_LEVELS = {"A": 0.98, "B": 0.95, "C": 0.90}
"""Probability of not running out, by class: what earns most is to be missing least."""
CLASS_SHARES = (("A", 0.80), ("B", 0.95))
"""SKUs that bring the first 80 % of revenue are A, the next 15 % B, the rest C: the usual Pareto cut."""
OWN_RECEIPTS = 3  # receipts of one SKU from which its own lead time is measured, instead of its supplier's
SNOOZE_DAYS = 7  # a suggestion that was refused is not repeated for a week


@dataclass(frozen=True, slots=True)
class Position:
    """One row of planning.stock_position."""

    merchant_sku: str
    on_hand: int
    reserved: int
    frozen: int
    available: int
    on_order: int
    returns_expected: float
    snapshot_quantity: int
    snapshot_at: datetime
    snapshot_is_net: bool
    frozen_conversion: float


@dataclass(frozen=True, slots=True)
class Listing:
    """What the shops say of a SKU: whether any offers it, its category, and who sells it."""

    on_sale: bool
    category: str
    shops: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """The terms under which one SKU is bought, with defaults filled in; ``assumed`` names what was not stated (Chinese)."""

    supplier: str
    lead: LeadTime
    review_days: int
    cycle_days: int
    moq: int
    pack: int
    unit_cost: Decimal | None
    shelf_cap: int | None
    service_class: str | None
    category: str
    stopped: bool
    closures: Closures
    assumed: tuple[str, ...]


def read_positions(con: duckdb.DuckDBPyConnection, made_on: date) -> list[Position]:
    """Positions of the newest day up to ``made_on``, by SKU."""
    rows = con.execute(
        """
        SELECT merchant_sku, on_hand, reserved, frozen, available, on_order, returns_expected, snapshot_quantity, snapshot_at,
            snapshot_is_net, frozen_conversion
        FROM planning.stock_position
        WHERE as_of = (SELECT max(as_of) FROM planning.stock_position WHERE as_of <= ?)
        ORDER BY merchant_sku
        """,
        [made_on],
    ).fetchall()
    return [Position(*row) for row in rows]


def read_forecast_totals(con: duckdb.DuckDBPyConnection, made_on: date) -> tuple[date | None, dict[str, float]]:
    """Day and 7-day means of the newest forecast up to ``made_on``; (None, {}) where there is none.

    The unbiased mean: ``mean`` errs little on a usual week and lies low, down to .4 of what is expected where sales are few or
    come in bursts, and stock that was computed from it would be short by as much.
    """
    row = con.execute(
        "SELECT max(made_on) FROM planning.sales_forecast_totals WHERE made_on <= ?", [made_on]
    ).fetchone()
    day: date | None = row[0] if row else None
    if day is None:
        return None, {}
    rows = con.execute(
        "SELECT merchant_sku, coalesce(mean_with_bulk, mean) * 7 / days FROM planning.sales_forecast_totals WHERE made_on = ?",
        [day],
    ).fetchall()
    return day, {str(sku): float(mean) for sku, mean in rows}


def read_listings(con: duckdb.DuckDBPyConnection) -> dict[str, Listing]:
    """Every SKU in core.skus. An unknown status counts as on sale: rather a needless row than a missed order."""
    rows = con.execute(
        """
        SELECT
            coalesce(nullif(trim(merchant_sku), ''), concat_ws(':', platform, product_id, sku_id)) AS merchant_sku,
            bool_or(status NOT IN ('off_sale', 'deleted')), coalesce(max(category), ''), list(DISTINCT shop ORDER BY shop)
        FROM core.skus GROUP BY 1
        """
    ).fetchall()
    return {str(sku): Listing(bool(on_sale), str(category), tuple(shops)) for sku, on_sale, category, shops in rows}


def read_snoozed(con: duckdb.DuckDBPyConnection, made_on: date) -> frozenset[str]:
    """SKUs whose suggestion was refused in the days before ``made_on``."""
    rows = con.execute(
        "SELECT DISTINCT merchant_sku FROM planning.replenishment_suggestions "
        "WHERE state = '拒绝' AND made_on < $1::DATE AND made_on >= $1::DATE - $2::INTEGER",
        [made_on, SNOOZE_DAYS],
    ).fetchall()
    return frozenset(str(row[0]) for row in rows)


def service_classes(skus: Sequence[str], revenue: Sequence[float], stated: Mapping[str, str | None]) -> list[str]:
    """A, B or C of each SKU: as stated, else by its place in the shop's revenue; B where nothing was sold at all."""
    total = sum(revenue)
    by_rank: dict[str, str] = {}
    passed = 0.0
    for sku, amount in sorted(zip(skus, revenue, strict=True), key=lambda pair: (-pair[1], pair[0])):
        before = passed / total if total > 0 else CLASS_SHARES[0][1]
        by_rank[sku] = next((name for name, end in CLASS_SHARES if before < end), "C")
        passed += amount
    return [stated.get(sku) or by_rank[sku] for sku in skus]


def offers(skus: Sequence[str], listings: Mapping[str, Listing], master: MasterData, made_on: date) -> list[Offer]:
    """Terms of each SKU from the master files, history of receipts and defaults."""
    by_sku: dict[str, list[float]] = defaultdict(list)
    by_supplier: dict[str, list[float]] = defaultdict(list)
    for receipt in master.receipts:
        if receipt.lead_days is not None:
            by_sku[receipt.sku].append(receipt.lead_days)
            by_supplier[receipt.supplier].append(receipt.lead_days)
    result = []
    for sku in skus:
        terms = master.sku_terms.get(sku) or SkuTerms(sku=sku, supplier="")
        supplier = master.suppliers.get(terms.supplier) or Supplier(terms.supplier)
        stated = terms.lead_days if terms.lead_days is not None else supplier.lead_days
        own = by_sku.get(sku, [])
        seen = own if len(own) >= OWN_RECEIPTS else by_supplier.get(terms.supplier, []) if terms.supplier else own
        lead = estimate_lead_time(seen, stated)
        review = supplier.review_days or REVIEW_DAYS
        missing = (
            ("交期" if lead.assumed else ""),
            ("起订量" if terms.moq is None else ""),
            ("单价" if terms.unit_cost is None else ""),
        )
        result.append(
            Offer(
                supplier=terms.supplier,
                lead=lead,
                review_days=review,
                cycle_days=max(review, CYCLE_DAYS),
                moq=terms.moq or 1,
                pack=terms.pack or 1,
                unit_cost=terms.unit_cost,
                shelf_cap=terms.shelf_cap,
                service_class=terms.service_class,
                category=terms.category or (listings[sku].category if sku in listings else ""),
                stopped=terms.status == "stopped" or (terms.eol_date is not None and terms.eol_date <= made_on),
                closures=supplier.closures,
                assumed=tuple(name for name in missing if name),
            )
        )
    return result
