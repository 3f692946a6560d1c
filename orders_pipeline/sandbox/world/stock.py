"""Stock of the units: withheld on order, taken on payment (sub_stock 2), replenished by a merchant who is not perfect.

The quantities live in the store's wire dicts, so a change by a client through the stock APIs counts at once.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from orders_pipeline.sandbox.world import demand
from orders_pipeline.sandbox.world.wire import DAY, HOUR, stamp

if TYPE_CHECKING:
    from orders_pipeline.sandbox.world.catalogue import Unit
    from orders_pipeline.sandbox.world.world import World

REVIEW_HOUR = 9  # the merchant looks at the stock in the morning
REVIEW_DAYS = 7  # and buys enough for another week on top of the lead time
MEMORY = 0.85  # of the sales rate per day: a memory of about a week
LATE_SHARE = 0.05  # of deliveries take twice their lead time
CASE = 10  # suppliers deliver in tens


class Shelf:
    """One unit's stock. ``owed``: paid for, but nothing was left (oversold); the next delivery serves them first."""

    __slots__ = ("_dice", "on_order", "owed", "rate", "sold_today", "unit")

    def __init__(self, unit: Unit, seed: int, rate: float, t: int) -> None:
        self.unit = unit
        self.rate = rate
        self.sold_today = 0
        self.on_order = 0
        self.owed = 0
        self._dice = Random(f"shelf {seed} {unit.index}")  # noqa: S311  a simulation, not a secret
        self._add(int(rate * (unit.lead_days + REVIEW_DAYS) * demand.outlook(t // DAY, REVIEW_DAYS)) + CASE, t)

    @property
    def quantity(self) -> int:
        """Units that can be sold, as the platform gives it (withheld ones are still in it)."""
        unit = self.unit
        return int(unit.item["num"] if unit.sku is None else unit.sku["quantity"])

    def withhold(self, num: int) -> None:
        """Count ``num`` ordered, unpaid units; negative when they are paid or given up."""
        self.unit.item["with_hold_quantity"] += num
        if self.unit.sku is not None:
            self.unit.sku["with_hold_quantity"] += num

    def take(self, num: int, t: int) -> bool:
        """Deduct paid units; True if fewer were there (oversold)."""
        there = self.quantity
        taken = min(num, there)
        self._add(-taken, t)
        self.sold_today += num
        self.owed += num - taken
        self.unit.item["sold_quantity"] += num
        return taken < num

    def put_back(self, num: int, t: int) -> None:
        """Units that come in or were never sent; what is owed is served first."""
        served = min(num, self.owed)
        self.owed -= served
        self._add(num - served, t)

    def _add(self, num: int, t: int) -> None:
        unit = self.unit
        unit.item["num"] += num
        unit.item["modified"] = text = stamp(t)
        if unit.sku is not None:
            unit.sku["quantity"] += num
            unit.sku["modified"] = text

    def review(self, t: int) -> tuple[int, int] | None:
        """The morning's decision: (quantity ordered, instant of its delivery), or None."""
        self.rate = MEMORY * self.rate + (1 - MEMORY) * self.sold_today
        self.sold_today = 0
        unit, day = self.unit, t // DAY
        position = self.quantity - self.owed + self.on_order
        horizon = unit.lead_days + REVIEW_DAYS
        expected = self.rate * horizon * demand.outlook(day, horizon)
        # cover below 1 is a careless merchant: these run out now and then
        if position >= max(expected * unit.cover * unit.lead_days / horizon, 1):
            return None
        quantity = max(int(expected * max(unit.cover, 1.0) - position) // CASE + 1, 1) * CASE
        days = unit.lead_days * self._dice.lognormvariate(0.0, 0.2) * (2 if self._dice.random() < LATE_SHARE else 1)
        self.on_order += quantity
        return quantity, (day + max(round(days), 1)) * DAY + 10 * HOUR + self._dice.randrange(6 * HOUR)


def review_all(world: World, _subject: object, t: int, _arg: int) -> None:
    """Event: the daily review of every shelf, and the date of the next one."""
    from orders_pipeline.sandbox.world.events import DELIVERY, REVIEW

    for shelf in world.shelves:
        decision = shelf.review(t)
        if decision:
            quantity, due = decision
            world.schedule(due, DELIVERY, shelf, quantity, key=-1 - shelf.unit.index)
    world.schedule(t + DAY, REVIEW, None)


def deliver(world: World, shelf: Shelf, t: int, quantity: int) -> None:
    """Event: a delivery arrives."""
    shelf.on_order -= quantity
    shelf.put_back(quantity, t)
    world.say.stock(shelf, t, quantity)
