"""The packets of a video stream that went out, kept for a peer that has missed some."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ....frames.payloads import Piece

AGAIN = 0.5
"""Of what is sent, how much may be sent again."""

AGAIN_AT_ONCE = 64_000
"""Octets that may be sent again at once, as after a gap on the way."""


class OutgoingFrame(NamedTuple):
    """What the packets of a frame say, wherever they stand in their stream.

    Attributes:
        timestamp: Their RTP timestamp.
        first: What stands before the piece in the first one's payload.
        others: The same in that of the others.
        pieces: A part of the frame for each packet, shared by all legs.
    """

    timestamp: int
    first: bytes
    others: bytes
    pieces: tuple[Piece, ...]

    def payload(self, at: int) -> tuple[bytes, bytes, memoryview]:
        """Give the parts of a packet's payload.

        Args:
            at: Which one it is of its frame, from 0.
        """
        return (self.others if at else self.first, *self.pieces[at])


class SentBurst(NamedTuple):
    """Packets of a frame that left together: the number of the first, when, and which they are."""

    number: int
    at: float
    frame: OutgoingFrame
    start: int
    end: int


Bursts = Callable[[], Sequence[SentBurst]]
"""Gives what has left together, in its order. It is called once, if a peer misses packets."""


class SentPackets:
    """Keeps packets for a while, and says which of them to send again (RFC 4585 §6.2.1).

    It keeps the packets of the last `AGE` seconds, `MOST` of them, and with them the frames that
    they are parts of. A peer that asks for everything again and again gets `AGAIN` of what is sent,
    and `AGAIN_AT_ONCE` octets at once.
    """

    MOST = 512
    """Packets; at 2.2 Mbit/s they are two seconds."""

    AGE = 2.0
    """Seconds after which no receiver can use a packet any more."""

    def __init__(self) -> None:
        self._allowance = float(AGAIN_AT_ONCE)
        # What has left, or who tells it; the number of its last packet, and when that left.
        self._kept: list[tuple[SentBurst | Bursts, int, float]] = []
        self._newest = 0

    def add(
        self, number: int, frame: OutgoingFrame, start: int, end: int, octets: int, now: float
    ) -> None:
        """Keep packets that went out for the first time.

        Args:
            number: The sequence number of the first one.
            frame: What they are of.
            start: Which one of its packets is the first.
            end: Which one is behind the last.
            octets: In their payloads.
            now: The time, in seconds.
        """
        burst = SentBurst(number, now, frame, start, end)
        self._keep(burst, number + end - start - 1 & 0xFFFF, now)
        self.count(octets)

    def add_unread(self, bursts: Bursts, newest: int, at: float) -> None:
        """Keep packets that went out for the first time, of which somebody else knows.

        Args:
            bursts: Gives them.
            newest: The last one's sequence number.
            at: When that left, in seconds.
        """
        self._keep(bursts, newest, at)

    def count(self, octets: int) -> None:
        """Count what is in the payloads of packets that went out for the first time."""
        self._allowance += AGAIN * octets

    def _keep(self, sent: SentBurst | Bursts, newest: int, now: float) -> None:
        self._kept.append((sent, newest, now))
        self._newest = newest
        self._forget(now)

    def _forget(self, now: float) -> None:
        """Keep no longer what is too old to be sent again."""
        oldest, newest = 0, self._newest
        for _, last, at in self._kept:
            if now - at <= self.AGE and newest - last & 0xFFFF < self.MOST:
                break
            oldest += 1
        del self._kept[:oldest]

    def bursts(self) -> list[SentBurst]:
        """Give what is kept, in its order."""
        kept, self._kept = self._kept, []
        for sent, newest, at in kept:
            if isinstance(sent, SentBurst):
                self._kept.append((sent, newest, at))
                continue
            for each in sent():
                self._kept.append((each, each.number + each.end - each.start - 1 & 0xFFFF, each.at))
        if self._kept:
            self._forget(self._kept[-1][2])
        return [sent for sent, _, _ in self._kept if isinstance(sent, SentBurst)]

    def again(self, numbers: Iterable[int], now: float) -> list[tuple[int, OutgoingFrame, int]]:
        """Give the packets to send again.

        Args:
            numbers: The sequence numbers that the peer asks for. One that is there twice counts
                once.
            now: The time, in seconds.

        Returns:
            Those that are kept and not too old, as far as the allowance goes: the number, the
            frame, and which of its packets.
        """
        self._allowance = min(self._allowance, AGAIN_AT_ONCE)
        bursts = self.bursts()
        if not bursts:
            return []
        found: list[tuple[int, OutgoingFrame, int]] = []
        oldest, newest = bursts[0].number, self._newest
        for number in dict.fromkeys(each & 0xFFFF for each in numbers):
            if newest - number & 0xFFFF >= self.MOST:
                continue
            place = number - oldest & 0xFFFF
            burst = bursts[
                bisect_right(bursts, place, key=lambda each: each.number - oldest & 0xFFFF) - 1
            ]
            at = burst.start + (number - burst.number & 0xFFFF)
            if at >= burst.end or now - burst.at > self.AGE:
                continue
            size = sum(map(len, burst.frame.payload(at)))
            if size > self._allowance:
                break
            self._allowance -= size
            found.append((number, burst.frame, at))
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
