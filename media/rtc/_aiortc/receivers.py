"""aiortc's RTP receivers: what comes in, seen before aiortc's decoder would."""

import time
from collections.abc import Callable
from typing import Any, Protocol

import pylibsrtp
from aiortc import RTCRtpCodecParameters, RTCRtpReceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport, State
from aiortc.rtcrtpreceiver import StreamStatistics

from ..ice import _aioice
from ..rtp.packet import RtpPacket
from .feedback import Feedback
from .transports import STATE, ice_connection

CODECS = "_RTCRtpReceiver__codecs"
DECODER_QUEUE = "_RTCRtpReceiver__decoder_queue"
ESTIMATOR = "_RTCRtpReceiver__remote_bitrate_estimator"
EXTENSION_IDS = "_HeaderExtensionsMap__ids"
HANDLE_RTP = "_handle_rtp_packet"
REMOTE_STREAMS = "_RTCRtpReceiver__remote_streams"
SRTP_IN = "_rx_srtp"

Take = Callable[[RtpPacket], None]
"""Takes a packet in the turn of the loop in which it comes."""


class DecoderQueue(Protocol):
    """What aiortc's receiver and its decoder thread ask of the queue between them."""

    def get(self) -> tuple[Any, Any] | None:
        """Give the next (codec, encoded frame), or None for the end."""

    def put(self, item: tuple[Any, Any] | None) -> Any:
        """Take a (codec, encoded frame), or None for the end."""


class EarlyPackets:
    """Takes the packets of known RTP streams in the turn of the loop in which they come in.

    aiortc lets each wait in a queue for a task, and makes an object with all header extensions of
    it: that is most of what receiving costs.

    Attributes:
        streams: Who takes the packets of an SSRC (four octets), all in their order.
    """

    def __init__(self, transport: RTCDtlsTransport) -> None:
        """Decrypt as a transport does.

        Args:
            transport: Where the packets come in.
        """
        self.streams: dict[bytes, tuple[Take, ...]] = {}
        self._transport = transport

    def __call__(self, datagram: bytes) -> bool:
        """Take a datagram, if it is a packet of a known stream (RFC 7983 §7, RFC 5761 §4)."""
        takers = self.streams.get(datagram[8:12])
        if takers is None or not 128 <= datagram[0] < 192 or 192 <= datagram[1] < 224:
            return False
        if getattr(self._transport, STATE) is not State.CONNECTED:
            return False
        try:
            packet = RtpPacket.parse(getattr(self._transport, SRTP_IN).unprotect(datagram))
        except (pylibsrtp.Error, ValueError):
            return True  # forged, repeated or broken: nobody is to see it
        for take in takers:
            take(packet)
        return True


def replace_decoder(receiver: RTCRtpReceiver, decoder_queue: DecoderQueue) -> None:
    """Stand between depacketiser and decoder: in public there are only decoded frames."""
    setattr(receiver, DECODER_QUEUE, decoder_queue)


def take_packets(receiver: RTCRtpReceiver, take: Take, feedback: Feedback) -> None:
    """Take every RTP packet in a receiver's place.

    aiortc's waits for a lost video packet until 512 others have come, and then gives a frame for
    each of those: half a minute of standing pictures. It asks once for a lost packet, and for a key
    frame only then. It goes on to count for the reports that it sends.

    Args:
        receiver: Whose packets; one that has not started.
        take: Called on the loop with each packet.
        feedback: Where the peer is told which bit rate comes through, of video.
    """
    counters: dict[int, Any] = getattr(receiver, REMOTE_STREAMS)
    codecs: dict[int, RTCRtpCodecParameters] = getattr(receiver, CODECS)
    estimator = getattr(receiver, ESTIMATOR)
    bit_rate = None if estimator is None else _BitRate(receiver, estimator, feedback)

    async def first(packet: Any, arrival_time_ms: int) -> None:
        # aiortc's router knows whose it is; the packets after it come here no more.
        del arrival_time_ms
        codec = codecs.get(packet.payload_type)
        if codec is None:
            return
        if packet.ssrc not in counters:
            counters[packet.ssrc] = StreamStatistics(codec.clockRate)
        takers: tuple[Take, ...] = (counters[packet.ssrc].add, take)
        if bit_rate is not None:
            takers = (*takers, bit_rate.take)
        _take_early(receiver.transport, packet.ssrc, takers)
        ours = RtpPacket(
            packet.payload_type,
            packet.sequence_number,
            packet.timestamp,
            packet.ssrc,
            packet.payload,
            bool(packet.marker),
        )
        for each in takers:
            each(ours)

    setattr(receiver, HANDLE_RTP, first)


class _BitRate:
    """Lets aiortc estimate from send times what comes through, and tells the peer (REMB).

    aiortc tells it with every packet while it sees the line filling up. As in WebRTC's own
    implementation the peer is told of less at once, and of anything else five times a second.
    """

    EVERY = 200
    """Milliseconds."""

    def __init__(self, receiver: RTCRtpReceiver, estimator: Any, feedback: Feedback) -> None:
        self._estimate = estimator.add
        self._feedback = feedback
        self._receiver = receiver
        self._told = 0
        self._told_at = 0

    def take(self, packet: RtpPacket) -> None:
        """Take a packet, of which only the size and the time at which it was sent count."""
        extensions = self._receiver.transport._rtp_header_extensions_map  # noqa: SLF001
        sent = packet.extended(getattr(extensions, EXTENSION_IDS).abs_send_time or 0)
        if len(sent) != 3:
            return
        now = int(time.monotonic() * 1000)
        estimate = self._estimate(
            abs_send_time=int.from_bytes(sent),
            arrival_time_ms=now,
            payload_size=len(packet.payload),
            ssrc=packet.ssrc,
        )
        if estimate is None:
            return
        most, streams = estimate
        if now - self._told_at >= self.EVERY or most < 0.97 * self._told:
            self._told, self._told_at = most, now
            self._feedback.bit_rate(most, streams)


def _take_early(transport: RTCDtlsTransport, ssrc: int, takers: tuple[Take, ...]) -> None:
    arrivals = _aioice.arrivals(ice_connection(transport.transport))
    if arrivals is None:
        return
    if not isinstance(arrivals.first, EarlyPackets):
        arrivals.first = EarlyPackets(transport)
    arrivals.first.streams[ssrc.to_bytes(4)] = takers
