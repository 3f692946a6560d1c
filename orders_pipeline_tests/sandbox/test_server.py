"""The HTTP side: headers, the sandbox's own endpoints, what is logged, and a world that is kept up to the clock."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import takewhile

import httpx
import pytest
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from orders_pipeline.sandbox.clock import SandboxClock, from_wire, to_wire
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.server import SandboxServer
from orders_pipeline.sandbox.store import Store
from orders_pipeline.settings import UserError
from orders_pipeline_tests.sandbox.caller import Caller
from orders_pipeline_tests.sandbox.shop import NOW, a_shop, a_trade


def test_every_response_carries_the_sandbox_date_once(call: Caller) -> None:
    call.sandbox.clock.advance(86400)
    for path in ("/router/rest", "/token", "/_sandbox/health", "/nowhere"):
        headers = call.http.get(path).headers
        assert parsedate_to_datetime(headers["date"]) == NOW + timedelta(days=1)
        assert len(headers.get_list("date")) == 1
        assert "server" not in headers


def test_the_clock_is_stepped_over_http(call: Caller) -> None:
    answer = call.http.post("/_sandbox/clock", json={"advance_seconds": 90})
    assert answer.json() == {"now": to_wire(NOW + timedelta(seconds=90))}
    assert call("taobao.time.get")["time"] == to_wire(NOW + timedelta(seconds=90))
    for body in ({}, {"advance_seconds": -1}, {"advance_seconds": "soon"}, []):
        assert call.http.post("/_sandbox/clock", json=body).status_code == 400
    assert call.sandbox.clock.now() == NOW + timedelta(seconds=90)


def test_truth_is_everything_and_a_copy(call: Caller) -> None:
    over_http, in_python = call.http.get("/_sandbox/truth").json(), call.sandbox.truth()
    assert over_http == in_python
    assert {name: len(rows) for name, rows in in_python.items() if isinstance(rows, list)} == {
        "trades": 2, "promotions": 1, "refunds": 1, "items": 3, "shippings": 1, "traces": 1, "messages": 0,
    }  # fmt: skip
    in_python["trades"][0]["orders"].clear()
    assert call.sandbox.truth() == over_http


class OneTradeAMinute:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.until = NOW

    def advance(self, to: datetime) -> None:
        while self.until + timedelta(minutes=1) <= to:
            self.until += timedelta(minutes=1)
            self.store.put_trade(a_trade(len(self.store.trades), to_wire(self.until)))


def test_the_world_lives_before_each_answer() -> None:
    store = Store()
    clock = SandboxClock.stepped(NOW + timedelta(minutes=2))
    with SandboxServer(store, world=OneTradeAMinute(store), clock=clock) as sandbox:
        assert len(store.trades) == 2, "lived up to the clock before serving"
        call = Caller(sandbox)
        clock.advance(180)
        assert call("taobao.trades.sold.get", fields="tid")["total_results"] == 5
        clock.advance(60)
        assert len(sandbox.truth()["trades"]) == 6


class Teapot:
    """A stand-in for the fault injector: answers every second request itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.count = app, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.count += 1
        if self.count % 2:
            await self.app(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 418, "headers": []})
            await send({"type": "http.response.body", "body": b"<html>"})


def test_faults_are_middleware_around_the_gateway() -> None:
    with SandboxServer(a_shop(), clock=SandboxClock.stepped(NOW), faults=[Middleware(Teapot)]) as sandbox:
        call = Caller(sandbox)
        assert "time" in call("taobao.time.get")
        broken = call.http.post("/router/rest", data=call.params("taobao.time.get"))
        assert (broken.status_code, "date" in broken.headers) == (418, True)


def test_secrets_and_sessions_are_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the test's own client, not the server
    with caplog.at_level(logging.DEBUG), SandboxServer(a_shop(), clock=SandboxClock.stepped(NOW)) as sandbox:
        call = Caller(sandbox)
        call("taobao.trades.sold.get", fields="tid")
        call.refusal("taobao.trades.sold.get", fields="tid", session="stolen-session")
        app = {"client_id": "12345678", "client_secret": "sandbox-secret"}
        call.http.post("/token", data=app | {"grant_type": "refresh_token", "refresh_token": "sandbox-refresh"})
        call.http.get("/router/rest", params=call.params("taobao.trades.sold.get", fields="tid"))
        call.close()
    for secret in ("sandbox-secret", "sandbox-session", "stolen-session", "sandbox-refresh"):
        assert secret not in caplog.text


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UserError, match=rf"port {port} .*--port\.$"), SandboxServer(port=port):
            pass


def test_the_server_is_gone_after_its_block() -> None:
    with SandboxServer(Store(), options=SandboxOptions()) as sandbox:
        url = sandbox.url
        assert httpx.get(url + "/_sandbox/health").json()["status"] == "ok"
    with pytest.raises(httpx.ConnectError):
        httpx.get(url + "/_sandbox/health")


def test_serve_runs_until_interrupted() -> None:
    """The blocking entry in a process of its own: a living shop, the credentials it prints, Ctrl-C."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"port={port}, seed=1, days=2, orders_per_day=30, calls_per_minute=50"
    code = f"from orders_pipeline.sandbox.server import serve; serve({options})"
    with subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = list(takewhile(lambda line: "Ctrl-C" not in line, process.stdout))
        assert any("secret sandbox-secret" in line for line in lines)
        assert f"gateway_url  http://127.0.0.1:{port}/router/rest\n" in lines
        health = httpx.get(f"http://127.0.0.1:{port}/_sandbox/health").json()
        assert health["trades"] > 20
        assert health["calls_per_minute"] == 50
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


def test_clock_modes() -> None:
    stepped = SandboxClock.stepped(NOW)
    assert (stepped.now(), stepped.advance(5)) == (NOW, NOW + timedelta(seconds=5))
    stepped.sleep(7)
    assert stepped.now() == NOW + timedelta(seconds=12)
    fast = SandboxClock(NOW, speed=1_000_000)
    first, second = fast.now(), fast.now()
    assert NOW <= first < second
    for wrong in (lambda: stepped.advance(-1), lambda: SandboxClock(speed=-1)):
        with pytest.raises(ValueError, match="backwards"):
            wrong()


@pytest.mark.parametrize("text", ["2026-01-15", "2026-1-5 01:02:03", "2026-01-15T01:02:03", "2026-02-30 00:00:00", ""])
def test_wire_dates_are_exact(text: str) -> None:
    assert from_wire(to_wire(NOW)) == NOW
    with pytest.raises(ValueError, match=r"2026|format|day|data"):
        from_wire(text)
