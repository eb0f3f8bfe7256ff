"""One RTP stream of video, from its packets to whole frames."""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from ..packet import RtpPacket
from .frame_assembler import AssembledFrame, FrameAssembler
from .missing_packets import MissingPackets
from .payload_format import FORMATS, Fragment, is_sequence_set

Frames = tuple[AssembledFrame, ...]


class _Held(NamedTuple):
    """A packet that waits for one before it; without a fragment if it can't be read or is empty."""

    codec: str
    timestamp: int
    marker: bool
    fragment: Fragment | None
    readable: bool


class VideoStream:
    """Puts packets in order, waits for those that are missing, and gives frames whole.

    It knows no clock and no network: every call says what time it is, and `deadline` when to call
    `tick` next. While packets come in order nothing is held and nothing waits.

    Attributes:
        asks_again: Whether the peer sends a packet again when it is asked to (NACK).
        missing: The packets that have not come.
        deadline: When `tick` has something to do, in seconds; infinite if nothing.
    """

    REPAIR = 0.2
    """Seconds for a missing packet to come, after which the peer is asked for a key frame."""

    REORDERING = 0.1
    """The same where the peer sends nothing again: packets may only have changed places."""

    GIVE_UP = 1.0
    """Seconds after which a missing packet is waited for no more, key frame or not."""

    MOST_HELD = 2048
    """Packets that wait for a missing one, some 2.5 MB; at 20 Mbit/s what comes in a second."""

    MOST_MISSING = 1000
    """Packets missing at once, more of which are not asked for: a key frame is less."""

    OUTAGE = 0.5, 32
    """Seconds without a packet, and packets missing then, that are no loss to repair."""

    LEAD = 8
    """Packets before the first one that may be on their way, behind it: a key frame's beginning."""

    LEAP = 1000
    """Packets by which one must be behind for a sender that has begun anew."""

    def __init__(self, *, asks_again: bool = True) -> None:
        self.asks_again = asks_again
        self.missing = MissingPackets()
        self.deadline = inf
        self._arrived = -inf
        self._assembler = FrameAssembler()
        self._held: dict[int, _Held] = {}
        self._highest: int | None = None
        self._keys: list[int] = []
        self._next = 0
        self._restart: int | None = None

    @property
    def follows(self) -> bool:
        """Whether every frame since a key frame was given, or may still be."""
        return self._assembler.follows

    def needs_keyframe(self, now: float) -> bool:
        """Tell whether nothing will be shown before a key frame, as far as can be known.

        Args:
            now: The time, in seconds.
        """
        if self._highest is None:
            return False
        if self._next in self.missing:
            return now >= self._overdue_at()
        return not self._assembler.follows and not self.receives_keyframe

    @property
    def receives_keyframe(self) -> bool:
        """Whether a key frame has begun to come."""
        return bool(self._keys) or self._assembler.receives_keyframe

    def receive(self, codec: str, packet: RtpPacket, now: float, *, again: bool = False) -> Frames:
        """Take a packet.

        Args:
            codec: The RTP encoding name; one that has a payload format here.
            packet: As it came; duplicates, and those that nobody waits for, are left out.
            now: The time, in seconds.
            again: Whether it was sent again on a stream of its own (RFC 4588), unwrapped.

        Returns:
            The frames that are whole now, in order.
        """
        if self._highest is None:
            if again:
                return ()
            self._highest = self._begin(codec, packet, now)
        if not again:
            frames = self.receive_next(
                codec,
                packet.sequence_number,
                1,
                packet.timestamp,
                packet.marker,
                (packet.payload,),
                now,
            )
            if frames is not None:
                return frames
        ahead = (packet.sequence_number - self._highest + 0x8000 & 0xFFFF) - 0x8000
        number = self._highest + ahead
        if not self._is_awaited(number, now, again=again):
            return ()
        if not again:
            self._arrived = now
        held = _read(codec, packet)
        if number == self._next:
            frames = self._take(held) + self._drain()
        else:
            self._held[number] = held
            if self._may_begin(held):
                self._keys.append(number)
            frames = ()
        frames += self._go_past(now)
        self._look(now)
        return frames

    def receive_next(
        self,
        codec: str,
        number: int,
        count: int,
        timestamp: int,
        marker: bool,
        held: Sequence[bytes] | Fragment,
        now: float,
    ) -> Frames | None:
        """Take packets that came together, if they are the next ones and none is missing.

        Args:
            codec: The RTP encoding name.
            number: The first one's sequence number. The others have those that follow.
            count: How many they are.
            timestamp: Their RTP timestamp.
            marker: Whether the last one is the last packet of its frame; the others are not.
            held: Their payloads, or what those hold where somebody has read them.
            now: The time, in seconds.

        Returns:
            The frames that are whole now, in order; None: the packets are for `receive`.
        """
        if not self._passes(number, count, now):
            return None
        if isinstance(held, Fragment):
            return self._assembler.add(codec, timestamp, marker, held)
        try:
            fragment = FORMATS[codec](*held)
        except ValueError:
            return self._one_by_one(codec, timestamp, marker, held)
        return self._assembler.add(codec, timestamp, marker, fragment)

    def receive_whole(self, codec: str, number: int, count: int, now: float) -> bool:
        """Go on behind frames that somebody else has put together.

        Args:
            codec: The RTP encoding name.
            number: The first packet's sequence number.
            count: How many packets they had.
            now: When the last one came, in seconds.

        Returns:
            False if they are for `receive_next`.
        """
        return self._assembler.is_between(codec) and self._passes(number, count, now)

    def _passes(self, number: int, count: int, now: float) -> bool:
        """Go on behind packets, if they are the next ones and none is missing."""
        highest = self._highest
        if highest is None or number != highest + 1 & 0xFFFF or self.missing:
            return False
        self._highest = highest + count
        self._arrived = now
        self._next += count
        return True

    def _one_by_one(
        self, codec: str, timestamp: int, marker: bool, payloads: Sequence[bytes]
    ) -> Frames:
        """Take what can be read of packets of which one is empty, or can't be read."""
        frames: Frames = ()
        for left, payload in zip(reversed(range(len(payloads))), payloads, strict=True):
            if not payload:
                continue
            try:
                fragment = FORMATS[codec](payload)
            except ValueError:
                self._assembler.spoil(timestamp)
            else:
                frames += self._assembler.add(codec, timestamp, marker and not left, fragment)
        return frames

    def tick(self, now: float) -> Frames:
        """Let time pass.

        Args:
            now: The time, in seconds.

        Returns:
            The frames that need not wait any more.
        """
        frames = self._go_past(now)
        self._look(now)
        return frames

    def due(self, now: float) -> list[int]:
        """Give the sequence numbers to ask for now (NACK), 16 bits each, in order."""
        if not self.asks_again:
            return []
        numbers = [number & 0xFFFF for number in self.missing.due(now)]
        self._look(now)
        return numbers

    def _begin(self, codec: str, packet: RtpPacket, now: float) -> int:
        """Begin with the first packet that came; those before it may still come."""
        number = packet.sequence_number + 0x10000  # so far up that numbers stay positive
        self._next = number
        if not self._may_begin(_read(codec, packet)):
            self._next -= self.LEAD
            self.missing.add(self._next, number, now)
        return number - 1

    def _is_awaited(self, number: int, now: float, *, again: bool) -> bool:
        """Tell whether a packet is new, and take note of what is missing if it is the newest."""
        assert self._highest is not None  # noqa: S101 -- `receive` has seen to it
        if number <= self._highest:
            return self.missing.found(number, now) or (not again and self._begins_anew(number))
        if again:
            return False  # it would tell what comes next, which is the stream's to tell
        if number > self._highest + 1:
            self._miss(number, now)
        self._highest = number
        return True

    def _miss(self, number: int, now: float) -> None:
        """Miss what lies between the highest number and one that has come."""
        assert self._highest is not None  # noqa: S101 -- `receive` has seen to it
        gap = number - self._highest - 1
        seconds, packets = self.OUTAGE
        is_outage = gap > packets and now - self._arrived > seconds
        if is_outage or gap + len(self.missing) > self.MOST_MISSING:
            self._restart_at(number)
        else:
            self.missing.add(self._highest + 1, number, now)

    def _begins_anew(self, number: int) -> bool:
        """Tell whether a packet far behind is the second one of a sender that began anew.

        RFC 3550 appendix A.1.
        """
        if number >= self._next - self.LEAP:
            return False
        if number != self._restart:
            self._restart = number + 1
            return False
        self._restart_at(number)
        self._highest = number
        return True

    def _restart_at(self, number: int) -> None:
        self._held.clear()
        self._keys.clear()
        self.missing.clear()
        self._assembler.interrupt()
        self._next = number
        self._restart = None

    def _take(self, held: _Held) -> Frames:
        self._next += 1
        if held.fragment is not None:
            return self._assembler.add(held.codec, held.timestamp, held.marker, held.fragment)
        if not held.readable:
            self._assembler.spoil(held.timestamp)
        return ()

    def _drain(self) -> Frames:
        frames: Frames = ()
        while (held := self._held.pop(self._next, None)) is not None:
            frames += self._take(held)
        if self._keys:
            self._keys = [number for number in self._keys if number >= self._next]
        return frames

    def _go_past(self, now: float) -> Frames:
        """Wait no more for packets that are not worth it, and go on behind them."""
        frames: Frames = ()
        while self._next in self.missing and self._is_lost(now):
            while self._next in self.missing:
                self.missing.forget(self._next)
                self._next += 1
            self._assembler.interrupt()
            frames += self._drain()
        return frames

    def _is_lost(self, now: float) -> bool:
        if len(self._held) > self.MOST_HELD or now >= self.missing.since(self._next) + self.GIVE_UP:
            return True
        is_overdue = now >= self._overdue_at()
        if self._assembler.follows:
            # Until then the packet may still come, and nothing would be lost.
            return bool(self._keys) and is_overdue
        return bool(self._keys) or is_overdue

    def _overdue_at(self) -> float:
        patience = self.REPAIR if self.asks_again else self.REORDERING
        return self.missing.since(self._next) + patience

    def _look(self, now: float) -> None:
        """Find out when something is to do next."""
        self.deadline = self.missing.due_at if self.asks_again else inf
        if self._next in self.missing:
            overdue_at = self._overdue_at()
            if now >= overdue_at:
                overdue_at = self.missing.since(self._next) + self.GIVE_UP
            self.deadline = min(self.deadline, overdue_at)

    def _may_begin(self, held: _Held) -> bool:
        fragment = held.fragment
        if fragment is None:
            return False
        if held.codec == "H264":
            return any(is_sequence_set(unit) for unit in fragment.sets) or (
                fragment.first and fragment.key and self._assembler.knows_sets
            )
        return fragment.key


def _read(codec: str, packet: RtpPacket) -> _Held:
    fragment, readable = None, True
    if packet.payload:
        try:
            fragment = FORMATS[codec](packet.payload)
        except ValueError:
            readable = False
    return _Held(codec, packet.timestamp, packet.marker, fragment, readable)
