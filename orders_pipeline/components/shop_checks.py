"""The checks of one shop: the rules of its tables, and how late its ledger is."""

from collections.abc import Sequence

import dagster as dg

from orders_pipeline.components.checks import rule_check
from orders_pipeline.components.resources import Pipeline
from orders_pipeline.components.steps import failing_in_one_line
from orders_pipeline.platforms.base import FeedName
from orders_pipeline.platforms.taobao.feeds import FEEDS
from orders_pipeline.quality import SHOP_RULES, freshness
from orders_pipeline.quality.freshness import LATE, TOO_LATE
from orders_pipeline.shops import Shop


def shop_checks(shop: Shop) -> Sequence[dg.AssetChecksDefinition]:
    """Every rule of the shop's tables and the freshness of its orders."""
    rules = [rule_check(rule, dg.AssetKey([shop.shop, rule.asset]), shop.shop) for rule in SHOP_RULES]
    return [*rules, _freshness_check(shop)]


def _freshness_check(shop: Shop) -> dg.AssetChecksDefinition:
    api = FEEDS[FeedName.ORDERS_BY_MODIFIED].api

    @dg.asset_check(
        asset=[shop.shop, "orders"],
        name="fresh",
        description=(
            f"Orders are complete, without a hole in the ledger, up to {LATE} (h:mm:ss) ago; a warning above that, an error "
            f"above {TOO_LATE}."
        ),
    )
    def fresh(pipeline: dg.ResourceParam[Pipeline]) -> dg.AssetCheckResult:
        with failing_in_one_line(), pipeline.warehouse().read() as con:
            found = freshness(con, shop.shop, api, pipeline.clock.now())
        return dg.AssetCheckResult(
            passed=not found.late,
            severity=dg.AssetCheckSeverity.ERROR if found.too_late else dg.AssetCheckSeverity.WARN,
            description=str(found),
            metadata={"lag_seconds": found.lag.total_seconds()} if found.lag is not None else {},
        )

    return fresh
