"""A stock snapshot: every item that is on sale or in stock, with its SKUs, quantities and prices."""

from __future__ import annotations

from orders_pipeline.sync.context import Context, PullReport

ITEMS_A_CALL = 20
"""The platform's limit for items read by id."""

MOST_PASSES = 4
"""Over a list of ids that items leave and enter while it is paged; what is then still short is landed as incomplete."""


def pull_items(ctx: Context) -> PullReport:
    """Land one snapshot: about one call for 20 items and one for 200 ids.

    Channel ``full`` says that every item of the shop is in it, so that the tables may drop what is not; where the list kept
    moving the snapshot lands as ``refetch``, which drops nothing.
    """
    calls_before = ctx.caller.calls
    ids: dict[str, None] = {}
    complete = True
    for on_sale in (True, False):
        found, whole = _read_ids(ctx, on_sale)
        ids.update(dict.fromkeys(found))
        complete = complete and whole
    known = list(ids)
    requests = [ctx.platform.items(known[first : first + ITEMS_A_CALL]) for first in range(0, len(known), ITEMS_A_CALL)]
    report = ctx.land_single("full" if complete else "refetch", requests)
    return report + PullReport(report.api, calls=ctx.caller.calls - calls_before - report.calls)


def _read_ids(ctx: Context, on_sale: bool) -> tuple[set[str], bool]:
    """Ids of one of the two lists, and whether a pass met as many as the list counted before and after."""
    found: set[str] = set()
    for _ in range(MOST_PASSES):
        met: set[str] = set()
        counts: set[int] = set()
        page_no = 1
        while True:
            page = ctx.caller.call(ctx.platform.item_ids(page_no, on_sale=on_sale))
            met.update(item_id for item_id, _ in page.keys)
            counts.add(page.total if page.total is not None else len(met))
            if not page.keys or len(met) >= max(counts):
                break
            page_no += 1
        found |= met
        if counts == {len(met)}:
            return found, True
    return found, False
