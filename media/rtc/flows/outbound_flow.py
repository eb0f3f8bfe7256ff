"""What goes out on one RTP stream, while it is sent by the compiled part."""

import struct
from collections.abc import Callable, Sequence
from typing import Any

from pylibsrtp import Session

from ...sources.unit import Unit
from ..ice.udp_transport import UdpTransport
from .flows import Address, Flows

MOST_EXTENSION = 64
"""Octets of a header extension."""

_LEFT = struct.Struct("=qd")  # `struct flow_left`

Left = tuple[Sequence[Unit], list[int], list[float]]
"""Frames that have left; of each its timestamp in ticks from the origin, and when it left, on the
loop's clock."""


class OutboundFlow:
    """The next frames of a stream, which leave in time with the clock.

    Attributes:
        said: What the compiled part is told of them, and tells: `struct outbound` of `flows.h`.
    """

    __slots__ = ("_counted", "_flows", "_holds", "_told", "_units", "said")

    def __init__(self, flows: Flows, units: Sequence[Unit], *, is_watched: bool) -> None:
        """Prepare to lend.

        Args:
            flows: Where.
            units: The frames, each of which fits into a packet.
            is_watched: Whether anybody wants to know of each.
        """
        ffi = flows.ffi
        self._counted = self._told = 0
        self._flows = flows
        self._units = units
        self.said: Any = ffi.new("struct outbound *")
        frames = [unit.prepared for unit in units]
        if None in frames:
            frames = [_frame(ffi, unit) for unit in units]
        frames = ffi.new("struct flow_frame *[]", frames)
        left = ffi.new("struct flow_left[]", len(units)) if is_watched else ffi.NULL
        self.said.frames, self.said.left, self.said.count = frames, left, len(units)
        self._holds: tuple[object, ...] = (frames, left)

    def begin(
        self,
        transport: UdpTransport,
        address: Address,
        session: Session,
        on_end: Callable[[], None],
    ) -> bool:
        """Let them leave.

        Args:
            transport: Where.
            address: Where they go.
            session: libsrtp's, which encrypts them.
            on_end: Called when the last one has left, or the socket is about to be closed.

        Returns:
            False if they can't, as one is too long, or without memory.
        """
        self._flows.lead(self.said, transport.file, address, session)
        self._holds += (session,)
        return self._flows.put(self.said, on_end, lambda packet: transport.sendto(packet, address))

    def left(self) -> Left:
        """Give the frames that have left since this was last asked, if they are watched."""
        said = self.said
        told, self._told = self._told, said.at
        ffi = self._flows.ffi
        count = self._told - told
        if not said.left or not count:
            return [], [], []
        left = ffi.buffer(said.left + told, count * _LEFT.size)
        timestamps, times = zip(*_LEFT.iter_unpack(left), strict=True)
        return self._units[told : self._told], list(timestamps), list(times)

    def counted(self) -> tuple[int, int]:
        """Give how many have left since this was last asked, and their octets."""
        said = self.said
        octets, said.octets = said.octets, 0
        packets, self._counted = said.at - self._counted, said.at
        return packets, octets

    def end(self) -> None:
        """Let no more leave."""
        self._flows.take(self.said)


def _frame(ffi: Any, unit: Unit) -> Any:
    """Give what the compiled part reads of a frame, made once for all legs that play it."""
    if unit.prepared is None:
        octets = ffi.from_buffer("uint8_t[]", unit.data)  # stays as long as the unit does
        unit.prepare(ffi.new("struct flow_frame *", (octets, len(unit.data), unit.duration)))
    return unit.prepared
