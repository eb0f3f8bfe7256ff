"""A small HTTP server for monitoring, which no client can keep busy.

What is served is a few small pages, and those who ask are a scraper and a few probes. A server for
applications has other limits: uvicorn waits for the rest of a request for ever, and the server of
prometheus-client starts a thread for each connection. So h11 (the parser of uvicorn) reads and
writes HTTP/1.1, and asyncio's streams carry it, under a deadline for each connection as a whole.
"""

import asyncio
import ipaddress
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import h11

from ...actors.runtime.side_loop import SideLoop
from ...config.metrics import ListenAddress

log = logging.getLogger(__name__)

#: Connections at a time; more are closed at once.
MOST_CLIENTS = 32
#: Seconds that a connection has from its first octet to its last, both ways.
DEADLINE = 10.0
#: Octets of a request line with its headers.
LARGEST_HEAD = 8192
#: Octets of a request's body that are read and thrown away.
LARGEST_BODY = 65536
#: Seconds in which the thread must have ended.
CLOSING = 3.0

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What is answered to a request.

    Attributes:
        status: the status code (RFC 9110 §15).
        body: the text.
        type: its media type.
    """

    status: int
    body: bytes
    type: str = TEXT

    @classmethod
    def said(cls, status: int, sentence: str) -> "HttpAnswer":
        """Answer with a sentence."""
        return cls(status, f"{sentence}\n".encode())


#: Makes a page, given the request's ``Accept`` header; called on the server's own loop.
Page = Callable[[str], Awaitable[HttpAnswer]]


class HttpServer:
    """Serves pages to GET and HEAD, from a thread of its own, until it is closed.

    Each connection takes one request. Whatever a client does costs it its own connection only.

    What only this machine can reach answers to ``localhost`` and to IP addresses as ``Host``. A
    page in a browser here could give a name of its own site this machine's address, and read what
    is answered (DNS rebinding).

    Args:
        address: where to listen; port 0 is a free one.
        pages: by their paths.

    Raises:
        OSError: the port can't be had; it says which, why, and what to do.

    Attributes:
        port: the TCP port.
    """

    def __init__(self, address: ListenAddress, pages: Mapping[str, Page]) -> None:
        listener = _listener(address)
        self.port: int = listener.getsockname()[1]
        self._pages = pages
        self._is_loopback = address.is_loopback
        self._clients: set[asyncio.Task[None]] = set()
        self._is_over = False
        self._side = SideLoop("monitoring over HTTP")
        self._side.start(self._serve(listener)).result()

    def close(self) -> None:
        """Close the port and every connection, and end the thread. Blocks for a moment."""
        if not self._is_over:
            self._is_over = True
            self._side.start(self._stop()).result(CLOSING)
            self._side.close(CLOSING)

    async def _serve(self, listener: socket.socket) -> None:
        self._server = await asyncio.start_server(self._meet, sock=listener, limit=LARGEST_HEAD)

    async def _stop(self) -> None:
        self._server.close()
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_over or len(self._clients) >= MOST_CLIENTS:
            writer.transport.abort()
            return
        client = asyncio.create_task(self._attend(reader, writer))
        self._clients.add(client)
        client.add_done_callback(self._clients.discard)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(0)  # so that drain() means that all is out
        try:
            async with asyncio.timeout(DEADLINE):
                await self._talk(reader, writer)
        except OSError:  # it is gone, or slow: TimeoutError is one too
            pass
        finally:
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
        has_body, allow = True, False
        try:
            request = await _request(connection, reader)
        except h11.RemoteProtocolError as error:
            hint = error.error_status_hint
            answer = HttpAnswer.said(hint, HTTPStatus(hint).phrase)
        else:
            if request is None:
                return
            has_body = request.method != b"HEAD"
            answer, allow = await self._answer(request)
        headers = [
            ("Content-Type", answer.type),
            ("Content-Length", str(len(answer.body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Connection", "close"),
            *([("Allow", "GET, HEAD")] if allow else []),
        ]
        phrase = HTTPStatus(answer.status).phrase
        head = h11.Response(status_code=answer.status, headers=headers, reason=phrase)
        body = [h11.Data(answer.body)] if has_body else []
        parts = [head, *body, h11.EndOfMessage()]
        writer.write(b"".join(connection.send(part) or b"" for part in parts))
        await writer.drain()
        await _linger(reader, writer)

    async def _answer(self, request: h11.Request) -> tuple[HttpAnswer, bool]:
        """Make the answer; tell also whether it has to name the allowed methods."""
        if self._is_loopback and not all(map(_is_here, _hosts(request))):
            return HttpAnswer.said(421, "Ask for localhost, or for an IP address."), False
        page = self._pages.get(request.target.partition(b"?")[0].decode("latin-1"))
        if page is None:
            return HttpAnswer.said(404, f"There is nothing here. Ask for {self._paths()}."), False
        if request.method not in {b"GET", b"HEAD"}:
            return HttpAnswer.said(405, "Use GET or HEAD."), True
        accept = b",".join(value for name, value in request.headers if name == b"accept")
        try:
            return await page(accept.decode("latin-1")), False
        except Exception:
            log.exception("a page for monitoring could not be made")
            return HttpAnswer.said(500, "This page could not be made: see the log."), False

    def _paths(self) -> str:
        *some, last = self._pages
        return f"{', '.join(some)} or {last}" if some else last


def _hosts(request: h11.Request) -> list[str]:
    return [value.decode("latin-1") for name, value in request.headers if name == b"host"]


def _is_here(host: str) -> bool:
    """Tell whether no name server can say what a ``Host`` leads to (RFC 9110 §7.2)."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def _listener(address: ListenAddress) -> socket.socket:
    try:
        return address.listen()
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(
            f"metrics can't be served at {address} ({words.lower()}): choose another port or "
            "address, or end what uses it"
        ) from None


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """Read the head of a request; None: the client has gone."""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        connection.receive_data(await reader.read(LARGEST_HEAD))


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Wait until the client closes: what it has sent and nobody read would reset the connection."""
    writer.write_eof()
    left = LARGEST_BODY
    while left > 0 and (data := await reader.read(left)):
        left -= len(data)
