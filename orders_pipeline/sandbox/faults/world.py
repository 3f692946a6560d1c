"""Faults of time: what changes, appears late, disappears or is told in one place only while somebody reads.

They act on the sandbox's store, so that counts, pages and single reads agree with each other as the platform's do.
"""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Literal
from zlib import crc32

from orders_pipeline.sandbox.clock import from_wire, to_wire
from orders_pipeline.sandbox.faults.fault import Answer, Fault, Hit, Wire, group_of
from orders_pipeline.sandbox.gateway import Gateway


class RowMoves(Fault, tag="row_moves"):
    """While a list of trades is paged, ``rows`` of its rows change: they leave the window and the others move up."""

    rows: int = 1
    which: Literal["newest", "oldest", "any"] = "any"

    def before(self, hit: Hit) -> None:
        start, end = hit.params.get("start_modified"), hit.params.get("end_modified")
        if not start or not end:
            return
        listed = hit.gateway.store.trades_by("modified", start, end)
        if self.which == "any":
            hit.random.shuffle(listed)
        elif self.which == "oldest":
            listed.reverse()
        for trade in listed[: self.rows]:
            hit.gateway.store.put_trade({**trade, "modified": to_wire(hit.now)})


class SameSecond(Fault, tag="same_second"):
    """``rows`` trades change in one second, as when a seller ships in bulk."""

    rows: int = 250

    def before(self, hit: Hit) -> None:
        store = hit.gateway.store
        newest = sorted(store.trades.values(), key=lambda trade: (trade["modified"], trade["tid"]))[-self.rows :]
        for trade in newest:
            store.put_trade({**trade, "modified": to_wire(hit.now)})


class UnstableTies(Fault, tag="unstable_ties"):
    """Rows of one second come in a new order at every call."""

    def install(self, gateway: Gateway, random: Random) -> None:
        gateway.store.shuffle_ties = random


class ChosenTrades(Fault):
    """A fault of some trades: those with these ``ids``, or a ``share`` of all, the same ones at every call."""

    ids: tuple[str, ...] = ()
    share: float = 0.0

    def chosen(self, trade: Wire) -> bool:
        tid = str(trade["tid"])
        return tid in self.ids or crc32(f"{self.seed or 0}:{tid}".encode()) < self.share * 2**32


class LateCommit(ChosenTrades, tag="late_commit"):
    """Trades that nothing shows before ``seconds`` have passed since their creation."""

    seconds: float = 120.0

    def install(self, gateway: Gateway, random: Random) -> None:
        def late(trade: Wire) -> bool:
            visible = from_wire(trade["created"]) + timedelta(seconds=self.seconds)
            return self.chosen(trade) and gateway.clock.now() < visible

        gateway.store.unlisted.append(late)
        gateway.store.unknown.append(late)


class Vanished(ChosenTrades, tag="vanished"):
    """Trades that were there and are in no list and no answer after ``seconds`` of the sandbox (archive, risk control)."""

    seconds: float = 0.0
    still_known: bool = False

    def install(self, gateway: Gateway, random: Random) -> None:
        gone_from = gateway.clock.now() + timedelta(seconds=self.seconds)

        def gone(trade: Wire) -> bool:
            return self.chosen(trade) and gateway.clock.now() >= gone_from

        gateway.store.unlisted.append(gone)
        if not self.still_known:
            gateway.store.unknown.append(gone)


class OnlyListed(ChosenTrades, tag="only_listed"):
    """Trades that lists show and that cannot be asked for one by one."""

    def install(self, gateway: Gateway, random: Random) -> None:
        gateway.store.unknown.append(self.chosen)


class NeverListed(ChosenTrades, tag="never_listed"):
    """Trades that are told by message and can be asked for one by one, but that no list shows."""

    def install(self, gateway: Gateway, random: Random) -> None:
        gateway.store.unlisted.append(self.chosen)


class ClockJump(Fault, tag="clock_jump"):
    """The platform's clock is set forward by ``seconds``."""

    seconds: float = 300.0

    def before(self, hit: Hit) -> None:
        hit.gateway.clock.advance(self.seconds)


class Messages(Fault, tag="messages"):
    """Messages are lost on the way, come ``copies`` times with ids of their own, or come newest first."""

    lost: float = 0.0
    copies: int = 1
    reversed: bool = False

    def after(self, hit: Hit, answer: Answer) -> None:
        def meddle(root: Wire) -> None:
            found = group_of(root)
            if not found:
                return
            rows = [row for row in root[found[0]][found[1]] if hit.random.random() >= self.lost]
            copies = [{**row, "id": row["id"] + copy} for row in rows for copy in range(self.copies)]
            root[found[0]][found[1]] = copies[::-1] if self.reversed else copies

        answer.edit(meddle)
