"""The checks of one shop: the rules of its tables, and how late its ledger is."""

from collections.abc import Sequence

import dagster as dg
import duckdb

from orders_pipeline.components.checks import Check, check_step, rule_checks
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.platforms.base import FeedName
from orders_pipeline.platforms.taobao.feeds import FEEDS
from orders_pipeline.quality import SHOP_RULES, freshness
from orders_pipeline.quality.freshness import LATE, TOO_LATE
from orders_pipeline.shops import Shop

STEPS = (("orders", "order_lines"), ("refunds",), ("parcels",), ("stock",))
"""Tables that are written together are checked together."""


def shop_checks(shop: Shop) -> Sequence[dg.AssetChecksDefinition]:
    """Every rule of the shop's tables and the freshness of its orders."""
    steps = []
    for tables in STEPS:
        checks = rule_checks((rule for rule in SHOP_RULES if rule.asset in tables), [shop.shop], shop.shop)
        if "orders" in tables:
            checks.append(_fresh(shop))
        steps.append(check_step(f"{shop.shop}__{tables[0]}_checks", checks))
    return steps


def _fresh(shop: Shop) -> Check:
    api = FEEDS[FeedName.ORDERS_BY_MODIFIED].api
    spec = dg.AssetCheckSpec(
        "fresh",
        asset=dg.AssetKey([shop.shop, "orders"]),
        description=f"Orders are complete, without a hole in the ledger, up to {LATE} (h:mm:ss) ago; a warning above that, "
        f"an error above {TOO_LATE}.",
    )

    def fresh(con: duckdb.DuckDBPyConnection, pipeline: Pipeline) -> dg.AssetCheckResult:
        found = freshness(con, shop.shop, api, pipeline.clock.now())
        return dg.AssetCheckResult(
            passed=not found.late,
            severity=dg.AssetCheckSeverity.ERROR if found.too_late else dg.AssetCheckSeverity.WARN,
            description=str(found),
            metadata={"lag_seconds": found.lag.total_seconds()} if found.lag is not None else {},
        )

    return spec, fresh
