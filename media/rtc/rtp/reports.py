"""What we tell a peer of RTP streams, and what it tells us, of one kind of media."""

from asyncio import get_running_loop
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from time import time
from typing import Protocol

from ...budget import Budget
from ...frames.frame import Kind
from ...sources.pacer import Pacer, Ticket
from . import rtcp
from .rtcp import MOST_BLOCKS, MOST_LOST, ReportBlock, RtcpPacket, SenderInfo

REPORTS = 8_000
"""Octets of RTCP a second, and at once, that we send."""

EARLY = (1, 1, 2, 3)
"""Seconds between the first reports of sound: calls that are short have some, too."""

SELDOM = 5
"""Seconds between later ones (RFC 3550 §6.2). Who sends video hears each second what is lost."""

_NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970 (RFC 5905 §6)."""

_SMOOTHING = 0.85
"""The part of a round trip that stays, when another one was measured."""

_MOST_DELAY = 0xFFFFFFFF / 65536
"""Seconds that a report can tell of, since one of the peer's came."""


class Way(Protocol):
    """Where reports go, and come from."""

    @property
    def name(self) -> str:
        """Our canonical name (CNAME); empty as long as we have said none."""

    @property
    def ssrc(self) -> int:
        """Of what we send."""

    def open(self, reports: "Reports") -> None:
        """Start the reports when media may flow, and hand them what comes in from then on."""

    def close(self) -> None:
        """Hand on nothing more of what comes in."""

    def send(self, packet: bytes) -> bool:
        """Send a compound packet; False if there is no way out."""


class Counted(Protocol):
    """What is counted of an RTP stream as it comes in."""

    clock_rate: int

    @property
    def sums(self) -> tuple[int, int, int, float]:
        """Packets that have come, those that have not, the highest number, and the jitter.

        The number counts on where sequence numbers began again (RFC 3550 §6.4.1); the jitter is in
        seconds.
        """


class Sent:
    """What has been sent on one stream.

    Attributes:
        at: When the last packet left, in seconds of `time.time()`.
        rate: Of the RTP clock, in Hz.
        settle: Counts what has left elsewhere meanwhile; None: nothing has.
        timestamp: The last packet's.
    """

    __slots__ = ("_octets", "_packets", "at", "rate", "settle", "timestamp")

    def __init__(self) -> None:
        self.at = 0.0
        self._octets = self._packets = self.timestamp = 0
        self.rate = 1
        self.settle: Callable[[], None] | None = None

    @property
    def packets(self) -> int:
        """How many, those that were sent again left out."""
        if self.settle is not None:
            self.settle()
        return self._packets

    @property
    def octets(self) -> int:
        """How many, in the payloads of these."""
        if self.settle is not None:
            self.settle()
        return self._octets

    def count(self, packets: int, octets: int) -> None:
        """Count packets that were sent.

        Args:
            packets: How many.
            octets: In their payloads.
        """
        self._packets += packets
        self._octets += octets

    def info(self) -> SenderInfo:
        """Say what has been sent up to now."""
        packets, now = self.packets, time()
        timestamp = self.timestamp + round((now - self.at) * self.rate)
        moment = int((now + _NTP_EPOCH) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF
        return SenderInfo(moment, timestamp & 0xFFFFFFFF, packets, self._octets)


class Heard:
    """What is told of one stream that comes in."""

    __slots__ = ("_counted", "_heard_at", "_lost", "_moment", "_received")

    def __init__(self, counted: Counted) -> None:
        """Tell what somebody else counts."""
        self._counted = counted
        self._heard_at = 0.0
        self._lost = self._moment = self._received = 0

    def reported(self, moment: int, now: float) -> None:
        """Take note of a report of the sender's: its moment's middle 32 bits, and when it came."""
        self._moment, self._heard_at = moment, now

    def block(self, ssrc: int, now: float) -> ReportBlock:
        """Tell of the stream up to now, and since it was last told of."""
        counted = self._counted
        received, lost, highest, jitter = counted.sums
        missing, came = lost - self._lost, received - self._received
        self._lost, self._received = lost, received
        delay = min(now - self._heard_at, _MOST_DELAY) if self._moment else 0.0
        return ReportBlock(
            ssrc,
            min(255, (missing << 8) // (missing + came)) if missing > 0 else 0,
            max(-0x800000, min(lost, 0x7FFFFF)),
            highest & 0xFFFFFFFF,
            min(int(jitter * counted.clock_rate), 0xFFFFFFFF),
            self._moment,
            round(delay * 65536),
        )


class Reports:
    """Reports from time to time, and gives feedback at once, within a budget for all of it.

    Attributes:
        round_trip: Smoothed, in seconds; None before the first report that answers one of ours.
        sent: What we have sent.
        streams: What comes in, by SSRC.
        told: What the peer has reported last of what we send; None before the first.
        on_bit_rate: Called with the bits a second that come through (REMB).
        on_keyframe: Called when the peer wants a key frame.
        on_lost: Called with the share of the packets that the peer has lost since its last report.
        on_missing: Called with the sequence numbers that the peer has missed.
    """

    ANSWERED = 4
    """Reports of ours of which we know when they left, for the peer to answer."""

    def __init__(self, way: Way, kind: Kind) -> None:
        """Report as soon as media may flow.

        Args:
            way: Where to.
            kind: Of video each second, of sound less often.
        """
        self.round_trip: float | None = None
        self.sent = Sent()
        self.streams: dict[int, Heard] = {}
        self.told: ReportBlock | None = None
        self.on_bit_rate: Callable[[int], None] = _ignore
        self.on_keyframe: Callable[[], None] = _ignore
        self.on_lost: Callable[[float], None] = _ignore
        self.on_missing: Callable[[Iterable[int]], None] = _ignore
        self._budget = Budget(REPORTS, REPORTS)
        self._description = b""
        self._intervals: Iterator[int] = (
            repeat(1) if kind == "video" else chain(EARLY, repeat(SELDOM))
        )
        self._is_closed = False
        self._loop = get_running_loop()
        self._moments: list[tuple[int, float]] = []
        self._name = ""  # of which the description tells
        # A sender that has sent nothing in two intervals is none (RFC 3550 §6.3.8).
        self._said = (0, 0)
        self._ticket: Ticket | None = None
        self._way = way
        way.open(self)

    def start(self) -> bool:
        """Begin to report, if that has not begun; False once it is closed."""
        if self._ticket is None and not self._is_closed:
            self._ticket = Pacer.running().start(self._step)
        return not self._is_closed

    def close(self) -> None:
        """Report nothing more; say that what we sent has ended, if it had begun."""
        if self._ticket is not None:
            self._ticket.cancel()
            if self.sent.packets:
                ssrc = self._way.ssrc
                self._way.send(rtcp.report(ssrc, None, ()) + rtcp.goodbye(ssrc))
        self._ticket = None
        self._is_closed = True
        self._way.close()

    def missing(self, ssrc: int, numbers: Sequence[int]) -> None:
        """Ask for packets again (NACK, RFC 4585 §6.2.1).

        Args:
            ssrc: Their stream.
            numbers: Their sequence numbers, in order.
        """
        for start in range(0, len(numbers), MOST_LOST):
            self._send(rtcp.nack(self._way.ssrc, ssrc, numbers[start : start + MOST_LOST]))

    def keyframe(self, ssrc: int) -> None:
        """Ask for a key frame (PLI, RFC 4585 §6.3.1).

        Args:
            ssrc: The video's stream.
        """
        self._send(rtcp.pli(self._way.ssrc, ssrc))

    def bit_rate(self, most: int, streams: list[int]) -> None:
        """Say how much comes through (REMB, draft-alvestrand-rmcat-remb-03).

        Args:
            most: Bits a second.
            streams: The SSRCs of those that it is said of, together.
        """
        self._send(rtcp.remb(self._way.ssrc, most, streams))

    def take(self, packet: RtcpPacket) -> None:
        """Hear what a peer says, if it is of these streams.

        Args:
            packet: Any.
        """
        if packet.kind <= rtcp.RECEIVER_REPORT:
            self._take_report(packet)
            return
        if packet.kind not in rtcp.FEEDBACK:
            return
        ssrc = self._way.ssrc
        if ssrc in rtcp.keyframes_asked(packet):
            self.on_keyframe()
        stream, numbers = rtcp.missed(packet)
        if numbers and stream == ssrc:
            self.on_missing(numbers)
        rate, streams = rtcp.bit_rate(packet)
        if ssrc in streams:
            self.on_bit_rate(rate)

    def _take_report(self, packet: RtcpPacket) -> None:
        if packet.kind == rtcp.SENDER_REPORT:
            heard, moment = self.streams.get(packet.ssrc), rtcp.moment(packet)
            if heard is not None and moment is not None:
                heard.reported(moment, self._loop.time())
        for block in rtcp.blocks(packet):
            if block.ssrc != self._way.ssrc:
                continue
            self.told = block
            self._measure(block)
            self.on_lost(block.fraction / 256)

    def _measure(self, block: ReportBlock) -> None:
        """Measure a round trip (RFC 3550 §6.4.1)."""
        left = dict(self._moments).get(block.last)
        if left is None or not block.delay:
            return
        found = max(0.0, self._loop.time() - left - block.delay / 65536)
        if self.round_trip is None:
            self.round_trip = found
        else:
            self.round_trip = _SMOOTHING * self.round_trip + (1 - _SMOOTHING) * found

    def _step(self, due: float) -> float | None:
        self._report()
        seconds = next(self._intervals)
        return Pacer.common(due + 0.5 * seconds, due + 1.5 * seconds)  # RFC 3550 §6.3.1

    def _report(self) -> None:
        way, sent, now = self._way, self.sent, self._loop.time()
        told = [heard.block(ssrc, now) for ssrc, heard in self.streams.items()]
        packets, name = sent.packets, way.name
        info = sent.info() if packets > self._said[0] else None
        self._said = self._said[1], packets
        if info is None and not told:
            return
        packet = rtcp.report(way.ssrc, info, told[:MOST_BLOCKS])
        if name != self._name:
            self._name, self._description = name, rtcp.description(way.ssrc, name)
        packet += self._description
        if self._send(packet) and info is not None:
            self._moments.append((info.moment >> 16 & 0xFFFFFFFF, now))
            del self._moments[: -self.ANSWERED]

    def _send(self, packet: bytes) -> bool:
        return self._budget.take(len(packet)) and self._way.send(packet)


def _ignore(*said: object) -> None:
    """Do nothing with what nobody wants to hear."""
