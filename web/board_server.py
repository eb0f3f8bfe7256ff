"""uvicorn on a loop that is not its own."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Connections at a time; more are closed at once.
MOST_CONNECTIONS = 512
#: Octets of a request's line with its headers.
LARGEST_HEAD = 16 * 1024
#: Seconds that the head of a request may take to come.
HEAD = 10.0
#: Seconds that its body may take, after which nobody waits for the rest; the gate answers before.
BODY = 15.0
#: Seconds that a client which reads nothing may keep an answer waiting.
STALL = 10.0
#: Seconds that a connection stays open without a request.
IDLE = 30
#: Seconds that answers may take at the end.
CLOSING = 2


class BoundedConnection(H11Protocol):
    """A connection that nobody can keep open by sending, or reading, too slowly."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, if there are not too many."""
        self._timers: dict[object, asyncio.TimerHandle] = {}
        self._stalled: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._watch(lost=True)
        if self._stalled is not None:
            self._stalled.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client reads too slowly: give it some time."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(STALL, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _watch(self, *, lost: bool = False) -> None:
        """Limit the time in which the head of a request must come, and the time of its body."""
        for state, seconds in ((h11.IDLE, HEAD), (h11.SEND_BODY, BODY)):
            waits = not lost and self.conn.their_state is state
            if waits and state not in self._timers:
                self._timers[state] = self.loop.call_later(seconds, self.transport.abort)
            elif not waits and state in self._timers:
                self._timers.pop(state).cancel()


class BoardServer(uvicorn.Server):
    """Serves an application until it is told to end. Signals are the command's, not uvicorn's.

    Args:
        app: what is served.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedConnection,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="critical",  # the rest is about clients, who may send what they like
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                h11_max_incomplete_event_size=LARGEST_HEAD,
                timeout_keep_alive=IDLE,
                timeout_graceful_shutdown=CLOSING,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    async def run_on(self, listener: socket.socket) -> None:
        """Serve on a socket that listens; it is closed at the end."""
        self.servers = []
        try:
            await self.serve([listener])
        finally:  # uvicorn leaves them open if it fails
            for server in self.servers:
                server.close()
            for connection in list(self.server_state.connections):
                connection.transport.abort()
            listener.close()

    def end(self, *_: Any) -> None:
        """End soon."""
        self.should_exit = True
