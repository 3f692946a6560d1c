"""The night's comparison: count everything, look closer only where counts differ, mend, and sample the rest.

Counts of a list by modified are a moving target: a row that changes leaves its window on both sides, but here only with the
next tail. So the tail is read before counting; where a count differs it is read again and the window counted again on both
sides, and only what still differs is a difference. What then moves between that count and the reading shows by its id, asked
for singly: a version newer than the tail is no difference either.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from orders_pipeline.platforms.base import FeedName
from orders_pipeline.settings import UserError
from orders_pipeline.sync.applying import TAIL_OVERLAP, read_tail
from orders_pipeline.sync.context import Context
from orders_pipeline.sync.reconciling.bisecting import Leaf, bisect
from orders_pipeline.sync.reconciling.comparing import read_segments
from orders_pipeline.sync.reconciling.counting import Slot, count_here, count_there, hours_of, read_since, slots
from orders_pipeline.sync.reconciling.healing import mend
from orders_pipeline.sync.reconciling.recording import Outcome, ledger_before, record, summed
from orders_pipeline.sync.reconciling.report import Calls, ReconciliationReport
from orders_pipeline.sync.reconciling.sampling import sample
from orders_pipeline.sync.reconciling.suspects import read_again
from orders_pipeline.sync.reconciling.tables import Tables
from orders_pipeline.sync.reconciling.unlisted import ask_again, settle
from orders_pipeline.sync.windows import closed_end

SAMPLED = (FeedName.ORDERS_BY_CREATED, FeedName.REFUNDS_BY_MODIFIED)

SUSPECTED = (FeedName.ORDERS_BY_MODIFIED, FeedName.ORDERS_BY_CREATED, FeedName.REFUNDS_BY_MODIFIED)


def reconcile_night(ctx: Context, day: date, *, heal: bool, spent: int = 0) -> ReconciliationReport:
    """Compare ``day`` by modified and the 90 days up to it by created; rows in ``ops.reconciliations``.

    61 counting calls where nothing differs, at most 7 more for each row that does, and what is read again; the sample comes
    on top. ``spent`` are calls that catching up took before. Raises PlatformError, and UserError for a day that is not over.
    """
    if hours_of(day)[-1].end > closed_end(ctx.caller.platform_now()):
        raise UserError(f"{day} is not over yet, or not for three minutes: compare it later, or a day before it.")
    meter = _Meter(ctx)
    settled = _catch_up(ctx)
    spent += meter.lap()
    counted = _counted(ctx, count_here(ctx, slots(ctx, day, settled), settled), settled)
    counting = meter.lap()
    differing = [slot for slot in counted if slot.differs]
    if differing:
        settled = _catch_up(ctx)
        spent += meter.lap()
        again = _counted(ctx, count_here(ctx, differing, settled), settled)
        counted = [_newest(slot, again) for slot in counted]
        differing = [slot for slot in again if slot.differs]
    differences = [_outcome(slot, slot.platform - slot.here or slot.unlike) for slot in counted]
    at = record(ctx, differences)  # red, should the run end here
    leaves = {_key(slot): _leaves(ctx, slot, settled) for slot in differing}
    bisecting = meter.lap()
    outcomes = {_key(slot): _outcome(slot) for slot in counted}
    for slot, leaf in _missing_first(differing, leaves):
        _look_closer(ctx, outcomes[_key(slot)], slot, leaf, settled, heal=heal)
    if differing:
        record(ctx, [outcomes[_key(slot)] for slot in differing], at)
    if heal:
        for name in SUSPECTED:
            found = read_again(ctx, ctx.feed(name), settled)
            record(ctx, found)
            outcomes |= {(outcome.feed.api, outcome.window, "again"): outcome for outcome in found}
        for name in SAMPLED:
            ask_again(ctx, ctx.feed(name))
    refetching = meter.lap()
    for name in SAMPLED:
        feed = ctx.feed(name)
        since = read_since(ctx, feed, settled)
        sampled = sample(ctx, feed, day, since, settled, heal=heal) if since else None
        if sampled:
            outcomes[(feed.api, sampled.window, "sample")] = sampled
    ctx.warehouse.flush()
    if heal:
        settle(ctx, outcomes.values())
        ctx.warehouse.flush()
    calls = Calls(spent, counting, bisecting, refetching, meter.lap())
    return summed(ctx.shop.shop, day, list(outcomes.values()), calls)


class _Meter:
    """Calls since it was last asked."""

    def __init__(self, ctx: Context) -> None:
        self._caller = ctx.caller
        self._calls = ctx.caller.calls

    def lap(self) -> int:
        before, self._calls = self._calls, self._caller.calls
        return self._calls - before


def _catch_up(ctx: Context) -> datetime:
    """Read the tail; the instant up to which everything that changed is here now, and readers see it."""
    read_until = read_tail(ctx).read_until
    ctx.warehouse.flush()
    return read_until - TAIL_OVERLAP


def _counted(ctx: Context, here: list[Slot], settled: datetime) -> list[Slot]:
    found = []
    for done, slot in enumerate(here, start=1):
        found.append(count_there(ctx, slot, settled))
        ctx.progress(f"{ctx.shop.shop}: counting windows", done, len(here))
    return found


def _leaves(ctx: Context, slot: Slot, settled: datetime) -> list[Leaf]:
    if slot.unlike:  # one page, and counts need not tell where in it
        return [Leaf(slot.window, slot.platform, slot.here)]
    with ctx.warehouse.read() as con:
        instants = Tables(con, ctx.shop.shop, slot.feed, settled).instants(slot.window)
    return bisect(
        slot.window,
        slot.platform,
        instants,
        lambda window: ctx.caller.call(ctx.platform.count(slot.feed, window)),
        slot.feed.page_size,
    )


def _missing_first(differing: list[Slot], leaves: dict[tuple[object, ...], list[Leaf]]) -> Iterable[tuple[Slot, Leaf]]:
    """Leaves that lack rows here before those that have too many: a row that came back in its new version leaves the window
    of its old one, which need not be read then."""
    found = [(slot, leaf) for slot in differing for leaf in leaves[_key(slot)]]
    return sorted(found, key=lambda pair: pair[1].platform < pair[1].here)


def _look_closer(ctx: Context, outcome: Outcome, slot: Slot, leaf: Leaf, settled: datetime, *, heal: bool) -> None:
    with ctx.warehouse.read() as con:
        if (
            leaf.platform < leaf.here
            and Tables(con, ctx.shop.shop, slot.feed, settled).count(leaf.window) == leaf.platform
        ):
            return
    ledger = ledger_before(ctx, slot.feed)
    for segment in read_segments(ctx, slot.feed, leaf.window):
        outcome.take(ctx, mend(ctx, segment, settled, heal=heal), settled, ledger)


def _outcome(slot: Slot, unexplained: int = 0) -> Outcome:
    return Outcome(slot.feed, slot.window, "count", slot.platform, slot.here, unexplained=unexplained)


def _newest(slot: Slot, again: list[Slot]) -> Slot:
    return next((newer for newer in again if _key(newer) == _key(slot)), slot)


def _key(slot: Slot) -> tuple[object, ...]:
    return slot.feed.api, slot.window
