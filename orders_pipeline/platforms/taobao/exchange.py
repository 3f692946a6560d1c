"""One POST and its whole answer, within limits of time and size. Knows no API, no signature and no error of the platform.

Requests go to httpx's transport without its client: what that adds (cookies, redirects, sign-in, merging of defaults) is
nothing that a gateway needs, and took a third of a call's CPU (535 pages of 160 KB: 0.28 s with it, 0.19 without).
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from orders_pipeline.light import without
from orders_pipeline.platforms.base import RetryableError
from orders_pipeline.settings import UserError

with without("httpx._main"):  # its command line, which brings rich and pygments: 0.05 s of every start
    import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orders_pipeline.clock import Clock

TIMEOUTS = httpx.Timeout(
    connect=5,  # the gateway is one hop inside China; a SYN lost twice is back within 3 s
    read=25,  # slow queries end server-side before this; a silent server is given up within 30 s of the call
    write=10,  # bodies are below 10 KB
    pool=5,  # one call at a time per shop: a connection is free at once
)

LONGEST_ANSWER = 60.0
"""Seconds from sending to the last byte. A read time-out alone lets a server that drips bytes hold the sync for ever."""

LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes, unpacked: a page is about 0.2 MB, a single monstrous order was seen at 10 MB; beyond this it is no page."""

_HEADERS = {
    "Accept-Encoding": "gzip",
    "User-Agent": "orders-pipeline",
    "Content-Type": "application/x-www-form-urlencoded",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is unpacked; names in ``headers`` are found whatever their case; ``begun``: our clock when these had come."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    begun: datetime


class Exchange:
    """Connections that stay open between calls. Threads may share it."""

    def __init__(self, clock: Clock) -> None:
        silence_http_logs()
        self._extensions = {"timeout": TIMEOUTS.as_dict()}
        self._clock = clock
        self._lock = threading.Lock()
        self._transports: dict[tuple[str, str], httpx.HTTPTransport] = {}  # scheme and host ->

    def post(self, url: str, form: Mapping[str, str], api: str) -> Answer:
        """One attempt. A redirect is an answer like others: to follow it would carry the session elsewhere.

        Raises RetryableError for whatever happens on the way, outside ``except``, so that no cause holds the body; UserError for
        a proxy in the environment that cannot be used.
        """
        problem = ""
        try:
            # names of fields are half of a form: with their commas as they are, each is a word that needs no quoting
            return self._post(_address(url), urlencode(form, safe=",").encode(), api)
        except httpx.TimeoutException as error:
            problem = f"time-out ({type(error).__name__})"
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            problem = f"connection failed ({type(error).__name__})"
        raise RetryableError(f"{api}: {problem} at {urlsplit(url).hostname}; the call is repeated.")

    def close(self) -> None:
        """Close the connections."""
        for transport in self._transports.values():
            transport.close()

    def _post(self, url: httpx.URL, content: bytes, api: str) -> Answer:
        sent = self._clock.now()
        request = httpx.Request("POST", url, headers=_HEADERS, content=content, extensions=self._extensions)
        response = self._transport(url).handle_request(request)
        begun = self._clock.now()
        chunks: list[bytes] = []
        size = 0
        try:
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                if size > LARGEST_ANSWER:
                    raise RetryableError(f"{api}: an answer above {LARGEST_ANSWER >> 20} MB; the call is repeated.")
                if (self._clock.now() - sent).total_seconds() > LONGEST_ANSWER:
                    raise RetryableError(f"{api}: no complete answer in {LONGEST_ANSWER:.0f} s; the call is repeated.")
        finally:
            response.close()
        return Answer(response.status_code, response.headers, b"".join(chunks), begun)

    def _transport(self, url: httpx.URL) -> httpx.HTTPTransport:
        where = url.scheme, url.host
        with self._lock:
            if where not in self._transports:
                try:
                    # without TLS no certificates are looked up either, so they need not be read: 17 ms
                    transport = httpx.HTTPTransport(proxy=_proxy(url), verify=url.scheme == "https")
                except (ImportError, ValueError):
                    text = "is of a kind that cannot be used: http:// and https:// can."
                    raise UserError(f"The proxy that the environment names for {url.scheme} {text}") from None
                self._transports[where] = transport
            return self._transports[where]


@lru_cache
def _address(url: str) -> httpx.URL:
    return httpx.URL(url)


def silence_http_logs() -> None:
    """httpx logs addresses, httpcore headers; neither belongs in a log of ours, whatever level the root logger has."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _proxy(url: httpx.URL) -> str | None:
    """The proxy that the environment names for an address. A company's leads outside, never to this machine."""
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or _is_loopback(url.host) or proxy_bypass(url.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
