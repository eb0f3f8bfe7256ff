"""What leaves in one turn of the pacer, from all legs of a loop."""

import logging
from collections.abc import Callable
from typing import Any

from ...loop_wide import LoopWide
from ...sources.pacer import Pacer
from .._pylibsrtp import PacketRoom

logger = logging.getLogger(__name__)

Protect = Callable[[bytes], bytes]
Send = Callable[[Any, Any], None]


class Outbox(LoopWide):
    """Encrypts and sends what has gathered in a turn of the pacer: first the one, then the other.

    To take one packet after the other from its making to its socket costs more: each part of that
    way has as much code as a processor keeps at hand, and drives out the others'. What comes
    outside of the pacer's turns leaves at once.

    Attributes:
        room: Where packets are encrypted, one after the other.
    """

    def __init__(self) -> None:
        self.room = PacketRoom()
        self._pacer = Pacer.running()
        self._packets: list[tuple[Protect, bytes | list[bytes], Send, Any]] = []

    def put(
        self, protect: Protect, packet: bytes | list[bytes], send: Send, address: tuple[str, int]
    ) -> None:
        """Take a packet, or several that are sent together.

        Args:
            protect: Encrypts one.
            packet: One, or several in their order.
            send: Is given what is encrypted, one or a list as it was taken, and the address.
            address: Where it goes.
        """
        self._packets.append((protect, packet, send, address))
        if len(self._packets) == 1:
            self._pacer.at_end(self._send)

    def _send(self) -> None:
        packets, self._packets = self._packets, []
        ready: list[tuple[Send, bytes | list[bytes], Any]] = []
        for protect, packet, send, address in packets:
            try:
                if isinstance(packet, bytes):
                    ready.append((send, protect(packet), address))
                else:
                    ready.append((send, [protect(each) for each in packet], address))
            except Exception:
                logger.exception("A packet can't be encrypted, and is dropped")
        for send, datagrams, address in ready:
            try:
                send(datagrams, address)
            except Exception:
                logger.exception("A packet can't be sent, and is dropped")
