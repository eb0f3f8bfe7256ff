"""aiortc's RTP receivers: what comes in, seen before aiortc's decoder would."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pylibsrtp
from aiortc import RTCRtpReceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport, State

from ..ice import _aioice
from ..rtp.packet import RtpPacket
from .transports import ice_connection

DECODER_QUEUE = "_RTCRtpReceiver__decoder_queue"
ESTIMATOR = "_RTCRtpReceiver__remote_bitrate_estimator"
HANDLE_RTP = "_handle_rtp_packet"
REMOTE_STREAMS = "_RTCRtpReceiver__remote_streams"
SEND_PLI = "_send_rtcp_pli"
SRTP_IN = "_rx_srtp"
STATE = "_state"
TIMESTAMP_MAPPER = "_RTCRtpReceiver__timestamp_mapper"

Take = Callable[[Any], None]
"""Takes a packet: ours, or aiortc's, which has what ours has."""


class DecoderQueue(Protocol):
    """What aiortc's receiver and its decoder thread ask of the queue between them."""

    def get(self) -> tuple[Any, Any] | None:
        """Give the next (codec, encoded frame), or None for the end."""

    def put(self, item: tuple[Any, Any] | None) -> None:
        """Take a (codec, encoded frame), or None for the end."""


class TimestampMapper(Protocol):
    """What aiortc's receiver asks of its unwrapper."""

    def map(self, timestamp: int) -> int:
        """Unwrap a 32-bit RTP timestamp."""


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


def replace_decoder(
    receiver: RTCRtpReceiver, decoder_queue: DecoderQueue, mapper: TimestampMapper
) -> None:
    """Stand between depacketiser and decoder: in public there are only decoded frames."""
    setattr(receiver, DECODER_QUEUE, decoder_queue)
    setattr(receiver, TIMESTAMP_MAPPER, mapper)


def observe_packets(receiver: RTCRtpReceiver, observe: Take, *, discard: bool) -> None:
    """See every RTP packet first: aiortc's statistics mix media and RTX under one id.

    Args:
        receiver: Whose packets.
        observe: Called on the loop with each packet.
        discard: Whether aiortc is to be spared the payload (it still counts for its RTCP reports).
    """
    handle: Callable[..., Awaitable[None]] = getattr(receiver, HANDLE_RTP)
    counters: dict[int, Any] = getattr(receiver, REMOTE_STREAMS)
    # Video's estimator of the bit rate wants each packet; audio has none.
    spared = discard and getattr(receiver, ESTIMATOR) is None

    async def observed(packet: Any, arrival_time_ms: int) -> None:
        observe(packet)
        if spared and packet.ssrc in counters:
            # aiortc has made its counter with the first packet; nothing else is kept of the others.
            count = counters[packet.ssrc].add
            count(packet)
            _take_early(receiver.transport, packet.ssrc, (observe, count))
            return
        if discard:
            # A padding packet is counted and sent back in reports, but never buffered for decoding.
            packet.payload = b""
        await handle(packet, arrival_time_ms=arrival_time_ms)

    setattr(receiver, HANDLE_RTP, observed)


def _take_early(transport: RTCDtlsTransport, ssrc: int, takers: tuple[Take, ...]) -> None:
    arrivals = _aioice.arrivals(ice_connection(transport.transport))
    if arrivals is None:
        return
    if not isinstance(arrivals.first, EarlyPackets):
        arrivals.first = EarlyPackets(transport)
    arrivals.first.streams[ssrc.to_bytes(4)] = takers


def forget_frames(receiver: RTCRtpReceiver) -> None:
    """Free decoded frames that nobody drew; the track lives as long as whoever holds it."""
    track: Any = receiver.track
    while track is not None and not track._queue.empty():  # noqa: SLF001
        track._queue.get_nowait()  # noqa: SLF001


async def send_pli(receiver: RTCRtpReceiver, ssrc: int) -> None:
    """Ask the peer for a key frame (RFC 4585 §6.3.1): aiortc only does so by itself."""
    send: Callable[[int], Awaitable[None]] = getattr(receiver, SEND_PLI)
    await send(ssrc)
