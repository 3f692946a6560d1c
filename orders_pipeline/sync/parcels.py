"""Which parcels are worth a call: unsigned ones that have just crossed 24, 72 or 120 hours without news.

A trace for every parcel would cost days of quota; parcels that were finished at the first load stay ``not_fetched``.
"""

from __future__ import annotations

from datetime import datetime

from orders_pipeline.platforms.base import FeedName
from orders_pipeline.sync.context import Context, PullReport

TIERS_HOURS = (24, 72, 120)
"""Not picked up after a day, not moving after three, lost after five: the ages at which a buyer complains."""

MOST_A_RUN = 500
"""Five minutes of the default quota; what is left over is due again at the next run."""

_DUE = """
SELECT DISTINCT p.order_id
FROM core.parcels p
JOIN core.orders o USING (platform, shop, order_id)
LEFT JOIN core.traces t USING (platform, shop, order_id, tracking_number),
LATERAL (SELECT max(p.shipped_at + to_hours(h)) AS crossed FROM (SELECT unnest($tiers) AS h)
         WHERE p.shipped_at + to_hours(h) <= $now) tier
WHERE p.shop = $shop AND p.signed_at IS NULL AND o.status IN ('shipped', 'part_shipped')
  AND tier.crossed > $since AND (t.synced_at IS NULL OR t.synced_at < tier.crossed)
ORDER BY p.order_id LIMIT $most
"""


def pull_traces(ctx: Context) -> PullReport:
    """Land the traces of parcels that crossed a tier since the first load and have not been looked at since."""
    now = ctx.caller.platform_now()
    return ctx.land_single("incremental", [ctx.platform.trace(order_id) for order_id in _due_orders(ctx, now)])


def _due_orders(ctx: Context, now: datetime) -> list[str]:
    since = ctx.ledger().first_read(ctx.feed(FeedName.ORDERS_BY_CREATED).api)
    if since is None:
        return []
    with ctx.warehouse.read() as con:
        rows = con.execute(
            _DUE,
            {"shop": ctx.shop.shop, "now": now, "since": since, "tiers": list(TIERS_HOURS), "most": MOST_A_RUN},
        ).fetchall()
    return [order_id for (order_id,) in rows]
