"""aiortc's RTP receivers: what comes in, seen before aiortc's decoder would."""

from collections.abc import Callable
from typing import Any, Protocol

from aiortc import RTCRtpCodecParameters, RTCRtpReceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport

from ..ice import _aioice
from ..rtp.packet import RtpPacket
from .bit_rate import IncomingBitRate
from .early_packets import EarlyPackets, NextPackets, Take, Taker
from .feedback import Feedback
from .inbound import ESTIMATOR, SRTP_IN
from .transports import ice_connection

CODECS = "_RTCRtpReceiver__codecs"
DECODER_QUEUE = "_RTCRtpReceiver__decoder_queue"
HANDLE_RTP = "_handle_rtp_packet"
REMOTE_STREAMS = "_RTCRtpReceiver__remote_streams"


class DecoderQueue(Protocol):
    """What aiortc's receiver and its decoder thread ask of the queue between them."""

    def get(self) -> tuple[Any, Any] | None:
        """Give the next (codec, encoded frame), or None for the end."""

    def put(self, item: tuple[Any, Any] | None) -> Any:
        """Take a (codec, encoded frame), or None for the end."""


class Counted(Protocol):
    """What is counted of an RTP stream as it comes in."""

    received: int
    jitter: float
    clock_rate: int

    @property
    def lost(self) -> int:
        """Packets that have not come."""

    @property
    def highest(self) -> int:
        """The highest sequence number, with how often they began again (RFC 3550 §6.4.1)."""


class Reported:
    """What reports say of a stream (RFC 3550 §6.4.1). It stands where aiortc counts for itself."""

    def __init__(self, counted: Counted) -> None:
        """Report what somebody else counts."""
        self._counted = counted
        self._lost = self._received = 0

    @property
    def fraction_lost(self) -> int:
        """Of 256, since it was asked for last."""
        lost, received = self._counted.lost, self._counted.received
        missing, came = lost - self._lost, received - self._received
        self._lost, self._received = lost, received
        return min(255, (missing << 8) // (missing + came)) if missing > 0 else 0

    @property
    def packets_lost(self) -> int:
        """Since the beginning, in 24 bits with a sign."""
        return min(self._counted.lost, 0x7FFFFF)

    @property
    def packets_received(self) -> int:
        """Since the beginning."""
        return self._counted.received

    @property
    def max_seq(self) -> int:
        """The highest sequence number."""
        return self._counted.highest & 0xFFFFFFFF

    @property
    def jitter(self) -> int:
        """In ticks of the codec's clock."""
        return min(int(self._counted.jitter * self._counted.clock_rate), 0xFFFFFFFF)


def replace_decoder(receiver: RTCRtpReceiver, decoder_queue: DecoderQueue) -> None:
    """Stand between depacketiser and decoder: in public there are only decoded frames."""
    setattr(receiver, DECODER_QUEUE, decoder_queue)


def take_packets(
    receiver: RTCRtpReceiver,
    take: Take,
    next_packets: NextPackets,
    count: Callable[[int, RTCRtpCodecParameters], Counted],
    feedback: Feedback,
) -> None:
    """Take every RTP packet in a receiver's place.

    aiortc's waits for a lost video packet until 512 others have come, and then gives a frame for
    each of those: half a minute of standing pictures. It asks once for a lost packet, and for a key
    frame only then. It goes on to send reports.

    Args:
        receiver: Whose packets; one that has not started.
        take: Called on the loop with each packet; it counts them.
        next_packets: Called in its place with most of them (see `EarlyPackets`).
        count: Gives what counts the packets of a stream, by its SSRC and the codec of its first.
        feedback: Where the peer is told which bit rate comes through, of video.
    """
    counters: dict[int, Any] = getattr(receiver, REMOTE_STREAMS)
    codecs: dict[int, RTCRtpCodecParameters] = getattr(receiver, CODECS)
    estimate = None
    if getattr(receiver, ESTIMATOR) is not None:
        estimate = IncomingBitRate(receiver, feedback.bit_rate)
    taker = Taker(take, next_packets, estimate)

    async def first(packet: Any, arrival_time_ms: int) -> None:
        # aiortc's router knows whose it is; the packets after it come here no more.
        del arrival_time_ms
        codec = codecs.get(packet.payload_type)
        if codec is None:
            return
        if packet.ssrc not in counters:
            counters[packet.ssrc] = Reported(count(packet.ssrc, codec))
        _take_early(receiver.transport, packet.ssrc, taker)
        ours = RtpPacket(
            packet.payload_type,
            packet.sequence_number,
            packet.timestamp,
            packet.ssrc,
            packet.payload,
            bool(packet.marker),
        )
        take(ours)
        if estimate is not None:
            estimate.take(ours)

    setattr(receiver, HANDLE_RTP, first)


def _take_early(transport: RTCDtlsTransport, ssrc: int, taker: Taker) -> None:
    arrivals = _aioice.arrivals(ice_connection(transport.transport))
    if arrivals is None:
        return
    early = arrivals.first
    if not isinstance(early, EarlyPackets):
        arrivals.first = early = EarlyPackets(transport, getattr(transport, SRTP_IN))
        arrivals.lane = early.lane
    early.streams[ssrc] = taker
