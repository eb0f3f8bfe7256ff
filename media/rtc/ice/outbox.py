"""What leaves in one turn of the pacer, from all legs of a loop."""

import logging
from collections.abc import Callable
from typing import Any

from ...loop_wide import LoopWide
from ...sources.pacer import Pacer
from .. import native
from .._pylibsrtp import PacketRoom

logger = logging.getLogger(__name__)

NOT_ENCRYPTED = "A packet can't be encrypted, and is dropped"
NOT_SENT = "A packet can't be sent, and is dropped"

Protect = Callable[[Any], Any]
Send = Callable[[Any, Any], None]
Address = tuple[str, int]


class Outbox(LoopWide):
    """Encrypts and sends what has gathered in a turn of the pacer: first the one, then the other.

    To take one packet after the other from its making to its socket costs more: each part of that
    way has as much code as a processor keeps at hand, and drives out the others'. What comes
    outside of the pacer's turns leaves at once.

    Attributes:
        compiled: The compiled part that does it; None: it is done here.
        put: Takes a packet, or several that are sent together: what encrypts it, the packet, what
            sends it, and the address.
        room: Where packets are encrypted, one after the other.
    """

    def __init__(self) -> None:
        self.room = PacketRoom()
        self._pacer = Pacer.running()
        self._packets: list[tuple[Protect, Any, Send, Any]] = []
        self.put: Callable[[Protect, Any, Send, Address], None] = self._put
        self.compiled: Any = None
        if native.packets is not None:
            self.compiled = native.packets.Outbox(self._pacer.at_end, _failed)
            self.put = self.compiled.put

    def _put(self, protect: Protect, packet: Any, send: Send, address: Address) -> None:
        self._packets.append((protect, packet, send, address))
        if len(self._packets) == 1:
            self._pacer.at_end(self._send)

    def _send(self) -> None:
        packets, self._packets = self._packets, []
        ready: list[tuple[Send, Any, Any]] = []
        for protect, packet, send, address in packets:
            try:
                ready.append((send, protect(packet), address))
            except Exception:
                logger.exception(NOT_ENCRYPTED)
        for send, datagrams, address in ready:
            try:
                send(datagrams, address)
            except Exception:
                logger.exception(NOT_SENT)


def _failed(what: str, error: Exception) -> None:
    logger.error(what, exc_info=error)
