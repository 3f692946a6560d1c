"""What may stand before a sandbox's routes in a test: answers for single calls, and a second seller on the same app key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orders_pipeline.sandbox.server import SandboxServer

Params = dict[str, str]
Answer = Callable[[Params], Any]


async def body_of(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


class Instead:
    """``answer(params)`` decides call by call: None lets it through, an int is an HTTP status, else the JSON to answer."""

    def __init__(self, app: ASGIApp, answer: Answer) -> None:
        self.app = app
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        body = await body_of(receive)
        answer = self.answer(dict(parse_qsl(body.decode(), keep_blank_values=True)))
        if answer is not None:
            text = "<html>" if isinstance(answer, int) else json.dumps(answer)
            return await Response(text, status_code=answer if isinstance(answer, int) else 200)(scope, receive, send)

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        return await self.app(scope, again, send)


def second_seller(first: Callable[[], SandboxServer], second: SandboxServer, session: str) -> Answer:
    """Calls with ``session`` are the second seller's; messages are handed out and confirmed for both, as for one app key."""

    def answer(params: Params) -> Any:
        method = params.get("method", "")
        if method == "taobao.tmc.messages.consume":
            both = [json.loads(one.gateway.answer("POST", params)) for one in (first(), second)]
            rows = [row for one in both for row in _messages(one)]
            return {"tmc_messages_consume_response": {"messages": {"tmc_message": rows}, "request_id": "16both"}}
        if method == "taobao.tmc.messages.confirm":
            second.gateway.answer("POST", params)
        if params.get("session") == session:
            return json.loads(second.gateway.answer("POST", params))
        return None

    return answer


def _messages(answer: Any) -> list[Any]:
    return answer["tmc_messages_consume_response"].get("messages", {}).get("tmc_message", [])  # type: ignore[no-any-return]


class Changed:
    """``change(method, answer)`` may alter each decoded answer before it is sent; the request is let through."""

    def __init__(self, app: ASGIApp, change: Callable[[str, Any], Any]) -> None:
        self.app = app
        self.change = change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/router/rest":
            return await self.app(scope, receive, send)
        request = await body_of(receive)
        method = dict(parse_qsl(request.decode(), keep_blank_values=True)).get("method", "")
        answer = b""

        async def again() -> Message:
            return {"type": "http.request", "body": request, "more_body": False}

        async def keep(message: Message) -> None:
            nonlocal answer
            answer += message.get("body", b"")

        await self.app(scope, again, keep)
        changed = self.change(method, json.loads(answer))
        response = Response(json.dumps(changed, ensure_ascii=False), media_type="application/json")
        return await response(scope, receive, send)
