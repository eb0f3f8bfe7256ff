"""The pictures that come in of one RTP stream, while it is taken by the compiled part."""

import sys
from collections.abc import Callable
from typing import NamedTuple

from .inbound_flow import RECORD, InboundFlow


class PictureRun(NamedTuple):
    """Packets of one timestamp that follow each other.

    Attributes:
        number: The first one's sequence number.
        packets: How many they are.
        timestamp: Their RTP timestamp.
        marker: Whether the last one is the last packet of its frame; the others are not.
        arrival: When they were whole, in seconds of the loop's clock.
        payloads: Their payloads; empty if they were read already.
        data: What they add to their frame, if they were read.
        first: Whether the frame begins with it then.
        key: Whether it shows then that the frame is one that a decoder can begin with.
    """

    number: int
    packets: int
    timestamp: int
    marker: bool
    arrival: float
    payloads: list[bytes]
    data: bytes
    first: bool
    key: bool


TakeRuns = Callable[[list[PictureRun]], None]


class PictureFlow(InboundFlow):
    """Lends a stream of pictures, from behind a whole one, and takes it back.

    What is kept is handed on as `TakeRuns`.
    """

    MOST = 5000
    LONGEST = 6.0

    __slots__ = ()

    def _hand_on(self, octets: bytes, count: int) -> None:
        runs = []
        number = self._c.next - count
        at, length, read, head = 0, len(octets), RECORD.unpack_from, RECORD.size
        while at < length:
            arrival, timestamp, size, packets, marker, is_read, first, key = read(octets, at)
            begin = at + head
            at = begin + size
            data = octets[begin:at]
            payloads: list[bytes] = []
            if not is_read:
                payloads, data = parted(data), b""
            runs.append(
                PictureRun(
                    number & 0xFFFF,
                    packets,
                    timestamp,
                    marker,
                    arrival,
                    payloads,
                    data,
                    first,
                    key,
                )
            )
            number += packets
        self._take(runs)


def parted(octets: bytes) -> list[bytes]:
    """Part payloads, before each of which is its size in two octets."""
    found = []
    at = 0
    while at < len(octets):
        begin = at + 2
        at = begin + int.from_bytes(octets[at:begin], sys.byteorder)
        found.append(octets[begin:at])
    return found
