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

PARCELS_A_FILE = 50
"""What has been read so far lands: an error at the last parcel costs half a minute of quota, not five."""

_DUE = """
SELECT p.order_id, p.tracking_number, tier.crossed, coalesce(lines.ids, []), parcels.count > 1
FROM core.parcels p
JOIN core.orders o USING (platform, shop, order_id)
LEFT JOIN core.traces t USING (platform, shop, order_id, tracking_number)
LEFT JOIN (SELECT platform, shop, order_id, tracking_number, list(line_id ORDER BY line_id) AS ids FROM core.parcel_lines
           GROUP BY ALL) lines USING (platform, shop, order_id, tracking_number)
JOIN (SELECT platform, shop, order_id, count(*) AS count FROM core.parcels GROUP BY ALL) parcels
  USING (platform, shop, order_id),
LATERAL (SELECT max(p.shipped_at + to_hours(h)) AS crossed FROM (SELECT unnest($tiers) AS h)
         WHERE p.shipped_at + to_hours(h) <= $now) tier
WHERE p.shop = $shop AND p.signed_at IS NULL AND o.status IN ('shipped', 'part_shipped')
  AND tier.crossed > $since AND (t.synced_at IS NULL OR t.synced_at < tier.crossed)
ORDER BY tier.crossed, p.order_id, p.tracking_number
"""


def pull_traces(ctx: Context) -> PullReport:
    """Land the traces of parcels that crossed a tier since the first load and have not been asked for since."""
    now = ctx.caller.platform_now()
    due = _due(ctx, now)
    report = PullReport("")
    for first in range(0, len(due), PARCELS_A_FILE):
        some = due[first : first + PARCELS_A_FILE]
        requests = [ctx.platform.trace(order_id, lines) for order_id, _, lines in some]
        # a parcel that the platform does not follow has no trace to land; that it was asked for is remembered all the same
        report += ctx.land_single("incremental", requests, skip_unlisted=True)
        ctx.ops.note_trace_asked(ctx.shop.shop, [(order_id, number) for order_id, number, _ in some], now)
    return report


def _due(ctx: Context, now: datetime) -> list[tuple[str, str, list[str]]]:
    """(order id, tracking number, line ids where the order was split) of the parcels that are due, longest due first."""
    since = ctx.ledger().first_read(ctx.feed(FeedName.ORDERS_BY_CREATED).api)
    if since is None:
        return []
    with ctx.warehouse.read() as con:
        rows = con.execute(
            _DUE, {"shop": ctx.shop.shop, "now": now, "since": since, "tiers": list(TIERS_HOURS)}
        ).fetchall()
    asked = ctx.ops.traces_asked(ctx.shop.shop)
    return [
        (order_id, number, lines if split else [])
        for order_id, number, crossed, lines, split in rows
        if (order_id, number) not in asked or asked[order_id, number] < crossed
    ][:MOST_A_RUN]
