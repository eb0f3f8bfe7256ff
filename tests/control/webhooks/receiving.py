"""A receiver of webhooks that notes what comes, and one that behaves badly."""

import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

#: Seconds in which anything that a test waits for must happen.
PATIENCE = 60.0
SECRET = "correct horse battery staple"


@dataclass(frozen=True)
class Delivery:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiving:
    """What a receiver has been sent, and what it answers."""

    def __init__(self, answer: Callable[[int], int]) -> None:
        self.deliveries: list[Delivery] = []
        self.port = 0
        self._answer = answer
        self._changed = threading.Condition()

    def note(self, path: str, headers: Message, body: bytes) -> int:
        """Take a request; return the status of the answer."""
        with self._changed:
            self.deliveries.append(
                Delivery(path, {key.lower(): value for key, value in headers.items()}, body)
            )
            self._changed.notify_all()
            return self._answer(len(self.deliveries))

    def until(self, count: int) -> list[Delivery]:
        """Wait for so many requests."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.deliveries) >= count, PATIENCE), (
                self.deliveries
            )
            return list(self.deliveries)


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not read the answer is as it should be."""


@contextmanager
def receiving(
    answer: Callable[[int], int] = lambda _: 204,
    *,
    certificate: Path | None = None,
    body: bytes = b"",
) -> Iterator[Receiving]:
    """Run a receiver on loopback.

    Args:
        answer: the status of each answer, by the number of the request.
        certificate: a PEM file with its certificate and key; None: it speaks ``http``.
        body: of each answer.
    """
    found = Receiving(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            status = found.note(self.path, self.headers, self.rfile.read(length))
            self.send_response(status)
            self.send_header("Location", f"http://127.0.0.1:{found.port}/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def hostile(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a server that does with each connection what it likes; give its port."""
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.settimeout(PATIENCE)
                behave(self.request)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def silent(client: socket.socket) -> None:
    """Never answer."""
    while client.recv(65536):
        pass


def dripping(client: socket.socket) -> None:
    """Answer one octet after another, for ever."""
    client.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        client.sendall(b"a")
        time.sleep(0.01)


def closing(client: socket.socket) -> None:
    """Close at once."""


def informing(client: socket.socket) -> None:
    """Say again and again that more is to come."""
    while True:
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        time.sleep(0.01)


def rambling(client: socket.socket) -> None:
    """Answer with headers without end."""
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        client.sendall(b"X: " + 1000 * b"a" + b"\r\n")


def babbling(client: socket.socket) -> None:
    """Answer in another protocol."""
    client.sendall(b"220 mail.example.org ESMTP\r\n")
    client.recv(65536)
