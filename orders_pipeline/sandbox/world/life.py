"""One order's life: its plan, its wire Trade and what the world remembers of it. State only, no behaviour of the shop."""

from __future__ import annotations

from random import Random
from typing import Any

from orders_pipeline.sandbox.world.buyers import BEFORE_SHIPPING, IN_TRANSIT, Plan
from orders_pipeline.sandbox.world.stock import Shelf

Wire = dict[str, Any]


class Line:
    """One order line. ``paid`` (fen) is the line's share of the payment without freight (divide_order_fee)."""

    __slots__ = ("closed", "discount", "num", "open_refund", "paid", "refunded", "shelf", "shipped", "taken", "wire")

    def __init__(self, shelf: Shelf, num: int, wire: Wire, discount: int) -> None:
        self.shelf = shelf
        self.num = num
        self.wire = wire
        self.discount = discount
        self.paid = 0
        self.refunded = 0
        self.taken = False  # deducted from stock
        self.shipped = False
        self.closed = False
        self.open_refund = False

    @property
    def gift(self) -> bool:
        return bool(self.wire["is_free_gift"])


class Life:
    """One order. ``number`` counts orders of this world; money in fen, instants in shop seconds."""

    __slots__ = ("_dice", "adjust", "cases", "discount", "due", "held", "lines", "number", "paid_at", "parcels",
                 "payment", "plan", "post", "received", "signs_at", "tid", "trade")  # fmt: skip

    def __init__(self, number: int, tid: int, plan: Plan, trade: Wire, lines: list[Line]) -> None:
        self.number = number
        self.tid = tid
        self.plan = plan
        self.trade = trade
        self.lines = lines
        self.discount = 0
        self.adjust = 0  # the seller's change of the first line's price
        self.post = 0
        self.payment = 0
        self.paid_at = 0
        self.received = 0
        self.signs_at = 0
        self.parcels: list[Wire] = []
        self.cases = 0  # refunds so far
        self.held = False  # shipping waits for a refund to be decided
        self.due = False  # finishing waits for a refund to be decided
        self._dice: Random | None = None

    @property
    def dice(self) -> Random:
        """The order's own generator, made when first needed."""
        if self._dice is None:
            self._dice = Random(self.plan.dice)  # noqa: S311  a simulation, not a secret
        return self._dice

    def __lt__(self, _other: object) -> bool:
        """Two equal events of one order in one second are the same event: their order does not matter."""
        return False

    @property
    def refuses(self) -> bool:
        """Whether the buyer refuses a cash-on-delivery parcel at the door."""
        return self.plan.refund in (BEFORE_SHIPPING, IN_TRANSIT)

    def open_lines(self) -> list[Line]:
        """Lines that were neither given as a present nor closed."""
        return [line for line in self.lines if not (line.gift or line.closed)]

    @property
    def refunded(self) -> int:
        """Fen that went back."""
        return sum(line.refunded for line in self.lines)
