"""What a run that reads messages tells of its work: observations of the tables that it changed, and a line at its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from orders_pipeline.clock import Clock

if TYPE_CHECKING:
    from orders_pipeline.sync.messages import MessageReport

TELL_EVERY = timedelta(minutes=1)
"""An event is kept for ever and costs a kilobyte: a run that commits every two seconds tells of them by the minute."""


@dataclass(slots=True)
class _Sum:
    """What a shop's commits since the last observation came to."""

    commits: int = 0
    messages: int = 0
    orders: int = 0
    refunds: int = 0
    calls: int = 0
    given_up: int = 0

    def add(self, report: MessageReport) -> None:
        self.commits += 1 if report.orders_read or report.refunds_read or report.traces_read else 0
        self.messages += report.messages
        self.orders += report.orders_read
        self.refunds += report.refunds_read
        self.calls += report.calls
        self.given_up += report.given_up


class Observer:
    """Gathers reports and logs them: the first that brings something at once, then what has gathered each minute."""

    def __init__(self, context: dg.OpExecutionContext, clock: Clock) -> None:
        self._context = context
        self._clock = clock
        self._began = clock.now()
        self._told: dict[str, datetime] = {}
        self._open: dict[str, _Sum] = {}
        self._calls = 0

    def saw(self, shop: str, report: MessageReport) -> None:
        """One shop's part of a pass."""
        self._calls += report.calls
        self._open.setdefault(shop, _Sum()).add(report)
        now = self._clock.now()
        if report.messages and now - self._told.get(shop, datetime.min.replace(tzinfo=now.tzinfo)) >= TELL_EVERY:
            self._tell(shop, now)

    def ended(self, why: str) -> None:
        """The run is done; ``why`` one that lingered ended, empty for one that did not."""
        now = self._clock.now()
        for shop in list(self._open):
            self._tell(shop, now)
        if why:
            seconds = (now - self._began).total_seconds()
            self._context.log.info(f"Lingered {seconds:.0f} s with {self._calls} calls; ended: {why}.")

    def _tell(self, shop: str, now: datetime) -> None:
        found = self._open.pop(shop)
        if not found.messages:
            return
        self._told[shop] = now
        metadata = {
            "messages": found.messages,
            "commits": found.commits,
            "calls": found.calls,
            "given_up": found.given_up,
        }
        for asset, rows in (("orders", found.orders), ("refunds", found.refunds)):
            if rows:
                self._context.log_event(
                    dg.AssetObservation(dg.AssetKey([shop, asset]), metadata={**metadata, "rows_read": rows})
                )
