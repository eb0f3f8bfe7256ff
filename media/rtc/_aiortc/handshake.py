"""The DTLS handshake of a transport, which may begin before aiortc begins it.

aiortc begins when ICE has nominated a pair of addresses and both descriptions were taken, and makes
what it needs only then. But the client may say hello once its answer is on its way (RFC 5763 §5),
by any pair that a check of its own has come through (RFC 8445 §12.1), and the server may reply.
Whose certificate it is aiortc sees at the end, as ever.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from aiortc.rtcdtlstransport import RTCDtlsTransport
from OpenSSL import SSL

from ...late_event import LateEvent
from .guards import RECEIVE, Intake
from .tls_context import take_connection
from .transports import ROLE, begin_checks
from .transports import SSL as CONNECTION

CERTIFICATE = "_RTCDtlsTransport__local_certificate"
HANDSHAKE = "_do_handshake"

_LONGEST = 1500

Send = Callable[[bytes], object]
"""Sends a datagram to the peer, by a pair of addresses that a check of ours has come through."""


class Handshake:
    """Shakes hands in a transport's place, with a connection of OpenSSL's that was made ahead."""

    def __init__(self, transport: RTCDtlsTransport) -> None:
        """Stand before a transport's own.

        Args:
            transport: One that has not started.
        """
        self._shake_hands: Callable[[], Awaitable[None]] = getattr(transport, HANDSHAKE)
        self._transport = transport
        self._connection: SSL.Connection | None = None
        self._has_begun = self._is_client = False
        self._send: Send | None = None
        self._words = b""
        self._rests = LateEvent()
        self._rests.set()

    def greet(self, send: Send) -> None:
        """Say hello as the client.

        Args:
            send: How.
        """
        if self._connection is None and self._speak("client"):
            send(self._words)

    def hear(self) -> None:
        """Take the peer's hello as the server, if it has been said; see `reply`."""
        intake = getattr(self._transport.transport, RECEIVE)
        if self._connection is not None or not isinstance(intake, Intake):
            return
        setattr(self._transport, ROLE, "server")
        hello = intake.early()
        if hello is not None and self._speak("server", hello):
            self._reply()

    def reply(self, send: Send) -> None:
        """Reply to the hello that was heard, now or when it is.

        Args:
            send: How.
        """
        self._send = send
        self._reply()

    async def go_ahead(self, role: str) -> None:
        """Shake hands before aiortc does; a pair of addresses is nominated.

        Args:
            role: "client" or "server".
        """
        if self._transport.state == "new" and not self._has_begun:
            setattr(self._transport, ROLE, role)
            self._rests.clear()
            try:
                await self._begin()
            finally:
                self._rests.set()

    async def __call__(self) -> None:
        """Shake hands; aiortc has a connection of its own by now, without a certificate."""
        try:
            if not self._has_begun:
                await self._begin()
                return
            setattr(self._transport, CONNECTION, self._connection)
            await self._rests.wait()
            await self._shake_hands()  # which is nothing, unless who went ahead was stopped
        finally:
            self._connection, self._send, self._words = None, None, b""

    async def _begin(self) -> None:
        self._has_begun = True
        transport = self._transport
        role: str = getattr(transport, ROLE)
        connection = self._connection
        if connection is None or self._is_client is not (role == "client"):
            connection = self._make(role)
        elif self._is_client:
            # A peer that could not take it yet would wait a second for it to come again.
            with suppress(ConnectionError):  # which is found in a moment
                await transport.transport._send(self._words)  # noqa: SLF001
        setattr(transport, CONNECTION, connection)
        await self._shake_hands()

    def _make(self, role: str) -> SSL.Connection:
        self._connection = connection = take_connection(getattr(self._transport, CERTIFICATE))
        self._is_client = role == "client"
        if self._is_client:
            connection.set_connect_state()
        else:
            connection.set_accept_state()
        return connection

    def _speak(self, role: str, heard: bytes = b"") -> bool:
        """Shake hands until the peer has to speak; False if that can't be done."""
        connection = self._make(role)
        if heard:
            connection.bio_write(heard)
        try:
            with suppress(SSL.WantReadError):
                connection.do_handshake()
            self._words = connection.bio_read(_LONGEST)
        except SSL.Error:  # what was heard was no good, and the next may be
            self._connection = None
        return self._connection is not None

    def _reply(self) -> None:
        if self._send is not None and self._words:
            self._send(self._words)
            self._words = b""


def share_context(transport: RTCDtlsTransport) -> None:
    """Let a transport have the context that all share, with the certificate of its own call.

    Args:
        transport: One that has not started; one that shares it already stays so.
    """
    if HANDSHAKE not in vars(transport):
        setattr(transport, HANDSHAKE, Handshake(transport))


def hear_hello(transport: RTCDtlsTransport) -> None:
    """Let the server take its peer's hello, if that was quick.

    Args:
        transport: One that goes ahead as the server.
    """
    getattr(transport, HANDSHAKE).hear()


async def go_ahead(
    transport: RTCDtlsTransport,
    credentials: tuple[str, str],
    candidates: Sequence[str],
    role: str,
) -> None:
    """Check ICE and shake hands, while descriptions are made or taken.

    Args:
        transport: One that has gathered, and shares the context.
        credentials: The peer's ufrag and pwd.
        candidates: Its candidate-attributes (RFC 8839 §5.1), without "candidate:".
        role: Ours in the handshake, "client" or "server".
    """
    handshake: Handshake = getattr(transport, HANDSHAKE)
    on_way = handshake.greet if role == "client" else handshake.reply
    ice = transport.transport
    await begin_checks(ice, credentials, candidates, on_way)
    if ice.state == "completed":
        await handshake.go_ahead(role)
