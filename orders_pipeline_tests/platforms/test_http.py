"""Kept connections, proxies, and answers that end too early: against real sockets."""

from __future__ import annotations

import gzip
import http.server
import select
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from orders_pipeline.platforms.http import FAILURES, Connections, Timeouts

TEXT = b"".join(b"%d," % number for number in range(200_000))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, int]] = []  # noqa: RUF012 - emptied by the fixture
    cut = False

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.client_address[1]))
        body = gzip.compress(TEXT) if "gzip" in self.path else TEXT
        self.send_response(200)
        if "gzip" in self.path:
            self.send_header("Content-Encoding", "gzip")
        if "chunked" in self.path:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for start in range(0, len(body), 50_000):
                piece = body[start : start + 50_000]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"" if "cut" in self.path else b"0\r\n\r\n")
        else:
            self.send_header("Content-Length", str(len(body) + (7 if "cut" in self.path else 0)))
            self.end_headers()
            self.wfile.write(body)
        self.close_connection = "cut" in self.path or "last" in self.path

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.seen.clear()
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_address[1]}"
    served.shutdown()
    served.server_close()


@pytest.fixture
def connections() -> Iterator[Connections]:
    with closing(Connections(Timeouts(5, 5), {}, use_proxy=True)) as opened:
        yield opened


def post(connections: Connections, url: str) -> bytes:
    with connections.post(url, b"a=1") as answer:
        return b"".join(answer.chunks)


@pytest.mark.parametrize("path", ["plain", "gzip", "chunked", "gzip-chunked"])
def test_an_answer_comes_whole_and_its_connection_is_used_again(
    server: str, connections: Connections, path: str
) -> None:
    assert post(connections, f"{server}/{path}") == post(connections, f"{server}/{path}") == TEXT
    (_, first), (_, second) = Handler.seen
    assert first == second


@pytest.mark.parametrize("path", ["cut", "cut-gzip", "cut-chunked"])
def test_an_answer_that_ends_too_early_is_an_error(server: str, connections: Connections, path: str) -> None:
    with pytest.raises(FAILURES):
        post(connections, f"{server}/{path}")
    assert post(connections, f"{server}/plain") == TEXT


def test_a_connection_that_the_server_closed_is_not_asked(server: str, connections: Connections) -> None:
    for _ in range(3):
        assert post(connections, f"{server}/last") == TEXT
        ((idle,),) = connections._idle.values()
        assert select.select([idle.sock], [], [], 5)[0], "the server has not closed it"
    assert len({port for _, port in Handler.seen}) == 3


def test_readers_share_what_is_idle(server: str, connections: Connections) -> None:
    def read() -> None:
        for _ in range(5):
            assert post(connections, f"{server}/plain") == TEXT

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert len(Handler.seen) == 15
    assert len({port for _, port in Handler.seen}) <= 3


def test_the_proxy_of_the_environment_is_asked_unless_told_otherwise(
    server: str, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server)
    assert post(connections, "http://gateway.invalid/router/rest") == TEXT
    assert Handler.seen[-1][0] == "http://gateway.invalid/router/rest"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert post(connections, f"{server}/plain") == TEXT
    assert Handler.seen[-1][0] == "/plain"


@pytest.mark.parametrize("url", ["ftp://gateway/", "http://", "http://gateway:x/"])
def test_an_address_that_is_none_is_an_error(connections: Connections, url: str) -> None:
    with pytest.raises(ValueError, match=r"address|port|Port"):
        post(connections, url)
