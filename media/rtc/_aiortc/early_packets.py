"""The packets of known RTP streams, taken in the turn of the loop in which they come in.

aiortc lets each wait in a queue for a task, and makes an object with all header extensions of it:
that is most of what receiving costs.

Nearly all packets are of the same kind: of a known stream, the next in order, without padding. They
go a *lane* from the socket to what counts them and puts frames together, in which there is no
object for a packet, and no copy but that of its payload:

1. `UdpTransport` reads a datagram into the loop's room (`SocketPoll`);
2. `Socket.packet_received` looks who sent it, and that none waits before it;
3. `EarlyPackets.lane` reads the header, and decrypts the packet where it lies;
4. `Incoming.next_packet` counts it, and hands its frame on.

What is in any way unusual goes the longer way: `Socket.datagram_received`, `EarlyPackets` (or
aiortc's task), `Incoming.packet`. It may leave the lane at any point before it was decrypted, and
behind that in `Incoming`. On both ways the same is counted and the same frames come out.
"""

import struct
from collections.abc import Callable
from typing import NamedTuple, Protocol

import pylibsrtp
from aiortc.rtcdtlstransport import RTCDtlsTransport, State

from ..ice.datagram import LONGEST, SHORTEST_RTP, TAG
from ..ice.socket_poll import SocketPoll
from ..rtp.packet import RtpPacket
from .inbound import InboundSrtp
from .transports import STATE

_HEADER = struct.Struct("!BBHII")
_PLAIN, _EXTENDED = 0x80, 0x90
"""First octets of packets without and with a header extension, and with nothing else unusual."""

Take = Callable[[RtpPacket], None]
"""Takes a packet in the turn of the loop in which it comes."""

NextPacket = Callable[[int, int, int, int, int, int], None]
"""Takes a packet that lies in the room: its SSRC, marker and payload type (an octet), sequence
number and timestamp, and where its payload begins and ends."""


class Estimates(Protocol):
    """What estimates the bit rate that comes through."""

    def take(self, packet: RtpPacket) -> None:
        """Take a packet."""

    def next_packet(self, ssrc: int, extension: bytes, size: int) -> None:
        """Take a packet of which there is no object: SSRC, header extension, octets of payload."""


class Taker(NamedTuple):
    """Who takes the packets of a stream.

    Attributes:
        take: Takes one.
        next_packet: Takes one that lies in the room.
        estimate: Estimates the bit rate from them; None for sound.
    """

    take: Take
    next_packet: NextPacket
    estimate: Estimates | None


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
        self._room = SocketPoll.running().room
        self._cut = self._room.cut
        self._octets = self._room.octets
        self._session = srtp.session
        self._srtp = srtp
        self._transport = transport

    def lane(self, length: int) -> bool:
        """Take the packet that lies in the room, if it is of a known stream, and usual.

        Args:
            length: Its octets. They may be anything.

        Returns:
            Whether it is done with.
        """
        octets = self._octets
        flags, marked_type, number, timestamp, ssrc = _HEADER.unpack_from(octets)
        taker = self.streams.get(ssrc)
        if taker is None or not SHORTEST_RTP <= length <= LONGEST or 191 < marked_type < 224:
            return False
        if flags == _PLAIN:
            start = 12
        elif flags == _EXTENDED:
            start = 16 + 4 * (octets[14] << 8 | octets[15])
            if start + TAG > length:
                return False
        else:
            return False
        if ssrc not in self._srtp.heard or getattr(self._transport, STATE) is not State.CONNECTED:
            return False
        try:
            end = self._room.unprotect(self._session, length)
        except pylibsrtp.Error:
            return True  # forged or repeated: nobody is to see it
        if start > end:
            return True
        taker.next_packet(ssrc, marked_type, number, timestamp, start, end)
        if taker.estimate is not None:
            taker.estimate.next_packet(ssrc, self._cut[12:start], end - start)
        return True

    def __call__(self, datagram: bytes) -> bool:
        """Take a datagram, if it is a packet of a known stream (RFC 7983 §7, RFC 5761 §4)."""
        taker = self.streams.get(int.from_bytes(datagram[8:12]))
        if taker is None or not 128 <= datagram[0] < 192 or 192 <= datagram[1] < 224:
            return False
        if getattr(self._transport, STATE) is not State.CONNECTED:
            return False
        try:
            packet = RtpPacket.parse(self._srtp.unprotect(datagram))
        except (pylibsrtp.Error, ValueError):
            return True  # forged, repeated or broken: nobody is to see it
        taker.take(packet)
        if taker.estimate is not None:
            taker.estimate.take(packet)
        return True
