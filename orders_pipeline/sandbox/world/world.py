"""A shop that lives: a queue of events in time order, from the first order to the last refund.

Deterministic for a seed whatever the steps of ``advance``: each day's plans and each order's luck have generators of
their own, and events of one second have a fixed order. What happens at an event is in the rooms beside this one.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from datetime import datetime
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from orders_pipeline.sandbox.world import (
    buyers,
    catalogue,
    demand,
    endings,
    events,
    orders,
    parcels,
    payments,
    refunds,
    stock,
)  # fmt: skip
from orders_pipeline.sandbox.world.profile import PROFILE
from orders_pipeline.sandbox.world.say import Say
from orders_pipeline.sandbox.world.wire import DAY, HOUR, shop_seconds

if TYPE_CHECKING:
    from orders_pipeline.sandbox.store import Store

PRODUCTS = 120  # about 250 SKUs: a middling Tmall shop
_SEED_SPACING = 10**15  # ids of shops with different seeds do not meet

_HANDLERS: dict[int, Callable[[World, Any, int, int], None]] = {
    events.SIGN_UP: orders.sign_up, events.DEPOSIT: payments.deposit, events.MODIFY_FEE: orders.modify_fee,
    events.PENDING: payments.pending, events.PAY: payments.pay, events.EXPIRE: payments.expire,
    events.RELEASE: payments.release, events.MEMO: payments.memo, events.SHIP: parcels.ship, events.TRACE: parcels.move,
    events.SIGN_COD: endings.sign_cod, events.PART_CONFIRM: endings.confirm_part, events.ASK_REFUND: refunds.ask,
    events.REFUND_STEP: refunds.step, events.FINISH: endings.finish, events.DELIVERY: stock.deliver,
    events.REVIEW: stock.review_all,
}  # fmt: skip


class World:
    """Writes one seller's life into a store.

    ``start`` is aware: the shop opens then, with full shelves. ``orders_per_day`` is the level of an ordinary day;
    peaks and dips multiply it. ``products`` sets the size of the catalogue. ``step_paid_total``: after the final payment
    of a presale ``step_paid_fee`` holds all that was paid instead of the deposit (sources do not say, decisions 3).
    ``hour_shares``: of the day's orders, 24 of any sum.
    """

    def __init__(
        self, store: Store, seed: int, start: datetime, orders_per_day: int, *,
        products: int = PRODUCTS, step_paid_total: bool = False,
        hour_shares: Sequence[float] = PROFILE.hour_shares,
    ) -> None:  # fmt: skip
        self.store = store
        self.say = Say(store)
        self.step_paid_total = step_paid_total
        self.horizon = self._start = shop_seconds(start)
        self.first_tid = orders.FIRST_TID + seed % 1000 * _SEED_SPACING
        self.first_refund = refunds.FIRST_REFUND + seed % 1000 * _SEED_SPACING // 10
        self._seed = seed
        self._orders_per_day = orders_per_day
        self._hour_shares = hour_shares
        self._heap: list[tuple[int, int, int, int, Any]] = []
        self._count = 0
        day = self._start // DAY
        self._units = catalogue.build(seed, products, self._start)
        shares = demand.weights(self._units, day)
        sold = orders_per_day * 1.5 * 1.25  # lines an order, pieces a line
        rates = [float(here - before) * sold for before, here in zip([0.0, *shares[:-1]], shares, strict=True)]
        self.shelves = [
            stock.Shelf(unit, seed, rate or orders_per_day * 0.05, self._start)
            for unit, rate in zip(self._units, rates, strict=True)
        ]
        self.gift = next((shelf for shelf in self.shelves if shelf.unit.gift), None)
        for unit in self._units:
            store.put_item(unit.item)
        self.schedule(day * DAY, events.NEW_DAY, None)
        self.schedule(
            day * DAY + stock.REVIEW_HOUR * HOUR + (DAY if self._start % DAY > 9 * HOUR else 0), events.REVIEW, None
        )

    def schedule(self, t: int, code: int, subject: Any, arg: int = 0, *, key: int | None = None) -> None:
        """Let an event happen at ``t``. ``key``: the order's number, for a subject that has none; shelves are below 0."""
        heappush(
            self._heap, (t, (subject.number if subject is not None else 0) if key is None else key, code, arg, subject)
        )

    def advance(self, to: datetime) -> None:
        """Let everything happen that happens up to and including ``to`` (aware)."""
        until = shop_seconds(to)
        if until < self.horizon:
            return
        bulk = until - self.horizon >= DAY and gc.isenabled()
        self.horizon = until
        if bulk:
            gc.disable()  # a history makes millions of dicts that all stay: walking them again and again doubles the time
        try:
            self._run(until)
        finally:
            if bulk:
                gc.enable()

    def _run(self, until: int) -> None:
        heap, handlers = self._heap, _HANDLERS
        while heap and heap[0][0] <= until:
            t, number, code, arg, subject = heappop(heap)
            if code == events.ARRIVE:
                orders.arrive(self, subject, t, number)
            elif code == events.NEW_DAY:
                self._new_day(t)
            else:
                handlers[code](self, subject, t, arg)

    def _new_day(self, t: int) -> None:
        for plan in buyers.plans(self._seed, t // DAY, self._orders_per_day, self._units, self._hour_shares):
            if plan.created >= self._start:
                self._count += 1
                heappush(self._heap, (plan.created, self._count, events.ARRIVE, 0, plan))
        self.schedule(t + DAY, events.NEW_DAY, None)
