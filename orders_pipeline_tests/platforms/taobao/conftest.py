"""A real HTTP server on loopback that answers what a test puts in its queue and remembers what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from orders_pipeline.platforms import connect
from orders_pipeline.platforms.taobao.client import TopPlatform
from orders_pipeline.shops import Credentials, Shop

NOW = datetime(2026, 1, 15, 2, 30, tzinfo=UTC)
SECRET, SESSION, REFRESH = "secret-9d1f", "6100session-77aa", "refresh-55bb"


class SteppedClock:
    """Stands still unless told; ``drift`` moves it at each look, so that waiting needs no waiting."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at
        self.drift = timedelta(0)

    def now(self) -> datetime:
        self.at += self.drift
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    date: datetime | None = NOW
    headers: dict[str, str] = field(default_factory=dict)
    promised: int | None = None  # Content-Length, where it differs from what is sent
    hold: bool = False  # keep silent until the test ends


@dataclass
class Sent:
    path: str
    query: dict[str, str]
    form: dict[str, str]
    headers: dict[str, str]


class Gateway(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = []
        self.sent: list[Sent] = []
        self.closing = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def answer(self, body: Any, **options: Any) -> None:
        """Queue an answer: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        self.answers.append(Answer(content, **options))

    def error(self, code: Any, sub_code: str = "", sub_msg: str = "", msg: str = "platform text") -> None:
        self.answer({"error_response": {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": sub_msg}})


class _Handler(BaseHTTPRequestHandler):
    server: Gateway
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        form = dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
        url = urlsplit(self.path)
        self.server.sent.append(Sent(url.path, dict(parse_qsl(url.query)), form, dict(self.headers)))
        answer = self.server.answers.pop(0)
        if answer.hold:
            self.server.closing.wait(20)
            return
        self.send_response_only(answer.status)
        if answer.date is not None:
            self.send_header("Date", format_datetime(answer.date, usegmt=True))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) if answer.promised is None else answer.promised))
        self.end_headers()
        self.wfile.write(answer.body)
        if answer.promised is not None:
            self.close_connection = True

    do_GET = do_POST

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    server = Gateway()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def top(gateway: Gateway, clock: SteppedClock) -> Iterator[TopPlatform]:
    shop = Shop(
        shop="demo",
        platform="tmall",
        gateway_url=f"{gateway.url}/router/rest",
        token_url=f"{gateway.url}/token",
    )
    platform = connect(shop, Credentials("12345678", SECRET, SESSION, REFRESH), clock)
    assert isinstance(platform, TopPlatform)
    yield platform
    platform.close()
