"""Faults below the protocol: HTTP states, connections that break, stall or crawl."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

from orders_pipeline.sandbox.faults.fault import Answer, Fault, Hit


class HttpStatus(Fault, tag="http_status"):
    """A web server's error page. ``retry_after`` in seconds, sent as a number or, with ``as_date``, as an HTTP date."""

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


class Reset(Fault, tag="reset"):
    """The connection is reset in the middle of the body."""

    def after(self, hit: Hit, answer: Answer) -> None:
        answer.delivery = "reset"


class Truncated(Fault, tag="truncated"):
    """The connection ends in good order before all bytes that were promised."""

    def after(self, hit: Hit, answer: Answer) -> None:
        answer.delivery = "truncated"


class NoAnswer(Fault, tag="no_answer"):
    """Nothing ever comes back; the connection stays open until the client gives up."""

    def instead(self, hit: Hit) -> Answer:
        return Answer(b"", delivery="silent")


class Slow(Fault, tag="slow"):
    """The whole answer, ``seconds`` late (a stepped clock is stepped)."""

    seconds: float = 5.0

    def after(self, hit: Hit, answer: Answer) -> None:
        answer.seconds += self.seconds


class Drip(Fault, tag="drip"):
    """A tenth of the answer every ``seconds``: a time-out between two bytes never ends it."""

    seconds: float = 20.0

    def after(self, hit: Hit, answer: Answer) -> None:
        answer.delivery, answer.seconds = "drip", self.seconds


class ClockHeader(Fault, tag="clock_header"):
    """The ``Date`` header is ``seconds`` off, or missing."""

    seconds: float = 0.0
    missing: bool = False

    def after(self, hit: Hit, answer: Answer) -> None:
        date = hit.now + timedelta(seconds=self.seconds)
        answer.headers["date"] = "" if self.missing else format_datetime(date, usegmt=True)
