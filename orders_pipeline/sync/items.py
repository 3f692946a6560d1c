"""A stock snapshot: every item that is on sale or in stock, with its SKUs, quantities and prices."""

from __future__ import annotations

from orders_pipeline.sync.context import Context, PullReport

ITEMS_A_CALL = 20
"""The platform's limit for items read by id."""


def pull_items(ctx: Context) -> PullReport:
    """Land one snapshot. About one call for 20 items and one for 200 ids."""
    calls_before = ctx.caller.calls
    ids: dict[str, None] = {}
    for on_sale in (True, False):
        page_no, met, total = 1, 0, None
        while total is None or met < total:
            page = ctx.caller.call(ctx.platform.item_ids(page_no, on_sale=on_sale))
            total = page.total if page.total is not None else met + page.row_count
            if not page.keys:
                break  # items were delisted while the list was read
            ids.update((item_id, None) for item_id, _ in page.keys)
            met += page.row_count
            page_no += 1
    known = list(ids)
    report = ctx.land_single(
        "full",
        [ctx.platform.items(known[first : first + ITEMS_A_CALL]) for first in range(0, len(known), ITEMS_A_CALL)],
    )
    return report + PullReport(report.api, calls=ctx.caller.calls - calls_before - report.calls)
