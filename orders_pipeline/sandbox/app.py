"""The sandbox platform as an ASGI app: routes, and the ``Date`` header.

What the gateway answers is ``gateway.py``; processes, threads and sockets are ``server.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import format_datetime

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orders_pipeline.sandbox.clock import SandboxClock, to_wire
from orders_pipeline.sandbox.errors import TopError
from orders_pipeline.sandbox.forms import merged_params
from orders_pipeline.sandbox.gateway import Gateway
from orders_pipeline.sandbox.oauth import OAuthPages

JSON = "application/json;charset=UTF-8"


class SandboxDate:
    """Puts the sandbox clock into every response's ``Date``, errors of other middleware included."""

    def __init__(self, app: ASGIApp, clock: SandboxClock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self._clock.now(), usegmt=True).encode()
                headers = message.get("headers", [])
                if not any(name == b"date" for name, _ in headers):  # a fault may have a time of its own
                    headers = [*headers, (b"date", date)]
                message["headers"] = headers
            await send(message)

        await self._app(scope, receive, dated)


def create_app(gateway: Gateway, faults: Sequence[Middleware] = ()) -> Starlette:
    """The platform as an ASGI app. ``faults`` are middleware between the date and the routes."""

    async def rest(request: Request) -> Response:
        body = await request.body()
        try:
            params = merged_params(request.scope["query_string"], request.headers.get("content-type", ""), body)
        except TopError as error:
            return Response(gateway.refusal(error), media_type=JSON)
        return Response(gateway.answer(request.method, params), media_type=JSON)

    async def truth(_: Request) -> Response:
        return Response(gateway.truth_json(), media_type=JSON)

    async def health(_: Request) -> Response:
        quota = gateway.quota
        body = {
            "status": "ok",
            "now": to_wire(gateway.clock.now()),
            "trades": len(gateway.store.trades),
            "calls_per_minute": quota.calls_per_minute,
            "accepted_calls": quota.accepted,
            "refused_calls": quota.refused,
        }
        return Response(msgspec.json.encode(body), media_type=JSON)

    async def step(request: Request) -> Response:
        try:
            seconds = float(msgspec.json.decode(await request.body())["advance_seconds"])
            gateway.clock.advance(seconds)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError):
            error = 'send {"advance_seconds": n} with n >= 0'
            return Response(msgspec.json.encode({"error": error}), status_code=400, media_type=JSON)
        with gateway.lock:
            now = gateway.live()
        return Response(msgspec.json.encode({"now": to_wire(now)}), media_type=JSON)

    pages = OAuthPages(gateway)
    every_verb = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]  # the gateway answers others with code 9
    app = Starlette(
        routes=[
            Route("/router/rest", rest, methods=every_verb),
            Route("/authorize", pages.authorize, methods=["GET"]),
            Route("/token", pages.token, methods=["POST"]),
            Route("/_sandbox/truth", truth, methods=["GET"]),
            Route("/_sandbox/health", health, methods=["GET"]),
            Route("/_sandbox/clock", step, methods=["POST"]),
        ],
        middleware=[Middleware(SandboxDate, clock=gateway.clock), *faults],
    )
    app.state.gateway = gateway  # faults act on the shop as well as on the wire
    return app
