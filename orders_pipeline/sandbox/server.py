"""The sandbox platform as an HTTP server: in a thread for tests, in the foreground for the command.

Routes are ``app.py``; what the shop does is the world's. Requests are never logged: they carry sessions.
"""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import click
import uvicorn
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from orders_pipeline.clock import SHOP_TZ
from orders_pipeline.sandbox.app import create_app
from orders_pipeline.sandbox.clock import SandboxClock
from orders_pipeline.sandbox.gateway import Gateway, LivingWorld
from orders_pipeline.sandbox.options import SandboxOptions
from orders_pipeline.sandbox.store import Store, Wire
from orders_pipeline.settings import UserError

if TYPE_CHECKING:
    from orders_pipeline.sandbox.faults import FaultPlan

HOST = "127.0.0.1"  # the sandbox guards nothing: nobody else may reach it
BACKLOG = 128  # connections that may wait while a call is answered; the kernel's usual cap
STOP_SECONDS = 2  # answers take milliseconds: a connection open for longer is idle and may be cut


class SandboxServer:
    """The platform on loopback, served from a thread while the ``with`` block runs.

    The world (if any) has been brought up to the clock when the block begins. ``port`` 0 takes a free one.
    """

    def __init__(
        self,
        store: Store | None = None,
        *,
        world: LivingWorld | None = None,
        clock: SandboxClock | None = None,
        options: SandboxOptions | None = None,
        port: int = 0,
        faults: Sequence[Middleware] = (),
    ) -> None:
        self.store = store or Store()
        self.clock = clock or SandboxClock()
        self.options = options or SandboxOptions()
        self.gateway = Gateway(self.store, self.clock, self.options, world)
        self._port = port
        self._faults = faults
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        if self._socket is None:
            raise RuntimeError("the sandbox serves inside its with block only")
        return f"http://{HOST}:{self._socket.getsockname()[1]}"

    @property
    def gateway_url(self) -> str:
        return self.url + "/router/rest"

    @property
    def token_url(self) -> str:
        return self.url + "/token"

    @property
    def authorize_url(self) -> str:
        return self.url + "/authorize"

    def truth(self) -> Wire:
        """The whole ground truth as of the clock, see ``Store.truth``."""
        return self.gateway.truth()

    def __enter__(self) -> SandboxServer:
        with self.gateway.lock:
            self.gateway.live()
        self._socket = bound_socket(self._port)
        self._socket.listen(BACKLOG)  # clients may connect at once, and wait until the server is up
        self._server = uvicorn.Server(server_config(create_app(self.gateway, self._faults)))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="sandbox", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._thread is not None and self._socket is not None:
            self._server.should_exit = True
            self._thread.join()
            self._socket.close()
            self._socket = None


def serve(
    *,
    port: int,
    seed: int,
    days: int,
    orders_per_day: int,
    calls_per_minute: int,
    replay: Path | None = None,
    speed: float = 1.0,
    faults: FaultPlan | None = None,
    say: Callable[[str], None] = click.echo,
) -> None:
    """Run the platform until Ctrl-C: a shop that has lived ``days``, or the ``replay`` of a table's last ``days``.

    ``speed`` is the clock's, 0 stands still until ``POST /_sandbox/clock``; ``faults`` strike from the first
    call on. Raises UserError where the port is taken or the table cannot be replayed.
    """
    listener = bound_socket(port)
    store, clock, options = Store(), SandboxClock(speed=speed), SandboxOptions(calls_per_minute=calls_per_minute)
    world = None
    if replay is None:
        world = _living_shop(store, clock.now(), seed, days, orders_per_day)
    else:
        say(_replayed(store, clock.now(), replay, days))
    gateway = Gateway(store, clock, options, world)
    with gateway.lock:
        gateway.live()
    if faults:
        faults.begin(gateway)
        for fault in faults.faults:
            say(f"fault        {fault.describe()}")
    gc.freeze()  # the history is no garbage: looking through 90 days of it stopped the server for 2 s at a time
    listener.listen(BACKLOG)
    say(f"gateway_url  http://{HOST}:{port}/router/rest")
    say(f"token_url    http://{HOST}:{port}/token")
    say(f"app_key {options.app_key}  secret {options.app_secret}  session {options.session}")
    say(f"{len(store.trades)} orders, {len(store.items)} items, {calls_per_minute} calls a minute. Ctrl-C stops it.")
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(server_config(create_app(gateway, [faults.middleware()] if faults else []))).run(
            sockets=[listener]
        )


def _living_shop(store: Store, now: datetime, seed: int, days: int, orders_per_day: int) -> LivingWorld:
    from orders_pipeline.sandbox.world import World

    opened = now.astimezone(SHOP_TZ).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    return World(store, seed, opened, orders_per_day)


def _replayed(store: Store, now: datetime, file: Path, days: int) -> str:
    from orders_pipeline.sandbox.replay import replay

    return replay(file, store, days=days, shift_to=now).text()


def bound_socket(port: int) -> socket.socket:
    """A socket of ours on loopback, not listening yet. Raises UserError where the port is taken."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart need not wait for old connections
    try:
        bound.bind((HOST, port))
    except OSError as error:
        bound.close()
        raise UserError(
            f"The sandbox cannot listen on port {port} ({error.strerror}): choose another with --port."
        ) from None
    bound.setblocking(False)
    return bound


def server_config(app: ASGIApp) -> uvicorn.Config:
    """No access log, no log set-up of its own, no header but ours."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=STOP_SECONDS,
    )
