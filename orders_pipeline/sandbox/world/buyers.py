"""What each buyer of a day is going to do, drawn in columns for a whole day at once (numpy), because speed matters.

A plan is only an intention: what becomes of it depends on stock, refunds and parcels. Payment delay, unpaid and refund
shares are fitted (``profile.py``); every other share here is an assumption, with its reason beside it where it has one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from orders_pipeline.sandbox.world import demand, people
from orders_pipeline.sandbox.world.catalogue import Unit
from orders_pipeline.sandbox.world.profile import DELAY_LEVELS, PROFILE
from orders_pipeline.sandbox.world.wire import DAY, HOUR

FIXED, STEP, COD = range(3)
NEVER, BEFORE_SHIPPING, IN_TRANSIT, AFTER_SIGNING, AFTER_FINISH = range(5)

PAY_WITHIN = DAY  # Tmall closes an unpaid order after a day; the longest delay in the data is 23.9 hours
COD_SHARE = 0.02  # cash on delivery has nearly died out
LINE_SHARES = (0.65, 0.23, 0.09, 0.03)  # 1 to 4 lines, mean 1.5
NUM_SHARES = (0.84, 0.11, 0.03, 0.02)  # 1, 2, 3, 5 pieces a line
NUMS = (1, 2, 3, 5)
ASKED_PER_REFUNDED = 1.16
"""Refund requests per refunded order: some are withdrawn or exchanged (``refunds.py``); checked by a test."""
REFUND_MOMENTS = (0.45, 0.15, 0.28, 0.12)
"""Before shipping, in transit, after signing, after the trade finished: the data has no refund times [assumption]."""
SPLIT_SHARE = 0.3  # of orders with several lines travel in two parcels, half of them sent on another day
STALL_SHARE, LOST_SHARE, UNTRACKED_SHARE = 0.025, 0.002, 0.02
CANCEL_SHARE = 0.35  # of unpaid orders are cancelled by the buyer before the time-out
GIFT_FROM = 29900  # fen: orders above get the free gift
QUIRKS = 1000
"""``Plan.quirk`` is 0 to 999; rare habits own disjoint ranges of it, so that none meets another."""


class Plan(NamedTuple):
    """One buyer's intentions. Delays in seconds."""

    created: int
    cart: list[tuple[int, int]]
    """(unit index, pieces), at least one."""
    kind: int
    pays: bool
    pay_delay: int
    give_up_delay: int
    """To the cancellation, or the time-out, of an order that is never paid."""
    ship_delay: int
    split_delay: int
    """Of the second parcel: -1 no second parcel, 0 sent together."""
    transit: int
    stall: int
    """Seconds for which the parcel stands still; -1 lost, -2 not tracked."""
    confirm_delay: int
    refund: int
    refund_luck: float
    """0..1: where in its phase the refund is asked for."""
    full_refund: bool
    place: int
    buyer: int
    coupon: int
    quirk: int
    dice: int
    """Seed of this order's own generator, for what is too rare for a column."""


def plans(
    seed: int, day: int, orders_per_day: int, units: Sequence[Unit], hour_shares: Sequence[float]
) -> Iterator[Plan]:
    """The plans of one day, by time of creation. The same for a seed and day, whatever was drawn before."""
    rng = np.random.default_rng([seed, day])
    created = demand.arrivals(rng, day, orders_per_day, hour_shares)
    n = len(created)
    lines = rng.choice(4, n, p=LINE_SHARES) + 1
    drawn = np.searchsorted(demand.weights(units, day), rng.random(int(lines.sum())), side="right").tolist()
    nums = np.array(NUMS)[rng.choice(4, len(drawn), p=NUM_SHARES)].tolist()
    carts, position = [], 0
    for count in lines.tolist():
        # a unit that was drawn twice is one line, as in a real basket
        carts.append(
            list(dict(zip(drawn[position : position + count], nums[position : position + count], strict=True)).items())
        )
        position += count
    presale_share, _ = demand.presale(day)
    kind = rng.choice(3, n, p=(1 - presale_share - COD_SHARE, presale_share, COD_SHARE))
    delays = np.interp(rng.random(n), DELAY_LEVELS, PROFILE.payment_delays)
    give_up = np.where(rng.random(n) < CANCEL_SHARE, rng.random(n) * PAY_WITHIN, PAY_WITHIN)
    split = np.where(rng.random(n) < SPLIT_SHARE, np.where(rng.random(n) < 0.5, 0, rng.random(n) * 2 * DAY + HOUR), -1)
    stall = np.where(
        rng.random(n) < STALL_SHARE, (2 + 6 * rng.random(n)) * DAY, 0
    )  # beyond the 72 h that raise an alarm
    odd = rng.random(n)
    stall = np.where(odd < LOST_SHARE, -1, np.where(odd > 1 - UNTRACKED_SHARE, -2, stall))
    stall = np.where((kind == COD) & (stall == -1), 0, stall)  # what is lost on the way to the door is not modelled
    asks = rng.random(n) < PROFILE.refunded_share * ASKED_PER_REFUNDED
    refund = np.where(asks, rng.choice(4, n, p=REFUND_MOMENTS) + 1, NEVER)
    shares = np.array([place.share for place in people.PLACES])
    columns = (
        kind, rng.random(n) >= PROFILE.unpaid_share, delays.astype(np.int64) + 1, give_up.astype(np.int64) + 1,
        # most parcels leave within a day, one in twenty after two days; couriers take one to five days
        rng.lognormal(np.log(14 * HOUR), 0.7, n).astype(np.int64), split.astype(np.int64),
        np.clip(rng.lognormal(np.log(62 * HOUR), 0.35, n), 20 * HOUR, 7 * DAY).astype(np.int64), stall.astype(np.int64),
        # buyers confirm days later, four in ten never: the platform does it ten days after shipping
        rng.lognormal(np.log(6 * DAY), 1.0, n).astype(np.int64), refund, rng.random(n),
        rng.random(n) < PROFILE.full_refund_share, rng.choice(len(shares), n, p=shares / shares.sum()),
        rng.integers(0, people.POPULATION, n), np.where(rng.random(n) < 0.12, 500, 0), rng.integers(0, QUIRKS, n),
        rng.integers(0, 2**62, n),
    )  # fmt: skip
    return map(Plan._make, zip(created, carts, *(column.tolist() for column in columns), strict=True))
