"""The packets of known RTP streams, and reports, taken in the turn in which they come in.

aiortc lets each wait in a queue for a task, and makes an object with all header extensions of it:
that is most of what receiving costs.

Nearly all packets are of the same kind: of a known stream, the next in order, without padding. They
go a *lane* from the socket to what counts them and puts frames together, in which there is no
object for a packet, and no copy but that of its payload:

1. `UdpTransport` reads a datagram into the loop's room (`SocketPoll`), or several at once;
2. `Socket.packets_received` looks who sent them, and that none waits before them;
3. `EarlyPackets.lane` reads their headers, and decrypts them where they lie;
4. `Incoming.next_packets` counts them, and hands their frame on.

The parts of a picture that came together go it together, as a *run*: packets whose numbers follow
each other, of one timestamp, of which only the last may be marked. Sound is a run of one.

What is in any way unusual goes the longer way: `Socket.datagram_received`, `EarlyPackets` (or
aiortc's task), `Incoming.packet`. It may leave the lane at any point before it was decrypted, and
behind that in `Incoming`. On both ways the same is counted and the same frames come out.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import pylibsrtp
from aiortc.rtcdtlstransport import RTCDtlsTransport, State

from ..flows.inbound_flow import InboundFlow, LendingEstimate
from ..ice import _aioice
from ..ice.datagram import LONGEST, LONGEST_TAG
from ..ice.socket_poll import SocketPoll
from ..rtp.packet import RtpPacket
from .inbound import InboundSrtp
from .report_way import received_reports
from .transports import STATE, ice_connection

_HEADER = struct.Struct("!BBHII")
_PLAIN, _EXTENDED = 0x80, 0x90
"""First octets of packets without and with a header extension, and with nothing else unusual."""
_USUAL = (_PLAIN, _EXTENDED)

Take = Callable[[RtpPacket], None]
"""Takes a packet in the turn of the loop in which it comes."""

Place = tuple[int, int]
"""Where the payload of a packet that lies in the room begins and ends."""

NextPackets = Callable[[int, int, int, int, Sequence[Place]], None]
"""Takes a run that lies in the room: its SSRC, the marker and payload type of its last packet (an
octet), the first sequence number, the timestamp, and each payload's place."""


class Estimates(LendingEstimate, Protocol):
    """What estimates the bit rate that comes through."""

    def take(self, packet: RtpPacket) -> None:
        """Take a packet."""

    def next_packets(self, ssrc: int, cut: Any, extension: int, places: Sequence[Place]) -> None:
        """Take a run: SSRC, where it lies, octets of header extension, and payloads' places."""


class Taker(NamedTuple):
    """Who takes the packets of a stream.

    Attributes:
        take: Takes one.
        next_packets: Takes a run that lies in the room.
        estimate: Estimates the bit rate from them; None for sound.
        flow: Takes what follows of a stream in their place; None: there is none such.
    """

    take: Take
    next_packets: NextPackets
    estimate: Estimates | None
    flow: InboundFlow | None = None


class EarlyPackets:
    """Takes the packets of known RTP streams.

    Attributes:
        streams: Who takes the packets of an SSRC, all in their order.
    """

    def __init__(self, transport: RTCDtlsTransport, srtp: InboundSrtp) -> None:
        """Decrypt as a transport does.

        Args:
            transport: Where the packets come in.
            srtp: What decrypts them there.
        """
        self.streams: dict[int, Taker] = {}
        self._poll = SocketPoll.running()
        self._room = self._poll.room
        self._hear = received_reports(transport).take
        self._octets = self._room.octets
        self._cut = self._room.cut
        self._session = srtp.session
        self._srtp = srtp
        srtp.on_anew = self._take_back
        self._transport = transport

    def lane(self, at: int, length: int, size: int) -> int:
        """Take a run of usual packets of a known stream from what lies in the room.

        Args:
            at: Where the first datagram begins. They may be anything.
            length: Where the last one ends.
            size: Octets of each but the last.

        Returns:
            Where the first one begins that is not done with.
        """
        octets = self._octets
        flags, marked_type, number, timestamp, ssrc = _HEADER.unpack_from(octets, at)
        taker = self.streams.get(ssrc)
        if (
            taker is None
            or flags not in _USUAL
            or 191 < marked_type < 224
            or ssrc not in self._srtp.heard
            or getattr(self._transport, STATE) is not State.CONNECTED
        ):
            return at
        head = 12 if flags == _PLAIN else 16 + 4 * (octets[at + 14] << 8 | octets[at + 15])
        first, last = number, marked_type
        places: list[Place] = []
        while True:
            end = at + size if at + size < length else length  # noqa: FURB136 -- no call
            if not head + LONGEST_TAG <= end - at <= LONGEST:
                break
            try:
                begin, stop = self._room.unprotect(self._session, at, end)
            except pylibsrtp.Error:
                at = end  # forged or repeated: nobody is to see it
                break
            places.append((begin + head, stop))
            last = marked_type  # no forged one's
            at, number = end, number + 1 & 0xFFFF
            if at == length or marked_type > 0x7F:
                break
            after = _HEADER.unpack_from(octets, at)
            if (
                after[1] & 0x7F != marked_type
                or after != (flags, after[1], number, timestamp, ssrc)
                or (head > 12 and 16 + 4 * (octets[at + 14] << 8 | octets[at + 15]) != head)
            ):
                break
            marked_type = after[1]
        if places:
            taker.next_packets(ssrc, last, first, timestamp, places)
            if taker.estimate is not None:
                taker.estimate.next_packets(ssrc, self._cut, head - 12, places)
            if taker.flow is not None and taker.flow.is_wanted:
                taker.flow.begin(*self._poll.source, self._session, taker.estimate)
        return at

    def __call__(self, datagram: bytes) -> bool:
        """Take a datagram, if it is a packet of a known stream, or RTCP (RFC 7983 §7, RFC 5761 §4).

        Raises:
            ValueError: RTCP can't be read to its end.
        """
        if not 128 <= datagram[0] < 192:
            return False
        if getattr(self._transport, STATE) is not State.CONNECTED:
            return False
        if 192 <= datagram[1] < 224:
            self._take_reports(datagram)
            return True
        taker = self.streams.get(int.from_bytes(datagram[8:12]))
        if taker is None:
            return False
        try:
            packet = RtpPacket.parse(self._srtp.unprotect(datagram))
        except (pylibsrtp.Error, ValueError):
            return True  # forged, repeated or broken: nobody is to see it
        taker.take(packet)
        if taker.estimate is not None:
            taker.estimate.take(packet)
        return True

    def _take_back(self) -> None:
        for taker in tuple(self.streams.values()):
            if taker.flow is not None:
                taker.flow.give_back()

    def _take_reports(self, datagram: bytes) -> None:
        try:
            compound = self._srtp.unprotect_rtcp(datagram)
        except pylibsrtp.Error:
            return  # forged, repeated or too many
        self._hear(compound)


def take_early(transport: RTCDtlsTransport, srtp: InboundSrtp) -> None:
    """Take a transport's reports from now on, and the streams that will be known.

    Args:
        transport: Where they come in.
        srtp: What decrypts them there.
    """
    arrivals = _aioice.arrivals(ice_connection(transport.transport))
    if arrivals is not None:
        early = EarlyPackets(transport, srtp)
        arrivals.first, arrivals.lane = early, early.lane


def early_packets(transport: RTCDtlsTransport) -> EarlyPackets | None:
    """Return what takes a transport's packets; None before it can, or on sockets not ours."""
    arrivals = _aioice.arrivals(ice_connection(transport.transport))
    early = None if arrivals is None else arrivals.first
    return early if isinstance(early, EarlyPackets) else None
