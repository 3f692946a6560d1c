"""How late a shop is, read from the ledger: a materialization that found nothing new is as fresh as one that did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orders_pipeline.sync.ledger import Ledger
from orders_pipeline.sync.windows import NORMAL_LAG, merge, reachable, wall

if TYPE_CHECKING:
    import duckdb

    from orders_pipeline.platforms.base import Feed

LATE = NORMAL_LAG

TOO_LATE = timedelta(hours=1)
"""From here on forecasts and stock miss what a person would notice; somebody should look."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """Up to when a shop's orders are complete without a hole."""

    shop: str
    covered_until: datetime | None  # None: nothing has been read by modified time yet
    lag: timedelta | None

    @property
    def late(self) -> bool:
        return self.lag is None or self.lag > LATE

    @property
    def too_late(self) -> bool:
        return self.lag is None or self.lag > TOO_LATE

    def __str__(self) -> str:
        if self.covered_until is None or self.lag is None:
            return f"{self.shop}: no window has been read yet; run `orders-pipeline sync --shop {self.shop}`."
        minutes = round(self.lag.total_seconds() / 60)
        return f"{self.shop}: orders are complete up to {self.covered_until:%Y-%m-%d %H:%M} UTC, {minutes} minutes ago."


def freshness(con: duckdb.DuckDBPyConnection, shop: str, feed: Feed, now: datetime) -> Freshness:
    """Where the first gapless stretch of closed windows of ``feed`` (orders by modified) ends, measured at ``now``.

    Of several disjoint stretches the oldest counts: behind a hole nothing is known to be complete. A hole that the platform
    lists nothing of any more counts no longer: what it took stays lost however often somebody syncs.
    """
    covered = reachable(merge(Ledger.read(con, shop).covered(feed.api)), wall(feed, now))
    if not covered:
        return Freshness(shop, None, None)
    until = covered[0].end.astimezone(UTC)
    return Freshness(shop, until, now - until)
