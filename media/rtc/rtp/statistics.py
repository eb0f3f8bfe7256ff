"""Our own counters of what was received, for each kind of media."""

from collections.abc import Callable
from dataclasses import dataclass

from ...frames.codec import WRAP
from ...frames.frame import Kind

_SEQUENCES = 1 << 16
# A larger leap is a sender that started again, once the packet after it confirms that
# (RFC 3550 appendix A.1).
_MAX_DROPOUT = 3000


@dataclass(frozen=True, slots=True)
class MediaStatistics:
    """One kind of media of one leg, both directions.

    Attributes:
        kind: "audio" or "video".
        codec: The RTP encoding name that was negotiated.
        sent: RTP packets sent.
        received: RTP packets received, retransmissions on a stream of their own left out.
        lost: RTP packets that were expected and did not come (RFC 3550 §6.4.1, appendix A.3).
        jitter_ms: Interarrival jitter of what we receive, in milliseconds (RFC 3550 §6.4.1).
        rtt_ms: Round trip in milliseconds, from the peer's RTCP reports; None before the first.
        mos: Mean opinion score of what we hear (ITU-T G.107), None for video and before media.
        reordered: RTP packets received after one that was sent later.
        freezes: How often received video stood still (W3C webrtc-stats, `freezeCount`; `Freezes`
            says where we differ). 0 for audio and on the path `none`.
        frozen_ms: For how long in all, in milliseconds (`totalFreezesDuration`).
        peer_lost: RTP packets of ours that the peer has not received, as it reports it (RFC 3550
            §6.4.1); None before its first report.
        peer_jitter_ms: The jitter of what it receives, in milliseconds, likewise.
        peer_mos: Mean opinion score of what it hears, estimated from these; None for video.
    """

    kind: Kind
    codec: str
    sent: int
    received: int
    lost: int
    jitter_ms: float
    rtt_ms: float | None
    mos: float | None
    reordered: int = 0
    freezes: int = 0
    frozen_ms: float = 0.0
    peer_lost: int | None = None
    peer_jitter_ms: float | None = None
    peer_mos: float | None = None


class StreamCounter:
    """Counts one RTP stream (one SSRC) as it comes in.

    Attributes:
        reordered: Packets after one that was sent later.
        settle: Counts what somebody else has taken meanwhile (`add_run`); None: nobody does.
    """

    __slots__ = (
        "_arrival",
        "_base",
        "_counted_before",
        "_highest",
        "_jitter",
        "_leap_to",
        "_lost_before",
        "_received",
        "_timestamp",
        "clock_rate",
        "reordered",
        "settle",
    )

    def __init__(self, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self.reordered = 0
        self.settle: Callable[[], None] | None = None
        self._received = 0
        self._jitter = 0.0
        self._base = 0
        self._highest: int | None = None
        self._leap_to: int | None = None
        self._lost_before = 0
        self._counted_before = 0
        self._timestamp = 0
        self._arrival = 0.0

    @property
    def highest(self) -> int:
        """The highest sequence number that came, counted on past 65535."""
        self._settle()
        return self._highest or 0

    @property
    def lost(self) -> int:
        """Packets expected and not received (RFC 3550 appendix A.3), never below 0."""
        self._settle()
        if self._highest is None:
            return 0
        expected = self._highest - self._base + 1
        return self._lost_before + max(0, expected - (self._received - self._counted_before))

    @property
    def received(self) -> int:
        """Packets, duplicates included."""
        self._settle()
        return self._received

    @property
    def jitter(self) -> float:
        """Interarrival jitter in seconds."""
        self._settle()
        return self._jitter

    @property
    def sums(self) -> tuple[int, int, int, float]:
        """What `received`, `lost`, `highest` and `jitter` give."""
        lost = self.lost
        return self._received, lost, self._highest or 0, self._jitter

    @property
    def last(self) -> tuple[int, float, float]:
        """The last packet's timestamp, when it came, and the jitter then, in seconds."""
        return self._timestamp, self._arrival, self._jitter

    def add_run(self, count: int, timestamp: int, arrival: float, jitter: float) -> None:
        """Count packets that have come in their order after the last one, elsewhere.

        Args:
            count: How many.
            timestamp: The last one's.
            arrival: When that came.
            jitter: What it was then, in seconds.
        """
        self._received += count
        self._highest = (self._highest or 0) + count
        self._timestamp, self._arrival, self._jitter = timestamp, arrival, jitter

    def _settle(self) -> None:
        if self.settle is not None:
            self.settle()

    def add(self, sequence: int, timestamp: int, arrival: float) -> None:
        """Count one packet.

        Packets of one picture share a timestamp and leave in one burst; as in WebRTC's own
        implementations only the first of them, and no late packet, is taken for the jitter.

        Args:
            sequence: RTP sequence number.
            timestamp: RTP timestamp.
            arrival: When it came, in seconds of any steady clock.
        """
        if self._highest is None:
            self._begin(sequence, timestamp, arrival)
            return
        ahead = (sequence - self._highest + _SEQUENCES // 2) % _SEQUENCES - _SEQUENCES // 2
        if abs(ahead) > _MAX_DROPOUT:
            if sequence == self._leap_to:
                self._lost_before, self._counted_before = self.lost, self._received
                self._begin(sequence, timestamp, arrival)
            else:
                self._leap_to = (sequence + 1) % _SEQUENCES
            return
        self._received += 1
        if ahead <= 0:
            self.reordered += ahead < 0
            return
        self._highest += ahead
        if timestamp == self._timestamp:
            return
        ticks = (timestamp - self._timestamp + WRAP // 2) % WRAP - WRAP // 2
        difference = arrival - self._arrival - ticks / self.clock_rate
        self._timestamp, self._arrival = timestamp, arrival
        self._jitter += (abs(difference) - self._jitter) / 16

    def add_next(self, count: int, sequence: int, timestamp: int, arrival: float) -> None:
        """Count packets that came with one that was counted, as `add` counts each.

        Args:
            count: How many.
            sequence: The number of that one; theirs follow.
            timestamp: The RTP timestamp of all.
            arrival: When they came, in seconds of any steady clock.
        """
        if self._timestamp == timestamp and (self._highest or 0) % _SEQUENCES == sequence:
            self._received += count
            self._highest = (self._highest or 0) + count
            return
        for number in range(sequence + 1, sequence + 1 + count):
            self.add(number % _SEQUENCES, timestamp, arrival)

    def _begin(self, sequence: int, timestamp: int, arrival: float) -> None:
        self._received += 1
        self._base = self._highest = sequence
        self._leap_to = None
        self._timestamp, self._arrival = timestamp, arrival


@dataclass(frozen=True, slots=True)
class Sums:
    """What was counted of streams that are over.

    Attributes:
        received: Packets received.
        lost: Packets lost.
        reordered: Packets received after one that was sent later.
    """

    received: int = 0
    lost: int = 0
    reordered: int = 0

    def plus(self, stream: StreamCounter) -> "Sums":
        """Add what was counted of one more."""
        return Sums(
            self.received + stream.received,
            self.lost + stream.lost,
            self.reordered + stream.reordered,
        )


class Reception:
    """Counts one kind of media, whatever streams it comes in.

    Attributes:
        streams: What counts each of the newest streams, by their SSRCs.
    """

    # A peer that takes a new SSRC for each packet must not fill our memory: of the oldest stream
    # only the sums are kept.
    MAX_STREAMS = 32

    def __init__(self) -> None:
        self._past = Sums()
        self.streams: dict[int, StreamCounter] = {}

    def add(
        self, ssrc: int, sequence: int, timestamp: int, clock_rate: int, arrival: float
    ) -> None:
        """Count one packet.

        Args:
            ssrc: Its stream.
            sequence: RTP sequence number.
            timestamp: RTP timestamp.
            clock_rate: Of its codec, in Hz.
            arrival: When it came, in seconds of any steady clock.
        """
        stream = self.streams.get(ssrc) or self.stream(ssrc, clock_rate)
        stream.add(sequence, timestamp, arrival)

    def stream(self, ssrc: int, clock_rate: int) -> StreamCounter:
        """Give the counter of a stream.

        Args:
            ssrc: Which one; one that is new counts from now on.
            clock_rate: Of its codec, in Hz.
        """
        stream = self.streams.get(ssrc)
        if stream is None:
            if len(self.streams) >= self.MAX_STREAMS:
                self._past = self._past.plus(self.streams.pop(next(iter(self.streams))))
            stream = self.streams[ssrc] = StreamCounter(clock_rate)
        return stream

    @property
    def received(self) -> int:
        """Packets received."""
        return self._past.received + sum(each.received for each in self.streams.values())

    @property
    def reordered(self) -> int:
        """Packets received after one that was sent later."""
        return self._past.reordered + sum(each.reordered for each in self.streams.values())

    @property
    def lost(self) -> int:
        """Packets lost."""
        return self._past.lost + sum(each.lost for each in self.streams.values())

    @property
    def jitter(self) -> float:
        """Interarrival jitter of the newest stream, in seconds."""
        return next(reversed(self.streams.values())).jitter if self.streams else 0.0
