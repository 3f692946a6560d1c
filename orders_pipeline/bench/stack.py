"""Dagster's processes as a user runs them, on a data folder of the benchmark's own, and the CPU that they use."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orders_pipeline.cli.children import Child, Children
from orders_pipeline.settings import DATA_ENV, DataFolder, UserError, project_root
from orders_pipeline.shops import SHOPS_ENV

LOCATION = "orders_pipeline"
HOST = "127.0.0.1"
PATIENCE_SECONDS = 120.0
"""A start takes 7 s on idle cores; on a loaded machine several times that."""

_LOOK_SECONDS = 0.02
"""How finely the time to the first answer is told."""


class Stack:
    """Code server, webserver and daemon, each started when asked; a context manager that ends all of them."""

    def __init__(self, folder: DataFolder, env: Mapping[str, str]) -> None:
        self.folder = folder
        logs = folder.root / "logs"
        logs.mkdir(exist_ok=True)
        self.env = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "DAGSTER_HOME": str(project_root()),
            DATA_ENV: str(folder.root),
            SHOPS_ENV: str(folder.root / "shops.yaml"),
            "PYTHONUNBUFFERED": "1",
            **env,
        }
        self._sockets = Path(tempfile.mkdtemp(prefix="orders-bench-"))
        self._workspace = folder.root / "workspace.yaml"
        endpoint = self._sockets / "code"
        self._workspace.write_text(
            f"load_from:\n  - grpc_server:\n      socket: {endpoint}\n      location_name: {LOCATION}\n",
            encoding="utf-8",
        )
        self._endpoint = endpoint
        self._children = Children(logs, self.env)

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *_: object) -> None:
        self._children.stop()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def start_code_server(self) -> Child:
        """Start the code server and wait until it has loaded the definitions."""
        child = self._children.start(
            "code-server", "dagster", "code-server", "start", f"--socket={self._endpoint}", "-m", "orders_pipeline.definitions",
            f"--location-name={LOCATION}",
        )  # fmt: skip
        self._until(self._serves)
        return child

    def start_daemon(self) -> Child:
        return self._children.start("daemon", "dagster._daemon", "run", f"--workspace={self._workspace}")

    def start_webserver(self, port: int) -> Child:
        """Start the webserver and wait for its first answer."""
        child = self._children.start(
            "webserver", "dagster_webserver", f"--host={HOST}", f"--port={port}", f"--workspace={self._workspace}"
        )
        self._until(lambda: _answers(f"http://{HOST}:{port}/server_info"))
        return child

    def cpu_seconds(self) -> float:
        """User and system time of all processes, ended ones that their parents have waited for included."""
        import psutil

        total = 0.0
        for child in self._children.running():
            process = psutil.Process(child.process.pid)
            for one in [process, *process.children(recursive=True)]:
                try:
                    total += sum(one.cpu_times()[:4])  # its own and its ended children's, user and system
                except psutil.NoSuchProcess:
                    continue
        return total

    def memory(self) -> int:
        """Bytes of all processes that are not shared with others."""
        import psutil

        total = 0
        for child in self._children.running():
            process = psutil.Process(child.process.pid)
            for one in [process, *process.children(recursive=True)]:
                try:
                    total += one.memory_full_info().uss
                except psutil.NoSuchProcess:
                    continue
        return total

    def _serves(self) -> bool:
        from dagster._grpc.client import DagsterGrpcClient

        try:
            return DagsterGrpcClient(socket=str(self._endpoint)).ping("") is not None
        except Exception:  # not listening yet: grpc has many words for that
            return False

    def _until(self, done: Any) -> None:
        begun = time.perf_counter()
        while not done():
            self._children.check()
            if time.perf_counter() - begun > PATIENCE_SECONDS:
                raise UserError(
                    f"Dagster did not start within {PATIENCE_SECONDS:.0f} s: see {self.folder.root / 'logs'}."
                )
            time.sleep(_LOOK_SECONDS)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    import httpx

    try:
        return httpx.get(url, timeout=2.0).is_success
    except httpx.HTTPError:
        return False
