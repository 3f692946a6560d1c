"""Faults below the protocol: HTTP states, connections that break, stall or crawl."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Literal

from orders_pipeline.sandbox.faults.fault import Answer, Fault, Hit


class HttpStatus(Fault):
    """A web server's error page. ``retry_after`` in seconds, sent as a number or, with ``as_date``, as an HTTP date."""

    kind: Literal["http_status"]
    status: int = 502
    retry_after: int | None = None
    as_date: bool = False

    def instead(self, hit: Hit) -> Answer:
        page = f"<html><body><h1>{self.status}</h1></body></html>".encode()
        headers = {}
        if self.retry_after is not None:
            until = hit.now + timedelta(seconds=self.retry_after)
            headers["retry-after"] = format_datetime(until, usegmt=True) if self.as_date else str(self.retry_after)
        return Answer(page, self.status, "text/html", headers)


class Reset(Fault):
    """The connection is reset in the middle of the body."""

    kind: Literal["reset"]

    def after(self, hit: Hit, answer: Answer) -> None:
        answer.delivery = "reset"


class Truncated(Fault):
    """The connection ends in good order before all bytes that were promised."""

    kind: Literal["truncated"]

    def after(self, hit: Hit, answer: Answer) -> None:
        answer.delivery = "truncated"


class NoAnswer(Fault):
    """Nothing ever comes back; the connection stays open until the client gives up."""

    kind: Literal["no_answer"]

    def instead(self, hit: Hit) -> Answer:
        return Answer(b"", delivery="silent")


class Slow(Fault):
    """The whole answer, ``seconds`` late (a stepped clock is stepped)."""

    kind: Literal["slow"]
    seconds: float = 5.0

    def after(self, hit: Hit, answer: Answer) -> None:
        answer.seconds += self.seconds


class Drip(Fault):
    """A tenth of the answer every ``seconds``: a time-out between two bytes never ends it."""

    kind: Literal["drip"]
    seconds: float = 20.0

    def after(self, hit: Hit, answer: Answer) -> None:
        answer.delivery, answer.seconds = "drip", self.seconds


class ClockHeader(Fault):
    """The ``Date`` header is ``seconds`` off, or missing."""

    kind: Literal["clock_header"]
    seconds: float = 0.0
    missing: bool = False

    def after(self, hit: Hit, answer: Answer) -> None:
        date = hit.now + timedelta(seconds=self.seconds)
        answer.headers["date"] = "" if self.missing else format_datetime(date, usegmt=True)
