"""Puts a plan's faults between the sandbox's ``Date`` header and its routes, down to how the bytes travel.

Only the gateway and the token endpoint are struck: tests must be able to read the truth.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sandbox.errors import TopError
from orders_pipeline.sandbox.faults.fault import TOKEN, Answer
from orders_pipeline.sandbox.faults.plan import FaultPlan
from orders_pipeline.sandbox.forms import merged_params
from orders_pipeline.sandbox.gateway import Gateway

STRUCK = {"/router/rest", "/token"}
DRIPS = 10  # pieces of a crawling answer
LINGER_RESET = struct.pack("ii", 1, 0)  # close at once: the peer sees RST, not FIN


class FaultMiddleware:
    """ASGI middleware. Expects the gateway in ``app.state.gateway`` and uvicorn's ``receive`` unwrapped."""

    def __init__(self, app: ASGIApp, plan: FaultPlan) -> None:
        self._app = app
        self._plan = plan

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in STRUCK:
            await self._app(scope, receive, send)
            return
        gateway: Gateway = scope["app"].state.gateway
        body = await _read(receive)
        api, params = _named(scope, body)
        struck, answer = self._plan.meet(api, params, gateway)
        if answer is None:
            answer = await self._ask(scope, body)
        for fault, hit in struck:
            fault.after(hit, answer)
        await _deliver(answer, gateway.clock, receive, send)

    async def _ask(self, scope: Scope, body: bytes) -> Answer:
        """The answer of the sandbox itself."""
        answer = Answer(b"")
        chunks: list[bytes] = []

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                headers = {name.decode(): value.decode() for name, value in message["headers"]}
                answer.content_type = headers.get("content-type", answer.content_type)
            else:
                chunks.append(message.get("body", b""))

        await self._app(scope, replay, keep)
        answer.body = b"".join(chunks)
        return answer


def _named(scope: Scope, body: bytes) -> tuple[str, dict[str, str]]:
    content_type = next((v.decode() for k, v in scope["headers"] if k == b"content-type"), "")
    try:
        params = merged_params(scope["query_string"], content_type, body)
    except TopError:
        params = {}
    return (TOKEN if scope["path"] == "/token" else params.get("method", "")), params


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        part: bytes = message.get("body", b"")
        body += part
        if not message.get("more_body"):
            return body


async def _deliver(answer: Answer, clock: SandboxClock, receive: Receive, send: Send) -> None:
    if answer.delivery == "silent":
        await _hung_up(receive)
        return
    if answer.delivery != "drip":
        await _pass(clock, answer.seconds)
    headers = {"content-type": answer.content_type, **answer.headers, "content-length": str(len(answer.body))}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    if answer.delivery == "whole":
        await send({"type": "http.response.body", "body": answer.body})
        return
    if answer.delivery == "drip":
        size = len(answer.body) // DRIPS + 1
        for first in range(0, len(answer.body), size):
            await _pass(clock, answer.seconds)
            await send({"type": "http.response.body", "body": answer.body[first : first + size], "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
    await _cut(receive, reset=answer.delivery == "reset")


async def _pass(clock: SandboxClock, seconds: float) -> None:
    """Let ``seconds`` of the sandbox's clock go by."""
    if clock.speed == 0:
        clock.advance(seconds)
    elif seconds:
        await asyncio.sleep(seconds / clock.speed)


async def _cut(receive: Receive, *, reset: bool) -> None:
    """End the connection below HTTP, which no ASGI message can do: by way of uvicorn's transport."""
    cycle: Any = getattr(receive, "__self__", None)
    if cycle is None:
        raise RuntimeError("the fault middleware must be the first after the date: something wraps receive()")
    if reset:
        connection = cycle.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        await asyncio.sleep(0.01)  # the half that was sent must have left before the reset discards what has not
        cycle.transport.abort()
    else:
        cycle.transport.close()
    await _hung_up(receive)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
