"""aiortc's RTP receivers: what comes in, seen before aiortc's decoder would."""

from collections.abc import Callable
from typing import Any, Protocol

from aiortc import RTCRtpCodecParameters, RTCRtpReceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport

from ..ice import _aioice
from ..rtp.packet import RtpPacket
from ..rtp.reports import Counted, Heard, Reports
from .bit_rate import IncomingBitRate
from .early_packets import EarlyPackets, NextPackets, Take, Taker
from .inbound import ESTIMATOR, SRTP_IN
from .transports import ice_connection

CODECS = "_RTCRtpReceiver__codecs"
DECODER_QUEUE = "_RTCRtpReceiver__decoder_queue"
HANDLE_RTP = "_handle_rtp_packet"


class DecoderQueue(Protocol):
    """What aiortc's receiver and its decoder thread ask of the queue between them."""

    def get(self) -> tuple[Any, Any] | None:
        """Give the next (codec, encoded frame), or None for the end."""

    def put(self, item: tuple[Any, Any] | None) -> Any:
        """Take a (codec, encoded frame), or None for the end."""


def replace_decoder(receiver: RTCRtpReceiver, decoder_queue: DecoderQueue) -> None:
    """Stand between depacketiser and decoder: in public there are only decoded frames."""
    setattr(receiver, DECODER_QUEUE, decoder_queue)


def take_packets(
    receiver: RTCRtpReceiver,
    take: Take,
    next_packets: NextPackets,
    count: Callable[[int, RTCRtpCodecParameters], Counted],
    reports: Reports,
    usual: Any = None,
) -> None:
    """Take every RTP packet in a receiver's place.

    aiortc's waits for a lost video packet until 512 others have come, and then gives a frame for
    each of those: half a minute of standing pictures. It asks once for a lost packet, and for a key
    frame only then.

    Args:
        receiver: Whose packets; one that has not started.
        take: Called on the loop with each packet; it counts them.
        next_packets: Called in its place with most of them (see `EarlyPackets`).
        count: Gives what counts the packets of a stream, by its SSRC and the codec of its first.
        reports: Where the peer is told what comes in.
        usual: Takes the usual ones of sound in the place of `next_packets` (see `Taker`).
    """
    codecs: dict[int, RTCRtpCodecParameters] = getattr(receiver, CODECS)
    estimate = None
    if getattr(receiver, ESTIMATOR) is not None:
        estimate = IncomingBitRate(receiver, reports.bit_rate)
    taker = Taker(take, next_packets, estimate, usual)

    async def first(packet: Any, arrival_time_ms: int) -> None:
        # aiortc's router knows whose it is; the packets after it come here no more.
        del arrival_time_ms
        codec = codecs.get(packet.payload_type)
        if codec is None:
            return
        if packet.ssrc not in reports.streams:
            reports.streams[packet.ssrc] = Heard(count(packet.ssrc, codec))
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
