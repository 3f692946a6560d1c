"""The demo's processes: sandbox platform, code server, webserver, daemon, and the run that makes every asset.

Code server, webserver and daemon are started one by one rather than by ``dagster dev``: the webserver can load while the
sandbox still simulates, and the daemon waits for the first results, so that no sensor competes with the back-fill.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orders_pipeline.cli.children import Child, Children
from orders_pipeline.cli.console import Steps
from orders_pipeline.cli.demo_folder import write_stanza
from orders_pipeline.clock import Clock
from orders_pipeline.settings import DATA_ENV, DataFolder, UserError, project_root
from orders_pipeline.shops import SHOPS_ENV

HOST = "127.0.0.1"  # the webserver has no login: never anything but loopback
POLL_SECONDS = 0.2
SANDBOX_PATIENCE_SECONDS = 120.0  # simulating 90 days x 1,000 orders takes some 20 s on a slow core
UI_PATIENCE_SECONDS = 120.0  # webserver and code server load in about 8 s on idle cores
LOCATION = "orders_pipeline"  # the name in workspace.yaml, under which run history is kept


class DemoStack:
    """Starts the demo's processes in order and ends them all. ``held``: the folder's descriptor, given to each child."""

    def __init__(self, folder: DataFolder, held: int, steps: Steps, clock: Clock) -> None:
        self.folder = folder
        self._held = held
        self._steps = steps
        self._clock = clock
        self._sockets = Path(tempfile.mkdtemp(prefix="orders-pipeline-"))  # mode 0700; a socket's path must be short
        self._sandbox_port = _free_port()
        self._children = Children(folder.root / "logs", _environment(folder), clock)

    def __enter__(self) -> DemoStack:
        return self

    def __exit__(self, *_: object) -> None:
        self._children.stop()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def check(self) -> None:
        """Raises UserError where a process has ended that should run."""
        self._children.check()

    def start_sandbox(self, days: int, orders_per_day: int, seed: int, calls_per_minute: int) -> None:
        """Start the platform and write the stanza that points at it."""
        write_stanza(self.folder, f"http://{HOST}:{self._sandbox_port}", calls_per_minute, days)
        options = {
            "port": self._sandbox_port,
            "days": days,
            "orders-per-day": orders_per_day,
            "seed": seed,
            "calls-per-minute": calls_per_minute,
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        self._start("sandbox", "orders_pipeline.cli", "sandbox", *arguments)

    def wait_for_sandbox(self, days: int) -> None:
        """Until the simulated shop has lived its days and the platform answers."""
        self._wait(
            f"http://{HOST}:{self._sandbox_port}/_sandbox/health",
            f"the sandbox shop lives through {days} days",
            SANDBOX_PATIENCE_SECONDS,
        )

    def start_ui(self, port: int) -> None:
        """Start code server and webserver; they answer some seconds later."""
        endpoint = self._sockets / "code"
        workspace = self.folder.root / "workspace.yaml"
        workspace.write_text(
            f"load_from:\n  - grpc_server:\n      socket: {endpoint}\n      location_name: {LOCATION}\n",
            encoding="utf-8",
        )
        self._start(
            "code-server",
            "dagster",
            "code-server",
            "start",
            f"--socket={endpoint}",
            "-m",
            "orders_pipeline.definitions",
            f"--location-name={LOCATION}",
        )
        self._start("webserver", "dagster_webserver", f"--host={HOST}", f"--port={port}", f"--workspace={workspace}")

    def wait_for_ui(self, port: int) -> None:
        self._wait(f"http://{HOST}:{port}/server_info", "the Dagster UI starts", UI_PATIENCE_SECONDS)

    def start_daemon(self) -> None:
        """Start sensors and schedules."""
        self._start("daemon", "dagster._daemon", "run", f"--workspace={self.folder.root / 'workspace.yaml'}")

    def start_assets(self) -> None:
        """Start the process that makes the assets; it loads, creates Dagster's history, and waits for ``materialize``."""
        words, writing = os.pipe()
        reading, self._go = os.pipe()
        self._assets = self._start(
            "assets", "orders_pipeline.cli.demo_run", str(writing), str(reading), keep_open=(writing, reading)
        )
        os.close(writing)
        os.close(reading)
        self._words = _words(words)

    def wait_for_history(self) -> None:
        """Until Dagster's history exists, so that other processes may open it."""
        self._follow("Dagster's history is created", until="ready")

    def materialize(self) -> None:
        """Run every asset and show progress. Raises UserError with the error of the step that failed."""
        with contextlib.suppress(BrokenPipeError):  # it has ended, and its last word is to be read
            os.write(self._go, b"!")
        error = self._follow("the assets load", until="error")
        if self._assets.process.wait() != 0:
            raise UserError(f"{error or 'The assets did not all succeed'} (see {self._assets.log})")

    def _follow(self, text: str, until: str) -> str:
        """Show progress until the assets' process says ``until`` or closes its end; returns what it said there."""
        shown: tuple[str, int, int | None] = (text, 0, None)
        for word in self._words:
            if word and until in word:
                return str(word[until])
            if word and "text" in word:
                shown = (word["text"], word["done"], word["total"])
            self._steps(*shown)  # without a word too: time goes on
        return ""

    def _start(self, name: str, module: str, *arguments: str, keep_open: tuple[int, ...] = ()) -> Child:
        return self._children.start(name, module, *arguments, keep_open=(self._held, *keep_open))

    def _wait(self, url: str, text: str, patience: float) -> None:
        import httpx

        began = self._steps.elapsed
        while True:
            self._steps(text)
            self.check()
            try:
                if httpx.get(url, timeout=2.0).is_success:
                    return
            except httpx.HTTPError:
                pass  # not listening yet
            if self._steps.elapsed - began > patience:
                raise UserError(
                    f"Gave up after {patience:.0f} s waiting until {text}: see {self.folder.root / 'logs'}."
                )
            self._clock.sleep(POLL_SECONDS)


def _words(descriptor: int) -> Iterator[dict[str, Any] | None]:
    """The JSON objects, one a line, that come from a pipe until it is closed; None for a second without any."""
    pending = b""
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        while True:
            if not select.select([pipe], [], [], 1.0)[0]:
                yield None
                continue
            chunk = pipe.read(65536)
            if not chunk:
                return
            *lines, pending = (pending + chunk).split(b"\n")
            yield from (json.loads(line) for line in lines)


def require_free_port(port: int) -> None:
    """Raises UserError where something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the webserver does: TIME_WAIT is free
        try:
            probe.bind((HOST, port))
        except OSError:
            raise UserError(
                f"Port {port} is taken: stop what listens there, or choose another, e.g. --port {port % 65535 + 1}."
            ) from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _environment(folder: DataFolder) -> dict[str, str]:
    """The environment of every child: ours, with the demo's shop instead of the merchant's."""
    from orders_pipeline.sandbox.options import SandboxOptions

    defaults = SandboxOptions()
    return {
        **os.environ,
        "DAGSTER_HOME": str(project_root()),
        DATA_ENV: str(folder.root),
        SHOPS_ENV: str(folder.root / "shops.yaml"),
        "DEMO_APP_KEY": defaults.app_key,
        "DEMO_APP_SECRET": defaults.app_secret,
        "DEMO_SESSION": defaults.session,
        "DEMO_REFRESH_TOKEN": defaults.refresh_token,
        "PYTHONUNBUFFERED": "1",  # a log must hold the last words of a child that is killed
    }
