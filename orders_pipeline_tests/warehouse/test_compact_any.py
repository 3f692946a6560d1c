"""Whatever happens in whatever order, a folder that is compacted holds what one holds that is not."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from orders_pipeline.clock import shop_day
from orders_pipeline.settings import DataFolder, UserError
from orders_pipeline.warehouse import Warehouse
from orders_pipeline_tests.warehouse.conftest import SteppedClock
from orders_pipeline_tests.warehouse.small_files import BEGUN, Zone, passing
from orders_pipeline_tests.warehouse.wire import refund, refunds, trade, trades

REFUNDS = "taobao.refunds.receive.get"
SLOTS = 5  # places of a day where windows lie: few, so that days get several
DAY = 288  # windows of five minutes

Step = tuple[str, int]


class Killed(BaseException):
    """As good as a kill within one process: nothing that handles errors may handle it."""


class Twin:
    """A folder and what is done to it."""

    def __init__(self, root: Path, *, compacts: bool) -> None:
        self.clock = SteppedClock(BEGUN + timedelta(days=1))
        warehouse = Warehouse(DataFolder(root), self.clock)
        warehouse.prepare()
        self.zone = Zone(DataFolder(root), warehouse)
        self.landed = 0
        self.compacts = compacts

    def do(self, what: str, number: int) -> None:
        getattr(self, what)(number)

    def land(self, number: int) -> None:
        """A few windows of the day at which the clock stands, one of them with an order that was changed on some day."""
        day = (self.clock.now() - BEGUN) // timedelta(days=1) * DAY
        for _ in range(3):
            self.landed += 1
            changed = f"2026-01-{10 + number % 4:02} 10:00:{self.landed % 60:02}"
            rows = [trade(number * 10, changed), trade(7_000 + self.landed * 10, changed)][: self.landed % 3]
            self.zone.land(day + self.landed % SLOTS, trades(*rows, *(["?"] if number % 5 == 0 else [])))
        self.zone.land(
            day + number, refunds(refund(str(number), f"2026-01-{10 + number % 4:02} 12:00:00")), api=REFUNDS
        )

    def apply(self, _: int) -> None:
        for table in ("trade_pages", "refund_pages"):
            windows = self.zone.unapplied(table=table)
            self.zone.warehouse.apply(list(dict.fromkeys(window.path for window in windows)), holder="test")
        self.zone.warehouse.flush()

    def compact(self, passages: int) -> None:
        """Dead at that step, where there are so many."""
        if not self.compacts:
            return
        left = passages

        def at() -> None:
            nonlocal left
            left -= 1
            if left < 0:  # and whatever is done on the way out dies as well
                raise Killed

        try:
            with passing(at):
                self.zone.warehouse.compact()
        except Killed:
            pass

    def wait(self, hours: int) -> None:
        self.clock.advance(hours=hours)

    def rebuild(self, _: int) -> None:
        self.apply(0)  # which a rebuild does: the twins must know the same whether a window was joined or not
        self.zone.warehouse.rebuild()

    def purge(self, number: int) -> None:
        try:
            self.zone.warehouse.purge(shop_day(BEGUN) + timedelta(days=number % 5))
        except UserError:
            assert number % 5 < 4  # only an age that was purged already is refused


STEPS = st.one_of(
    st.tuples(st.just("land"), st.integers(0, 30)),
    st.tuples(st.just("apply"), st.just(0)),
    st.tuples(st.just("compact"), st.one_of(st.just(1_000), st.integers(0, 40))),
    st.tuples(st.just("wait"), st.sampled_from([13, 13, 30])),
    st.tuples(st.sampled_from(["rebuild", "purge"]), st.integers(0, 30)),
)


@settings(max_examples=5, deadline=None)
@given(st.lists(STEPS, min_size=4, max_size=14))
def test_compacted_or_not_the_tables_and_the_raw_rows_are_the_same(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as root:
        twins = [Twin(Path(root) / name, compacts=name == "compacted") for name in ("compacted", "plain")]
        compacted, plain = (twin.zone for twin in twins)
        end = [("apply", 0), *[("compact", 1_000), ("wait", 30)] * 5]
        for what, number in [("land", 1), ("land", 2), ("apply", 0), *steps, *end]:
            for twin in twins:
                twin.do(what, number)
            now = max(twin.clock.now() for twin in twins)
            for twin in twins:
                twin.clock.advance(seconds=(now - twin.clock.now()).total_seconds())
            assert compacted.shown() == plain.shown()
            assert compacted.tables() == plain.tables()
            assert [one.key for one in compacted.unapplied()] == [one.key for one in plain.unapplied()]
        assert len(compacted.small()) <= len(plain.small())
