"""What monitoring asks for, and what clients can't do to who answers."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from callboard.config.metrics import ListenAddress
from callboard.load.scrape import http_server
from callboard.load.scrape.http_server import HttpAnswer, HttpServer

#: Seconds in which anything that a test waits for must happen.
PATIENCE = 30.0
LOOPBACK = "127.0.0.1"
#: More than the buffers of a connection hold.
LARGE = b"x" * (32 << 20)


async def fine(accept: str) -> HttpAnswer:
    return HttpAnswer.said(200, f"fine {accept}".rstrip())


async def failing(_: str) -> HttpAnswer:
    raise ZeroDivisionError


async def large(_: str) -> HttpAnswer:
    return HttpAnswer(200, LARGE)


@pytest.fixture
def server() -> Iterator[HttpServer]:
    pages = {"/fine": fine, "/failing": failing, "/large": large}
    found = HttpServer(ListenAddress(LOOPBACK, 0), pages)
    try:
        yield found
    finally:
        found.close()


def connected(server: HttpServer) -> socket.socket:
    client = socket.create_connection((LOOPBACK, server.port))
    client.settimeout(PATIENCE)
    return client


def rest(client: socket.socket) -> bytes:
    """What comes until the server closes, in whatever way."""
    found = []
    with contextlib.suppress(ConnectionError):
        while data := client.recv(1 << 20):
            found.append(data)
    return b"".join(found)


def asked(server: HttpServer, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send a request; return the answer's status, headers and body."""
    with connected(server) as client:
        client.sendall(request)
        head, _, body = rest(client).partition(b"\r\n\r\n")
    status, *lines = head.decode("ascii").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, body


def get(path: str, method: str = "GET", more: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode("latin-1")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *((name, 200) for name in ("localhost", "LOCALHOST:9100", "127.0.0.1", "127.0.0.1:9100")),
        *((name, 200) for name in ("[::1]", "[::1]:9100", "192.0.2.7:80")),
        *((name, 421) for name in ("example.org", "example.org:9100", "localhost.example.org")),
        *(
            (name, 421)
            for name in ("127.0.0.1.example.org", "", "::1", "[::1", "a@b@c", "local host")
        ),
    ],
)
def test_a_name_that_another_site_could_have_is_not_answered(
    server: HttpServer, host: str, status: int
) -> None:
    request = f"GET /fine HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    found, _, body = asked(server, request)
    assert found == status
    assert body == (b"fine\n" if status == 200 else b"Ask for localhost, or for an IP address.\n")


def test_what_others_reach_is_answered_by_any_name() -> None:
    server = HttpServer(ListenAddress("0.0.0.0", 0), {"/fine": fine})
    try:
        found, _, _ = asked(server, b"GET /fine HTTP/1.1\r\nHost: callboard.example\r\n\r\n")
        assert found == 200
    finally:
        server.close()


@pytest.mark.parametrize(
    ("request_", "status", "body"),
    [
        (get("/fine"), 200, b"fine\n"),
        (get("/fine?x=1"), 200, b"fine\n"),
        (get("/fine", more="Accept: text/plain\r\nAccept: a/b\r\n"), 200, b"fine text/plain,a/b\n"),
        (get("/fine", "HEAD"), 200, b""),
        (b"GET /fine HTTP/1.0\r\n\r\n", 200, b"fine\n"),
        (get("/"), 404, b"There is nothing here. Ask for /fine, /failing or /large.\n"),
        (get("/fine/"), 404, None),
        (get("/../fine"), 404, None),
        (get("/nothing", "HEAD"), 404, b""),
        (get("/fine", "POST", "Content-Length: 3\r\n") + b"abc", 405, b"Use GET or HEAD.\n"),
        (get("/fine", "DELETE"), 405, None),
        (get("/fine", "OPTIONS"), 405, None),
        (get("/failing"), 500, None),
        (b"nonsense\r\n\r\n", 400, None),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, None),
        (b"GET /fine HTTP/1.1\r\n\r\n", 400, None),
        (get("/fine", more="Content-Length: -1\r\n"), 400, None),
        (get("/fine", more="A: " + 20000 * "a" + "\r\n"), 431, None),
        (b"GET /" + 20000 * b"a", 431, None),
    ],
)
def test_it_answers_each_request(
    server: HttpServer, request_: bytes, status: int, body: bytes | None
) -> None:
    found, headers, text = asked(server, request_)
    assert found == status
    assert headers["connection"] == "close"
    assert body is None or text == body
    assert ("allow" in headers) == (status == 405)
    assert asked(server, get("/fine"))[0] == 200


def test_head_says_how_long_the_page_is(server: HttpServer) -> None:
    assert asked(server, get("/fine", "HEAD"))[1]["content-length"] == "5"


@pytest.mark.parametrize(
    "sent",
    [b"", b"G", b"GET /fine HTTP/1.1\r\n", get("/large")],
    ids=["nothing", "a letter", "half a head", "reads nothing"],
)
def test_a_slow_client_is_dropped_in_time(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    gone = threading.Event()
    real = HttpServer._attend

    async def attend(self: HttpServer, *streams: Any) -> None:
        await real(self, *streams)
        gone.set()

    monkeypatch.setattr(http_server, "DEADLINE", 0.2)
    monkeypatch.setattr(HttpServer, "_attend", attend)
    server = HttpServer(ListenAddress(LOOPBACK, 0), {"/fine": fine, "/large": large})
    try:
        with connected(server) as client:
            client.sendall(sent)
            assert gone.wait(PATIENCE)
            assert len(rest(client)) < len(LARGE)
        monkeypatch.setattr(http_server, "DEADLINE", PATIENCE)
        assert asked(server, get("/fine"))[0] == 200
    finally:
        server.close()


def test_a_client_that_drips_is_dropped_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "DEADLINE", 0.2)
    server = HttpServer(ListenAddress(LOOPBACK, 0), {"/fine": fine})
    try:
        with connected(server) as client, pytest.raises(ConnectionError):
            drip(client)
    finally:
        server.close()


def drip(client: socket.socket) -> None:
    """Send octets, each long before the next one is due, until the connection is gone."""
    client.settimeout(0.05)
    while True:
        client.sendall(b"a")
        with contextlib.suppress(TimeoutError):
            if not client.recv(1):
                raise ConnectionError


def test_too_many_clients_are_turned_away_and_the_rest_is_served(server: HttpServer) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in range(http_server.MOST_CLIENTS)]
        for client in clients:
            client.sendall(b"GET /fi")  # each has its place
        with connected(server) as one_too_many:
            assert rest(one_too_many) == b""
        for client in clients:
            client.sendall(b"ne HTTP/1.1\r\nHost: localhost\r\n\r\n")
            client.shutdown(socket.SHUT_WR)
            assert rest(client).endswith(b"fine\n")
    assert asked(server, get("/fine"))[0] == 200


def test_its_end_ends_connections(server: HttpServer) -> None:
    with connected(server) as client:
        client.sendall(b"GET /fi")
        assert asked(server, get("/fine"))[0] == 200  # which came later
        server.close()
        assert rest(client) == b""
        with pytest.raises(ConnectionRefusedError):
            connected(server)


def test_a_port_in_use_is_said(server: HttpServer) -> None:
    with pytest.raises(OSError, match=rf"127\.0\.0\.1:{server.port} \(address already in use\)"):
        HttpServer(ListenAddress(LOOPBACK, server.port), {})


def test_it_listens_on_ipv6() -> None:
    try:
        server = HttpServer(ListenAddress("::1", 0), {"/fine": fine})
    except OSError:
        pytest.skip("this machine has no IPv6")
    try:
        with socket.create_connection(("::1", server.port)) as client:
            client.sendall(get("/fine"))
            client.shutdown(socket.SHUT_WR)
            assert rest(client).endswith(b"fine\n")
    finally:
        server.close()
