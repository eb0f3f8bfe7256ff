"""Guards before aiortc's transports: only the peer may end them.

aiortc passes each datagram to OpenSSL, libsrtp, its own parsers, receivers and SCTP in one task,
and that task ends if any of them raises. To the application this looks as if the peer had closed.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aioice import Connection
from aiortc.rtcdtlstransport import RTCDtlsTransport
from OpenSSL import SSL

from ..dtls import is_plausible
from ..ice import _aioice
from ..ice.datagram import records
from .early_packets import take_early
from .inbound import bound_streams
from .transports import ROLE, ice_connection
from .transports import SSL as CONNECTION

logger = logging.getLogger(__name__)

RECEIVE = "_recv"
RECEIVE_NEXT = "_recv_next"
TASK = "_task"

_DTLS = range(20, 64)


class Intake:
    """Gives a DTLS transport its datagrams, without those records that OpenSSL had better not see.

    Attributes:
        connection: The ICE connection that they come from; another one after a restart of ICE.
        taken: How many were given.
    """

    def __init__(
        self, transport: RTCDtlsTransport, connection: Connection, dropped: Counter[str]
    ) -> None:
        """Stand before a transport.

        Args:
            transport: Who takes them.
            connection: The ICE connection that they come from.
            dropped: Where it is counted what is not given.
        """
        self.connection = connection
        self.taken = 0
        self._dropped = dropped
        self._records: list[bytes] = []
        self._transport = transport

    async def __call__(self) -> bytes:
        """Return the next datagram; raise `ConnectionError` if there is no connection."""
        while not self._records:
            data = await self.connection.recv()
            if data[0] not in _DTLS:
                self.taken += 1
                return data
            self._sort(data)
        self.taken += 1
        return self._records.pop(0)

    def early(self) -> bytes | None:
        """Return what has come of the handshake before ICE was done, if anything has."""
        arrivals = _aioice.arrivals(self.connection)
        data = None if arrivals is None else arrivals.take_first(_DTLS)
        if data is not None:
            self._sort(data)
        return self._records.pop(0) if self._records else None

    def _sort(self, data: bytes) -> None:
        role = getattr(self._transport, ROLE)
        is_done = self._transport.encrypted
        found = list(records(data))
        kept = [each for each in found if is_plausible(each, role=role, is_done=is_done)]
        if len(kept) < len(found):
            self._dropped["no part of the DTLS handshake"] += 1
        if is_done:
            # aiortc reads one record for each datagram: the others would stay in OpenSSL's memory.
            self._records.extend(kept)
        elif kept:
            self._records.append(b"".join(kept))


def guard(transport: RTCDtlsTransport, dropped: Counter[str]) -> None:
    """Let no datagram end a transport, unless it is the peer's close_notify.

    Args:
        transport: One that has not started; one that is guarded stays so.
        dropped: Where it is counted what is dropped.
    """
    ice = transport.transport
    if isinstance(getattr(ice, RECEIVE), Intake):
        return
    intake = Intake(transport, ice_connection(ice), dropped)
    setattr(ice, RECEIVE, intake)
    receive: Callable[[], Awaitable[None]] = getattr(transport, RECEIVE_NEXT)

    async def receive_next() -> None:
        before = intake.taken
        try:
            await receive()
        except Exception as error:
            if intake.taken == before or has_closed(transport):
                raise  # no datagram has done it, or the one that may
            dropped["not understood"] += 1
            logger.debug("A datagram was not understood: %r", error)

    setattr(transport, RECEIVE_NEXT, receive_next)
    bound_streams(transport, dropped, partial(take_early, transport))


def carry(transport: Any, connection: Connection) -> None:
    """Let packets go through another connection, for a restart of ICE.

    Args:
        transport: aiortc's `RTCIceTransport`.
        connection: The other one.
    """
    intake = getattr(transport, RECEIVE)
    if isinstance(intake, Intake):
        intake.connection = connection
    else:
        setattr(transport, RECEIVE, connection.recv)
    transport._send = connection.send  # noqa: SLF001


def has_closed(transport: RTCDtlsTransport) -> bool:
    """Tell whether the peer has shut DTLS down (close_notify)."""
    connection = getattr(transport, CONNECTION)
    return connection is not None and bool(connection.get_shutdown() & SSL.RECEIVED_SHUTDOWN)


def has_broken(transport: RTCDtlsTransport) -> bool:
    """Tell whether a transport has ended though neither the peer, ICE nor we ended it.

    aiortc only says "closed", whatever its task died of; `stop` takes the task away.
    """
    return (
        transport.state == "closed"
        and getattr(transport, TASK) is not None
        and transport.transport.state != "closed"
        and not has_closed(transport)
        and not _aioice.has_closed(ice_connection(transport.transport))
    )
