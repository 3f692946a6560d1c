"""Reading the messages of one app key for all its shops: once, or again and again while they are busy.

How one shop's messages are worked off is ``messages.py``'s business; when a reader is started is the sensors'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType

from orders_pipeline.clock import Clock
from orders_pipeline.platforms.base import PermissionDeniedError, PlatformError
from orders_pipeline.settings import UserError
from orders_pipeline.shops import Shop
from orders_pipeline.sync.inbox import RETRY_AFTER
from orders_pipeline.sync.messages import CONFIRM_WITHIN, MessageReport
from orders_pipeline.sync.shop_sync import ShopSync

LONGEST_LINGER = timedelta(minutes=10)
"""A reader that lingers ends then, busy or not, and the sensor starts the next: so its log stays readable, a new stanza or
version is in force soon, and a run slot is never taken for long."""

LEAST_PERIOD = 1.5
"""Seconds from one reading to the next at least. A copy for readers is made once a second at most, and at one reading in 1.5 s
a shop with a change every other second stays within the share below."""

QUOTA_SHARE = 0.6
"""Of an app key's calls that a lingering reader takes at most, by stretching its period: the rest is for closed windows,
reconciliation and whatever a person starts."""

LONGEST_HOLD = timedelta(seconds=2)
"""How long the shops of a pass wait for each other's copy for readers. A copy after the first shop's commit put off the one that
holds the others by its interval, a second at least; a pass that waits for its quota takes minutes and copies as it goes."""

SLOW_PASS = timedelta(seconds=1)
"""After a pass that took so long a short run asks once more before it ends: what changed meanwhile would wait for the daemon's
next look and another process's start, some seven seconds, and costs one call instead."""

MOST_PASSES = 3
"""Of a short run: shops that are always busy have ``linger_seconds`` for that."""

BURST = 10.0
"""Calls that it may be ahead of its share for a moment: some busy seconds after quiet ones are no reason to stretch."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One shop's part of a pass: a report, or the error that kept its messages waiting."""

    shop: str
    report: MessageReport | None = None
    error: UserError | PlatformError | None = None

    @property
    def has_no_messages(self) -> bool:
        """The platform sends this app or shop none: its closed windows serve it."""
        return isinstance(self.error, PermissionDeniedError)


class KeyReader:
    """The shops of one app key, opened as they are needed and kept open; a context manager."""

    def __init__(
        self, shops: Sequence[Shop], open_shop: Callable[[Shop], AbstractContextManager[ShopSync]], clock: Clock
    ) -> None:
        self.clock = clock
        self._shops = list(shops)
        self._names = [shop.shop for shop in shops]  # also of those that failed: their messages are theirs all the same
        self._open_shop = open_shop
        self._open: dict[str, ShopSync] = {}
        self._stack = ExitStack()

    def __enter__(self) -> KeyReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def calls_per_minute(self) -> int:
        """The quota of the key, as the most careful of its stanzas says."""
        return min(shop.calls_per_minute for shop in self._shops)

    def read(self, *, confirm_within: timedelta = timedelta()) -> list[Reading]:
        """One pass: new messages are fetched once, each shop's are worked off, all of it is published. A shop that fails
        holds up no other, and is left out of later passes."""
        readings: list[Reading] = []
        expected: frozenset[str] | None = None
        held_until = self.clock.now() + LONGEST_HOLD
        for shop in list(self._shops):
            if expected is not None and shop.shop not in expected:
                continue
            others = [name for name in self._names if name != shop.shop]
            try:
                sync = self._opened(shop)
                sync.hold_copies(held_until)
                report = sync.poll_messages(
                    others,
                    consume=expected is None,
                    lists_first=True,
                    confirm_within=CONFIRM_WITHIN,
                    retry_after=RETRY_AFTER,
                    publish=False,
                )
            except (UserError, PlatformError) as error:
                readings.append(Reading(shop.shop, error=error))
                self._shops.remove(shop)
                continue
            readings.append(Reading(shop.shop, report))
            if expected is None:
                expected = sync.expecting_messages(others)
        readings += self._finish([reading.shop for reading in readings if reading.shop in self._open], confirm_within)
        return readings

    def _finish(self, shops: Sequence[str], within: timedelta) -> list[Reading]:
        """Publish, and confirm with one call what all shops have worked off; the error where that fails."""
        for shop in shops[:1]:
            try:
                self._open[shop].publish()
                self._open[shop].end_messages(within)
            except (UserError, PlatformError) as error:
                return [Reading(shop, error=error)]
        return []

    def _opened(self, shop: Shop) -> ShopSync:
        if shop.shop not in self._open:
            opened = self._stack.enter_context(self._open_shop(shop))
            for other in list(self._open.values())[:1]:
                other.tell_time(opened)
            self._open[shop.shop] = opened
        return self._open[shop.shop]


def read_once(reader: KeyReader, tell: Callable[[list[Reading]], None]) -> None:
    """A short run: one pass, and another after one that was slow and brought something. ``tell`` hears of every pass."""
    for _ in range(MOST_PASSES):
        started = reader.clock.now()
        readings = reader.read()
        tell(readings)
        brought = any(reading.report and reading.report.messages for reading in readings)
        if not brought or reader.clock.now() - started < SLOW_PASS:
            return


def linger(
    reader: KeyReader,
    quiet: timedelta,
    tell: Callable[[list[Reading]], None],
    *,
    longest: timedelta = LONGEST_LINGER,
) -> str:
    """Read until no shop had a message for ``quiet``, or for ``longest``; why it ended. ``tell`` hears of every pass.

    Ends after a pass in which no shop could be read.
    """
    clock = reader.clock
    began = busy = started = clock.now()
    a_second = QUOTA_SHARE * reader.calls_per_minute / 60
    credit = BURST
    while True:
        credit = min(credit + (clock.now() - started).total_seconds() * a_second, BURST)
        started = clock.now()
        readings = reader.read(confirm_within=CONFIRM_WITHIN)
        tell(readings)
        now = clock.now()
        reports = [reading.report for reading in readings if reading.report]
        if not reports:
            return "no shop could be read"
        if any(report.messages for report in reports):
            busy = now
        if now - busy >= quiet or now - began >= longest:
            break
        credit -= sum(report.calls for report in reports)
        period = max(LEAST_PERIOD, (1 - credit) / a_second)  # until a call is left for the next question
        clock.sleep(max(period - (now - started).total_seconds(), 0.0))
    tell(reader.read())  # and confirms what waits for it
    return "quiet" if now - busy >= quiet else f"after {longest}"
