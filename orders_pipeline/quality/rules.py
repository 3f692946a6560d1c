"""The rules: each one a query for the rows that break it. Shop rules bind ``$shop``; mart rules look at all shops.

A query returns one column, the name of the offending row (an id or a key, never a person), in a stable order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

EXAMPLES = 10
"""Offending rows that a finding names: enough to start looking, little enough to read and to store for every run."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold of ``table``."""

    asset: str
    name: str
    description: str
    query: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: how many rows break it, and the first of them."""

    rule: Rule
    count: int
    examples: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return self.count == 0

    def __str__(self) -> str:
        if self.passed:
            return f"Holds: {self.rule.description}"
        more = f" and {self.count - len(self.examples)} more" if self.count > len(self.examples) else ""
        return f"{self.count} rows break it ({self.rule.description}): {', '.join(self.examples)}{more}"


def evaluate(con: duckdb.DuckDBPyConnection, rule: Rule, shop: str | None = None) -> Finding:
    """Run one rule. ``shop`` is required by shop rules and ignored by mart rules."""
    named = {"shop": shop} if "$shop" in rule.query else {}
    numbered = f"SELECT subject, count(*) OVER () FROM ({rule.query}) AS broken(subject) LIMIT {EXAMPLES}"
    rows = con.execute(numbered, named).fetchall()
    return Finding(rule, rows[0][1] if rows else 0, tuple(str(subject) for subject, _ in rows))


def _unique(asset: str, table: str, key: str, *, shop: bool) -> Rule:
    """No key stands twice: DuckDB's tables here have no primary keys, so this is looked at, not assumed."""
    where = "WHERE shop = $shop " if shop else ""
    parts = " || '/' || ".join(f"{column}::VARCHAR" for column in key.split(", "))
    return Rule(
        asset,
        "unique_ids",
        f"every ({key}) of {table} stands once",
        f"SELECT {parts} FROM {table} {where}GROUP BY {key} HAVING count(*) > 1 ORDER BY 1",
    )


_SHORT = """
SELECT w.api || ' ' || timezone('Asia/Shanghai', w.window_start)::VARCHAR || ' (' || w.shortfall::VARCHAR || ' short)'
FROM ops.sync_windows AS w
WHERE w.shop = $shop AND w.shortfall > 0 AND w.api {apis} AND NOT EXISTS (
  FROM ops.sync_windows AS n WHERE n.shop = w.shop AND n.api = w.api AND n.fetched_at > w.fetched_at AND n.shortfall = 0
    AND n.window_start <= w.window_start AND n.window_end >= w.window_end)
ORDER BY 1
"""
"""Windows whose rows were counted and not shown, until a later read of the whole window was not short."""

SHOP_RULES: tuple[Rule, ...] = (
    Rule(
        "orders",
        "nothing_in_quarantine",
        "every row that the platform sent is in a table, in this version or a newer one",
        """SELECT DISTINCT api || ' ' || coalesce(row_id, 'without id') || ': ' || reason
           FROM ops.quarantine_open WHERE shop = $shop ORDER BY 1""",
    ),
    _unique("orders", "core.orders", "platform, order_id", shop=True),
    Rule(
        "orders",
        "no_negative_totals",
        "no amount of an order is below zero (adjust_amount may be: the seller lowered the price)",
        """SELECT order_id FROM core.orders WHERE shop = $shop
           AND least(goods_amount, freight_amount, discount_amount, payable_amount, paid_amount, received_amount,
                     coalesce(deposit_amount, 0)) < 0 ORDER BY 1""",
    ),
    Rule(
        "orders",
        "payable_adds_up",
        "goods + freight + adjust − discount = payable, to the cent",
        """SELECT order_id FROM core.orders WHERE shop = $shop
           AND goods_amount + freight_amount + adjust_amount - discount_amount <> payable_amount ORDER BY 1""",
    ),
    Rule(
        "orders",
        "paid_is_payable_or_nothing",
        "paid_amount is payable_amount where the order has been paid, else 0",
        """SELECT order_id FROM core.orders WHERE shop = $shop
           AND paid_amount <> CASE WHEN paid_at IS NULL THEN 0 ELSE payable_amount END ORDER BY 1""",
    ),
    Rule(
        "orders",
        "known_status",
        "no order carries a status code that the mapping does not know",
        "SELECT order_id || ' ' || source_status FROM core.orders WHERE shop = $shop AND status = 'unknown' ORDER BY 1",
    ),
    Rule(
        "orders",
        "windows_read_whole",
        "every row that the platform counted in a window was shown, then or when the window was read again (the night's "
        "reconciliation reads such windows again)",
        _SHORT.format(apis="NOT LIKE '%refund%'"),
    ),
    _unique("order_lines", "core.order_lines", "platform, line_id", shop=True),
    Rule(
        "order_lines",
        "no_negative_totals",
        "no quantity and no amount of a line is below zero",
        """SELECT line_id FROM core.order_lines WHERE shop = $shop
           AND (quantity < 0 OR least(unit_price, discount_amount, shop_discount_share, paid_amount) < 0) ORDER BY 1""",
    ),
    Rule(
        "order_lines",
        "lines_add_up_to_order",
        "the lines' paid_amount + freight = the order's payable_amount",
        """SELECT o.order_id FROM core.orders o JOIN core.order_lines l USING (platform, shop, order_id)
           WHERE o.shop = $shop GROUP BY o.platform, o.order_id, o.freight_amount, o.payable_amount
           HAVING sum(l.paid_amount) + o.freight_amount <> o.payable_amount ORDER BY 1""",
    ),
    Rule(
        "order_lines",
        "no_line_without_order",
        "every line has its order, and every order as many lines as its line_count says",
        """SELECT l.line_id FROM core.order_lines l ANTI JOIN core.orders o USING (platform, shop, order_id)
           WHERE l.shop = $shop
           UNION ALL
           SELECT o.order_id FROM core.orders o LEFT JOIN core.order_lines l USING (platform, shop, order_id)
           WHERE o.shop = $shop GROUP BY o.platform, o.order_id, o.line_count HAVING count(l.line_id) <> o.line_count
           ORDER BY 1""",
    ),
    Rule(
        "refunds",
        "windows_read_whole",
        "every refund that the platform counted in a window was shown, then or when the window was read again",
        _SHORT.format(apis="LIKE '%refund%'"),
    ),
    _unique("refunds", "core.refunds", "platform, refund_id", shop=True),
    Rule(
        "refunds",
        "no_negative_totals",
        "no amount and no quantity of a refund is below zero",
        """SELECT refund_id FROM core.refunds WHERE shop = $shop
           AND (least(applied_amount, refunded_amount) < 0 OR quantity < 0) ORDER BY 1""",
    ),
    Rule(
        "refunds",
        "refund_not_above_paid",
        "what was refunded of an order is not above what was paid for it (a refund whose order lies behind the platform's "
        "three months is not compared)",
        """SELECT r.order_id FROM core.refunds r JOIN core.orders o USING (platform, shop, order_id)
           WHERE r.shop = $shop GROUP BY r.platform, r.order_id, o.paid_amount
           HAVING sum(r.refunded_amount) > o.paid_amount ORDER BY 1""",
    ),
    _unique("parcels", "core.parcels", "platform, order_id, tracking_number", shop=True),
    Rule(
        "parcels",
        "signed_after_shipped",
        "no parcel was signed for before it was shipped",
        """SELECT order_id || '/' || tracking_number FROM core.parcels WHERE shop = $shop
           AND signed_at < shipped_at ORDER BY 1""",
    ),
    _unique("stock", "core.stock", "platform, product_id, sku_id", shop=True),
    Rule(
        "stock",
        "no_negative_stock",
        "no quantity on hand or withheld is below zero (below zero = oversold)",
        """SELECT product_id || '/' || sku_id FROM core.stock WHERE shop = $shop
           AND least(on_hand, coalesce(withheld, 0)) < 0 ORDER BY 1""",
    ),
)

MART_RULES: tuple[Rule, ...] = (
    _unique("daily_sku_sales", "planning.daily_sku_sales", "merchant_sku, date", shop=False),
    Rule(
        "daily_sku_sales",
        "no_negative_totals",
        "no day of a SKU has negative units, orders or revenue",
        """SELECT merchant_sku || '/' || date::VARCHAR FROM planning.daily_sku_sales
           WHERE least(units, orders, revenue, refunded_units) < 0 ORDER BY 1""",
    ),
    _unique("sales_forecasts", "planning.sales_forecasts", "made_on, merchant_sku, target_date", shop=False),
    Rule(
        "sales_forecasts",
        "seven_days_each",
        "the newest forecast has seven days for every SKU",
        """SELECT merchant_sku FROM planning.sales_forecasts
           WHERE made_on = (SELECT max(made_on) FROM planning.sales_forecasts)
           GROUP BY merchant_sku HAVING count(*) <> 7 OR min(horizon_day) <> 1 OR max(horizon_day) <> 7 ORDER BY 1""",
    ),
    Rule(
        "sales_forecasts",
        "quantiles_in_order",
        "0 ≤ q10 ≤ q50 ≤ q90 ≤ q95, of each day and of the week",
        """SELECT merchant_sku || '/' || target_date::VARCHAR FROM planning.sales_forecasts
           WHERE NOT (0 <= q10 AND q10 <= q50 AND q50 <= q90 AND q90 <= q95)
           UNION ALL
           SELECT merchant_sku || '/week of ' || made_on::VARCHAR FROM planning.sales_forecast_totals
           WHERE NOT (0 <= q50 AND q50 <= q90 AND q90 <= q95) ORDER BY 1""",
    ),
    _unique("forecast_accuracy", "planning.forecast_accuracy", "made_on, model, horizon", shop=False),
    _unique("stock_position", "planning.stock_position", "as_of, merchant_sku", shop=False),
    _unique("replenishment_suggestions", "planning.replenishment_suggestions", "suggestion_id", shop=False),
    Rule(
        "replenishment_suggestions",
        "explained",
        "no suggestion has a negative quantity or amount, and each has a reason",
        """SELECT suggestion_id FROM planning.replenishment_suggestions
           WHERE quantity < 0 OR coalesce(amount, 0) < 0 OR trim(coalesce(reason, '')) = '' ORDER BY 1""",
    ),
    Rule(
        "published_copy",
        "orders_and_lines_together",
        "in the copy that readers open, no line lacks its order and no order lacks its lines",
        """SELECT l.shop || '/' || l.line_id FROM core.order_lines l
           ANTI JOIN core.orders o USING (platform, shop, order_id)
           UNION ALL
           SELECT o.shop || '/' || o.order_id FROM core.orders o
           ANTI JOIN core.order_lines l USING (platform, shop, order_id) WHERE o.line_count > 0 ORDER BY 1""",
    ),
)
