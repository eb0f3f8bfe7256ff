"""What leaves in one turn of the pacer, from all legs of a loop."""

import logging
from collections.abc import Callable
from typing import Any

from ...loop_wide import LoopWide
from ...sources.pacer import Pacer
from .._pylibsrtp import PacketRoom

logger = logging.getLogger(__name__)

Protect = Callable[[Any], Any]
Send = Callable[[Any, Any], None]


class Outbox(LoopWide):
    """Encrypts all that has gathered in a turn of the pacer, and then sends it.

    To take one packet after the other from its making to its socket costs more: each part of that
    way has as much code as a processor keeps at hand, and drives out the others'. A turn in which
    sockets are read counts as one of the pacer. What comes at any other time leaves at once.

    Attributes:
        room: Where packets are encrypted, one after the other.
    """

    def __init__(self) -> None:
        self.room = PacketRoom()
        self._pacer = Pacer.running()
        self._packets: list[tuple[Protect, Any, Send, Any]] = []

    def put(self, protect: Protect, packet: Any, send: Send, address: tuple[str, int]) -> None:
        """Take a packet, or several that are sent together.

        Args:
            protect: Is given what was taken, and encrypts it.
            packet: One, or several in their order.
            send: Is given what is encrypted, and the address.
            address: Where it goes.
        """
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
                logger.exception("A packet can't be encrypted, and is dropped")
        for send, datagrams, address in ready:
            try:
                send(datagrams, address)
            except Exception:
                logger.exception("A packet can't be sent, and is dropped")
