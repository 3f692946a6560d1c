"""Who asked a sandbox for which window, and which of these windows landed: what a killed process must fetch again.

Each process has a name of the server's address to itself (``127.0.0.1``, ``localhost``): by it the server tells them apart.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orders_pipeline.sandbox.clock import from_wire
from orders_pipeline.settings import DataFolder
from orders_pipeline.sync.landing import Landing
from orders_pipeline_tests.sync.fronts import body_of

CLOSED = timedelta(minutes=3)
TABLES = ("trade_pages", "refund_pages", "shipment_pages")

Start = tuple[str, datetime]
"""API and start of a window. However many calls a window takes, all ask from its start; its end moves down."""


class Witness:
    """``host`` is the name by which a process calls. A window counts as fetched from its first call on."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._fetched: dict[str, set[Start]] = {}
        self._before: dict[str, set[str]] = {}
        self.calls = 0

    def middleware(self) -> Middleware:
        return Middleware(_Noting, witness=self)

    def begin(self, host: str, data: DataFolder) -> None:
        """A process is about to start that calls by this name."""
        self._fetched[host] = set()
        self._before[host] = {str(path) for path, _ in _landed(data)}

    def fetched_in_vain(self, host: str, data: DataFolder) -> set[Start]:
        """Closed windows that the process has asked for and that have not landed: another one will fetch them again."""
        landed = {start for path, start in _landed(data) if str(path) not in self._before[host]}
        return self._fetched[host] - landed

    def note(self, host: str, params: dict[str, str]) -> None:
        """A call has arrived. The tail's windows end now and are nobody's; closed ones ended three minutes ago."""
        self.calls += 1
        bounds = {name.partition("_")[0]: text for name, text in params.items() if name.startswith(("start_", "end_"))}
        if bounds.keys() == {"start", "end"} and from_wire(bounds["end"]) <= self._clock.now() - CLOSED:
            start = from_wire(bounds["start"]).astimezone(UTC)
            self._fetched.setdefault(host, set()).add((params["method"], start))


class _Noting:
    def __init__(self, app: ASGIApp, witness: Witness) -> None:
        self._app, self._witness = app, witness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await body_of(receive)
        host = next(value.decode() for name, value in scope["headers"] if name == b"host").partition(":")[0]
        self._witness.note(host, dict(parse_qsl(body.decode(), keep_blank_values=True)))

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, again, send)


def _landed(data: DataFolder) -> list[tuple[Any, Start]]:
    landing = Landing(data.raw)
    return [
        (file.path, (file.api, file.window_start))
        for table in TABLES
        for file in landing.files(table, "tea_tmall")  # type: ignore[arg-type]
        if file.window_end > file.window_start
    ]
