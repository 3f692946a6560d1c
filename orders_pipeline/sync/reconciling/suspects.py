"""Windows that were read short: the platform counted rows and would not show them. Read again each night till they are whole."""

from __future__ import annotations

from datetime import UTC, datetime

from orders_pipeline.platforms.base import Feed, Window
from orders_pipeline.sync.applying import apply_files
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.reconciling.comparing import read_segments
from orders_pipeline.sync.reconciling.healing import mend
from orders_pipeline.sync.reconciling.recording import Outcome, ledger_before
from orders_pipeline.sync.windows import wall

MOST_WINDOWS = 10
"""Re-read in a night: half an hour each, so some tens of calls."""

_SHORT = """
SELECT window_start, window_end FROM ops.sync_windows AS w
WHERE shop = ? AND api = ? AND shortfall > 0 AND window_start >= ? AND NOT EXISTS (
  FROM ops.sync_windows AS n WHERE n.shop = w.shop AND n.api = w.api AND n.fetched_at > w.fetched_at AND n.shortfall = 0
    AND n.window_start <= w.window_start AND n.window_end >= w.window_end)
GROUP BY ALL ORDER BY window_start DESC LIMIT ?
"""


def read_again(ctx: Context, feed: Feed, settled: datetime) -> list[Outcome]:
    """Read short windows of a list again; those that are whole now enter the ledger, which clears them. The windows in which
    something was found to differ."""
    with ctx.warehouse.read() as con:
        named = [ctx.shop.shop, feed.api, wall(feed, settled), MOST_WINDOWS]
        short = [Window(*(i.astimezone(UTC) for i in row)) for row in con.execute(_SHORT, named).fetchall()]
    outcomes = []
    for window in short:
        ledger = ledger_before(ctx, feed)
        outcome = Outcome(feed, window, "ids", 0, 0)
        for segment in read_segments(ctx, feed, window):
            mended = mend(ctx, segment, settled, heal=True)
            if segment.read.complete and not mended.before.missing and not mended.before.stale:
                file = ctx.land_window(feed, segment.window, "refetch", segment.read, segment.fetched_at)
                apply_files(ctx, [file])
            outcome.take(ctx, mended, settled, ledger)
        if outcome.findings:
            outcomes.append(outcome)
    return outcomes
