"""The packets of a video stream that went out, kept for a peer that has missed some."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

AGAIN = 0.5
"""Of what is sent, how much may be sent again."""

AGAIN_AT_ONCE = 64_000
"""Octets that may be sent again at once, as after a gap on the way."""


class OutgoingPacket(NamedTuple):
    """What a packet says, wherever it stands in its stream.

    Attributes:
        marked_type: Its payload type with the marker bit.
        timestamp: Its RTP timestamp.
        head: What stands before the data in its payload.
        data: The part of a frame in it.
    """

    marked_type: int
    timestamp: int
    head: bytes
    data: memoryview


_NOTHING = (-1, 0.0, OutgoingPacket(0, 0, b"", memoryview(b"")))


class SentPackets:
    """Keeps packets for a while, and says which of them to send again (RFC 4585 §6.2.1).

    It keeps `MOST` packets, and with them the frames that they are parts of. A peer that asks for
    everything again and again gets `AGAIN` of what is sent, and `AGAIN_AT_ONCE` octets at once.
    """

    MOST = 512
    """Packets; at 1.5 Mbit/s they are three seconds."""

    AGE = 2.0
    """Seconds after which no receiver can use a packet any more."""

    def __init__(self) -> None:
        self._allowance = float(AGAIN_AT_ONCE)
        self._kept: dict[int, tuple[int, float, OutgoingPacket]] = {}

    def add(self, number: int, packets: Sequence[OutgoingPacket], octets: int, now: float) -> None:
        """Keep packets that went out for the first time.

        Args:
            number: The sequence number of the first one.
            packets: In their order.
            octets: In their payloads.
            now: The time, in seconds.
        """
        kept, most = self._kept, self.MOST
        for packet in packets:
            kept[number % most] = number, now, packet
            number = (number + 1) & 0xFFFF
        self._allowance += AGAIN * octets

    def again(self, numbers: Iterable[int], now: float) -> list[tuple[int, OutgoingPacket]]:
        """Give the packets to send again.

        Args:
            numbers: The sequence numbers that the peer asks for. One that is there twice counts
                once.
            now: The time, in seconds.

        Returns:
            Those that are kept and not too old, with their numbers, as far as the allowance goes.
        """
        self._allowance = min(self._allowance, AGAIN_AT_ONCE)
        found = []
        for number in dict.fromkeys(each & 0xFFFF for each in numbers):
            kept, at, packet = self._kept.get(number % self.MOST, _NOTHING)
            if kept != number or now - at > self.AGE:
                continue
            size = len(packet.head) + len(packet.data)
            if size > self._allowance:
                break
            self._allowance -= size
            found.append((number, packet))
        return found


class RepairStream:
    """Says whether a peer takes packets that are sent again on a stream of its own (RFC 4588).

    A client that loses our `<ssrc-group/>` on the way to its WebRTC stack, as stanza.js does, asks
    for the same packets for ever. What is asked for once more is sent as it was, in the first
    stream. Where that happens with most packets, the others are sent so too.
    """

    WATCHED = 16

    def __init__(self) -> None:
        self._asked_again: dict[int, bool] = {}
        self._is_ignored = False

    def takes(self, number: int) -> bool:
        """Tell whether to send a packet on the other stream, and note that it was asked for.

        Args:
            number: The packet's sequence number.
        """
        if self._is_ignored:
            return False
        asked = self._asked_again
        if number in asked:
            asked[number] = True
            often = sum(asked.values()) > 0.75 * len(asked)
            self._is_ignored = len(asked) >= self.WATCHED and often
            return False
        asked[number] = False
        if len(asked) > self.WATCHED:
            del asked[next(iter(asked))]
        return True
