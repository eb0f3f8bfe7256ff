"""The one place that touches aiortc's private parts.

Each function says why the public face does not do. All of them act on one object, never on a class
or a module. `tests/media/test_aiortc.py` fails when a name used here moves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from aioice import Connection
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender, RTCRtpTransceiver
from aiortc.codecs import CODECS as KNOWN
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcpeerconnection import find_common_codecs
from aiortc.rtp import RtpPacket
from aiortc.sdp import SessionDescription

from .codec import CLOCK_RATES
from .errors import DescriptionError

TRANSCEIVER_CODECS = "_codecs"
CONNECT = "_RTCPeerConnection__connect"
DECODER_QUEUE = "_RTCRtpReceiver__decoder_queue"
HANDLE_RTP = "_handle_rtp_packet"
PACKET_COUNT = "_RTCRtpSender__packet_count"
ROUND_TRIP = "_RTCRtpSender__rtt"
SEND_KEYFRAME = "_send_keyframe"
SEND_PLI = "_send_rtcp_pli"
SSL = "_ssl"
TIMESTAMP_MAPPER = "_RTCRtpReceiver__timestamp_mapper"


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


def ice_connections(pc: RTCPeerConnection) -> list[Connection]:
    """Give the aioice connections: aiortc has no public way to choose addresses and ports."""
    return [
        transport.transport.iceGatherer._connection  # noqa: SLF001
        for transport in dtls_transports(pc)
    ]


def dtls_transports(pc: RTCPeerConnection) -> list[RTCDtlsTransport]:
    """Give each DTLS transport once (all public; bundled transceivers share one)."""
    transports = {id(t.receiver.transport): t.receiver.transport for t in pc.getTransceivers()}
    return list(transports.values())


def track_connecting(pc: RTCPeerConnection, tasks: "set[asyncio.Task[Any]]") -> None:
    """Collect the tasks in which aiortc connects: it keeps no handle, so close() could not wait."""
    connect: Callable[[], Coroutine[Any, Any, None]] = getattr(pc, CONNECT)

    async def tracked() -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101
        tasks.add(task)
        try:
            await connect()
        finally:
            tasks.discard(task)

    setattr(pc, CONNECT, tracked)


def replace_decoder(
    receiver: RTCRtpReceiver, decoder_queue: DecoderQueue, mapper: TimestampMapper
) -> None:
    """Stand between depacketiser and decoder: in public there are only decoded frames."""
    setattr(receiver, DECODER_QUEUE, decoder_queue)
    setattr(receiver, TIMESTAMP_MAPPER, mapper)


def observe_packets(
    receiver: RTCRtpReceiver, observe: Callable[[RtpPacket], None], *, discard: bool
) -> None:
    """See every RTP packet first: aiortc's statistics mix media and RTX under one id.

    Args:
        receiver: Whose packets.
        observe: Called on the loop with each parsed packet.
        discard: Whether aiortc is to be spared the payload (it still counts for its RTCP reports).
    """
    handle: Callable[..., Awaitable[None]] = getattr(receiver, HANDLE_RTP)

    async def observed(packet: RtpPacket, arrival_time_ms: int) -> None:
        observe(packet)
        if discard:
            # A padding packet is counted and sent back in reports, but never buffered for decoding.
            packet.payload = b""
        await handle(packet, arrival_time_ms=arrival_time_ms)

    setattr(receiver, HANDLE_RTP, observed)


def on_keyframe_request(sender: RTCRtpSender, callback: Callable[[], None]) -> None:
    """Hear PLI and FIR (RFC 4585 §6.3.1): aiortc ignores them for frames that come encoded."""
    setattr(sender, SEND_KEYFRAME, callback)


async def send_pli(receiver: RTCRtpReceiver, ssrc: int) -> None:
    """Ask the peer for a key frame (RFC 4585 §6.3.1): aiortc only does so by itself."""
    send: Callable[[int], Awaitable[None]] = getattr(receiver, SEND_PLI)
    await send(ssrc)


def codec_names(transceiver: RTCRtpTransceiver) -> dict[int, tuple[str, int]]:
    """Give the negotiated codecs, payload type → (name, clock rate); the first is what we send."""
    codecs = getattr(transceiver, TRANSCEIVER_CODECS)
    return {codec.payloadType: (codec.name, codec.clockRate) for codec in codecs}


def has_common_codec(sdp: str, index: int) -> bool:
    """Tell whether a media section has a codec that aiortc knows: it refuses the whole offer else.

    Args:
        sdp: The peer's description.
        index: The section's place.

    Returns:
        True for anything but audio and video.

    Raises:
        DescriptionError: It is no session description.
    """
    try:
        media = SessionDescription.parse(sdp).media[index]
    except (ValueError, AssertionError, LookupError, AttributeError) as error:
        raise DescriptionError(f"The peer's offer cannot be read: {error}") from error
    if media.kind not in KNOWN:
        return True
    known = [codec for codec in KNOWN[media.kind] if codec.name in CLOCK_RATES]
    return bool(find_common_codecs(known, media.rtp.codecs))


def packets_sent(sender: RTCRtpSender) -> int:
    """Give the number of RTP packets sent: the public getStats() is a coroutine."""
    count: int = getattr(sender, PACKET_COUNT)
    return count


def round_trip(sender: RTCRtpSender) -> float | None:
    """Give the smoothed round trip in seconds from RTCP reports (RFC 3550 §6.4.1), if any came."""
    rtt: float | None = getattr(sender, ROUND_TRIP)
    return rtt


def fingerprint_refused(transport: RTCDtlsTransport) -> bool:
    """Tell whether a failed DTLS transport failed because of the peer's fingerprint.

    aiortc only says "failed". `encrypted` (public) means that the handshake itself was done, and a
    chosen SRTP profile means that only the check of the certificate can have failed.
    """
    connection = getattr(transport, SSL)
    return bool(
        transport.state == "failed"
        and transport.encrypted
        and connection is not None
        and connection.get_selected_srtp_profile()
    )
