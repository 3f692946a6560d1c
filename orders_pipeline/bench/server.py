"""The bench server: a gateway whose orders were rendered before it listens, so that it is not what is measured.

A program of its own: ``python -m orders_pipeline.bench.server --orders N --latency MS`` prints its port and serves until its
standard input ends. It checks no signature and counts no calls. Every list but the orders' is empty. ``POST /reset`` goes
back to the first load, ``POST /change`` on to the increment.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from orders_pipeline.bench import trades
from orders_pipeline.clock import SHOP_TZ

LISTS = {"taobao.trades.sold.get": "created", "taobao.trades.sold.increment.get": "modified"}

Scope = MutableMapping[str, Any]


class Gateway:
    """The ASGI application. ``latency``: seconds that an answer takes to arrive, whatever it holds."""

    def __init__(self, count: int, latency: float) -> None:
        self._first = trades.trades(count)
        self._second = list(self._first)
        for number, trade in trades.changed(self._first).items():
            self._second[number] = trade
        self._latency = latency
        self.reset(later=False)

    def reset(self, *, later: bool) -> None:
        """Go to the first load or to the increment."""
        rows = self._second if later else self._first
        self._lists = {"created": sorted(rows, key=_created), "modified": sorted(rows, key=_modified)}
        self._times = {
            "created": [row.created for row in self._lists["created"]],
            "modified": [row.modified for row in self._lists["modified"]],
        }
        begins = trades.BASE + trades.LATER if later else trades.BASE
        self._ahead = begins.timestamp() - time.time()

    async def __call__(
        self, scope: Scope, receive: Callable[[], Awaitable[Scope]], send: Callable[[Scope], Awaitable[None]]
    ) -> None:
        form = b""
        more = True
        while more:
            message = await receive()
            form += message.get("body", b"")
            more = message.get("more_body", False)
        if scope["path"] in ("/reset", "/change"):
            self.reset(later=scope["path"] == "/change")
            body = b"{}"
        else:
            body = self._answer({name: values[0] for name, values in parse_qs(form.decode()).items()})
            if self._latency:
                await asyncio.sleep(self._latency)
        now = datetime.fromtimestamp(time.time() + self._ahead, UTC)
        headers = [
            (b"content-type", b"application/json;charset=UTF-8"),
            (b"content-length", str(len(body)).encode()),
            (b"date", format_datetime(now, usegmt=True).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, form: dict[str, str]) -> bytes:
        api = form["method"]
        root = api.removeprefix("taobao.").replace(".", "_") + "_response"
        axis = LISTS.get(api)
        if axis is None:
            now = datetime.fromtimestamp(time.time() + self._ahead, SHOP_TZ)
            return f'{{"{root}":{{"time":"{now:%Y-%m-%d %H:%M:%S}","total_results":0,"has_next":false}}}}'.encode()
        first = bisect_left(self._times[axis], _seconds(form[f"start_{axis}"]))
        last = bisect_right(self._times[axis], _seconds(form[f"end_{axis}"]))
        page, size = int(form["page_no"]), int(form["page_size"])
        stop = max(last - (page - 1) * size, first)
        begin = max(stop - size, first)
        rows = b",".join([row.body for row in reversed(self._lists[axis][begin:stop])])
        counted = form.get("use_has_next") != "true"
        total = f'"total_results":{last - first}' if counted else f'"has_next":{str(begin > first).lower()}'
        # the platform leaves an empty list out altogether
        listed = b'"trades":{"trade":[' + rows + b"]}," if rows else b""
        return f'{{"{root}":{{{total},'.encode() + listed + b'"request_id":"16e8oqoq7uqe1"}}'


def _created(trade: trades.Trade) -> int:
    return trade.created


def _modified(trade: trades.Trade) -> int:
    return trade.modified


def _seconds(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHOP_TZ).timestamp())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds")
    options = parser.parse_args()
    gateway = Gateway(options.orders, options.latency / 1000)
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    # whoever started us holds the other end: when it is gone, so are we
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    config = uvicorn.Config(gateway, log_level="error", access_log=False, date_header=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
