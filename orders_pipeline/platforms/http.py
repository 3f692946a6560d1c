"""POST over kept connections, on the standard library: what is sent, and what an answer means, is each platform's business.

Not httpx: of 500 pages, 84 MB, its share was 0.45 CPU s here, this module's is 0.15, and its import cost every tick 60 ms.
"""

from __future__ import annotations

import os
import select
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection, IncompleteRead
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    import ssl

_CHUNK = 1 << 18
"""Bytes asked for at once: about a page, of which the kernel gives what has arrived."""

_GZIP = 31
"""zlib's window size for gzip with its header."""

FAILURES = (OSError, HTTPException, zlib.error, ValueError)
"""Whatever can happen on the way; ``TimeoutError`` is an OSError. ValueError: an address that is none."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: until connected, and for each read or write after that."""

    connect: float
    read: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and headers of an answer; ``chunks`` gives its body, unpacked, as it arrives."""

    status: int
    headers: HTTPMessage
    chunks: Iterator[bytes]


class Connections:
    """Connections to a few hosts, kept open between calls and shared by threads. Redirects are not followed: they would
    carry secrets elsewhere. With ``use_proxy`` the variables ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY`` count."""

    def __init__(self, timeouts: Timeouts, headers: Mapping[str, str], *, use_proxy: bool) -> None:
        self._timeouts = timeouts
        self._headers = {"Accept-Encoding": "gzip", **headers}
        self._use_proxy = use_proxy
        self._idle: dict[tuple[str, str], list[HTTPConnection]] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            for connection in (one for idle in self._idle.values() for one in idle):
                connection.close()
            self._idle.clear()

    @contextmanager
    def post(self, url: str, body: bytes) -> Iterator[Answer]:
        """Send a form. Raises FAILURES, in the block too. The connection is kept where the block read the answer whole."""
        place = urlsplit(url)
        key = (place.scheme, place.netloc)
        connection = self._take(key)
        kept = False
        try:
            target = f"{place.path or '/'}{'?' + place.query if place.query else ''}"
            proxied = place.scheme == "http" and connection.host != place.hostname
            headers = {"Content-Type": "application/x-www-form-urlencoded", **self._headers}
            connection.request("POST", url if proxied else target, body, headers)
            response = connection.getresponse()
            yield Answer(response.status, response.headers, _unpacked(response))
            kept = response.isclosed() and not response.will_close
        finally:
            if kept:
                with self._lock:
                    self._idle.setdefault(key, []).append(connection)
            else:
                connection.close()

    def _take(self, key: tuple[str, str]) -> HTTPConnection:
        """An idle connection that the other end has not closed, or a new one."""
        with self._lock:
            idle = self._idle.get(key, [])
            while idle:
                connection = idle.pop()
                if not select.select([connection.sock], [], [], 0)[0]:
                    return connection
                connection.close()  # nothing was asked, so what can be read is the end
        connection = self._connection(*key)
        connection.connect()
        connection.sock.settimeout(self._timeouts.read)
        return connection

    def _connection(self, scheme: str, netloc: str) -> HTTPConnection:
        place = urlsplit(f"{scheme}://{netloc}")
        host, port = place.hostname or "", place.port
        if scheme not in ("http", "https") or not host:
            raise ValueError("not an address")
        timeout = self._timeouts.connect
        proxy = _proxy(scheme, host) if self._use_proxy else None
        if proxy is None:
            if scheme == "http":
                return HTTPConnection(host, port, timeout=timeout)
            return HTTPSConnection(host, port, timeout=timeout, context=self._tls)
        via = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        if scheme == "http":
            return HTTPConnection(via.hostname or "", via.port, timeout=timeout)
        tunnel = HTTPSConnection(via.hostname or "", via.port, timeout=timeout, context=self._tls)
        tunnel.set_tunnel(host, port, _credentials(via.username, via.password))
        return tunnel

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        import ssl

        import certifi  # a slim container has no certificates of its own

        return ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE") or certifi.where())


def _unpacked(response: HTTPResponse) -> Iterator[bytes]:
    """The body in pieces of bounded size. Raises IncompleteRead, zlib.error where it ends too early."""
    unzip = zlib.decompressobj(_GZIP) if response.headers.get("Content-Encoding", "").lower() == "gzip" else None
    while piece := response.read1(_CHUNK):
        if unzip is None:
            yield piece
            continue
        while piece:  # a small piece may hold a very large text
            yield unzip.decompress(piece, _CHUNK)
            piece = unzip.unconsumed_tail
    if response.length:
        raise IncompleteRead(b"", response.length)
    response.close()  # of a body of known length http.client does not notice the end by itself
    if unzip is not None:
        yield unzip.flush()
        if not unzip.eof:
            raise IncompleteRead(b"")


def _proxy(scheme: str, host: str) -> str | None:
    """The proxy that the environment names for a host."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    return None if proxy_bypass(host) else proxies.get(scheme) or proxies.get("all")


def _credentials(user: str | None, password: str | None) -> dict[str, str]:
    if not user:
        return {}
    from base64 import b64encode

    secret = b64encode(f"{unquote(user)}:{unquote(password or '')}".encode()).decode()
    return {"Proxy-Authorization": f"Basic {secret}"}
