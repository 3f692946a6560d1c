"""The checks of one shop: the rules of its tables, how late its ledger is, and whether its platform answers."""

from collections.abc import Sequence

import dagster as dg
import duckdb

from orders_pipeline.components.checks import Check, check_step, rule_checks
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.platforms.base import FeedName
from orders_pipeline.platforms.taobao.feeds import FEEDS
from orders_pipeline.quality import SHOP_RULES, freshness, unusual
from orders_pipeline.quality.freshness import LATE, TOO_LATE
from orders_pipeline.shops import Shop

STEPS = (("orders", "order_lines"), ("refunds",), ("parcels",), ("stock",))
"""Tables that are written together are checked together."""


def shop_checks(shop: Shop) -> Sequence[dg.AssetChecksDefinition]:
    """Every rule of the shop's tables, the freshness of its orders and the state of its breaker."""
    steps = []
    for tables in STEPS:
        checks = rule_checks((rule for rule in SHOP_RULES if rule.asset in tables), [shop.shop], shop.shop)
        if "orders" in tables:
            checks += [_fresh(shop), _breaker(shop), _usual(shop)]
        steps.append(check_step(f"{shop.shop}__{tables[0]}_checks", checks))
    return steps


def _fresh(shop: Shop) -> Check:
    spec = dg.AssetCheckSpec(
        "fresh",
        asset=dg.AssetKey([shop.shop, "orders"]),
        description=f"Orders are complete, without a hole in the ledger, up to {LATE} (h:mm:ss) ago; a warning above that, "
        f"an error above {TOO_LATE}.",
    )

    def fresh(con: duckdb.DuckDBPyConnection, pipeline: Pipeline) -> dg.AssetCheckResult:
        found = freshness(con, shop.shop, FEEDS[FeedName.ORDERS_BY_MODIFIED], pipeline.clock.now())
        return dg.AssetCheckResult(
            passed=not found.late,
            severity=dg.AssetCheckSeverity.ERROR if found.too_late else dg.AssetCheckSeverity.WARN,
            description=str(found),
            metadata={"lag_seconds": found.lag.total_seconds()} if found.lag is not None else {},
        )

    return spec, fresh


def _breaker(shop: Shop) -> Check:
    spec = dg.AssetCheckSpec(
        "breaker_closed",
        asset=dg.AssetKey([shop.shop, "orders"]),
        description="The platform answers: at most 5 % of at least 20 calls within ten minutes failed. While it does not, "
        "the last 48 hours are read whole once an hour instead of increments.",
    )

    def breaker_closed(_: duckdb.DuckDBPyConnection, pipeline: Pipeline) -> dg.AssetCheckResult:
        state = pipeline.breaker(shop.shop)
        return dg.AssetCheckResult(
            passed=not state.is_open,
            severity=dg.AssetCheckSeverity.WARN,  # nothing is lost, and it ends by itself
            description=f"{shop.shop}: breaker {state}.",
            metadata={"calls": state.calls, "failures": state.failures},
        )

    return spec, breaker_closed


def _usual(shop: Shop) -> Check:
    spec = dg.AssetCheckSpec(
        "as_usual",
        asset=dg.AssetKey([shop.shop, "orders"]),
        description="The platform's lists are neither much shorter nor much slower than at this hour of the two weeks before.",
    )

    def usual(con: duckdb.DuckDBPyConnection, pipeline: Pipeline) -> dg.AssetCheckResult:
        now = pipeline.clock.now()
        found = unusual(
            con, shop.shop, freshness(con, shop.shop, FEEDS[FeedName.ORDERS_BY_MODIFIED], now).covered_until, now
        )
        return dg.AssetCheckResult(
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,  # odd is not wrong: a promotion that ended looks the same
            description="\n".join(found) or "As usual, or too few days to compare with.",
        )

    return spec, usual
