"""Middleware that makes the sandbox platform ill in ways that a test sets while it runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline_tests.conftest import living_sandbox


@dataclass
class Dial:
    """``share`` of the calls to the gateway is answered with a web server's error page, drawn from a seed.

    ``at_call`` holds what happens just before the gateway call of that number (from 1). ``tokens`` tells what becomes of the
    next calls to the token page: "lost" = worked off, the answer cut; "unreached" = an error page; then they pass.
    """

    share: float = 0.0
    at_call: dict[int, Callable[[], None]] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    calls: int = 0
    token_calls: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(7))


class Sick:
    """The middleware. ``dial`` is shared with the test."""

    def __init__(self, app: ASGIApp, dial: Dial) -> None:
        self.app = app
        self.dial = dial

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path == "/router/rest":
            self.dial.calls += 1
            self.dial.at_call.pop(self.dial.calls, lambda: None)()
            if self.dial.dice.random() < self.dial.share:
                await _error_page(scope, receive, send)
                return
        if path == "/token":
            self.dial.token_calls += 1
            fate = self.dial.tokens.pop(0) if self.dial.tokens else ""
            if fate == "lost":
                await self.app(scope, receive, _into_nothing)
            if fate:
                await _error_page(scope, receive, send)
                return
        await self.app(scope, receive, send)


async def _error_page(scope: Scope, receive: Receive, send: Send) -> None:
    await HTMLResponse("<html>502 Bad Gateway</html>", status_code=502)(scope, receive, send)


async def _into_nothing(message: Message) -> None:
    """An answer that is lost on the way."""


def sick_sandbox(days: int, orders_per_day: int, dial: Dial) -> SandboxServer:
    """A living shop as ``living_sandbox`` makes it, as ill as the dial says."""
    return living_sandbox(days, orders_per_day, faults=[Middleware(Sick, dial=dial)])
