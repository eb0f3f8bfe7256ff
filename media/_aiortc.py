"""The one place that touches aiortc's private parts.

Each function says why the public face does not do. All of them act on one object, never on a class
or a module. `tests/media/test_aiortc.py` fails when a name used here moves.
"""

import asyncio
import secrets
import struct
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any, Protocol

from aioice import Connection
from aiortc import (
    RTCIceTransport,
    RTCPeerConnection,
    RTCRtpCodecParameters,
    RTCRtpReceiver,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSctpTransport,
    RTCSessionDescription,
)
from aiortc.codecs import CODECS as KNOWN
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcpeerconnection import add_transport_description, find_common_codecs
from aiortc.rtp import DYNAMIC_PAYLOAD_TYPES, RtpPacket
from aiortc.sdp import MediaDescription, SessionDescription

from .codec import CLOCK_RATES
from .errors import DescriptionError

EXTENSIONS = "_headerExtensions"
RECEIVE_CHUNK = "_receive_data_chunk"
ROLE = "_role"
SET_LINE = "_set_mline_index"
SET_MID = "_set_mid"
TRANSCEIVER_CODECS = "_codecs"
CONNECT = "_RTCPeerConnection__connect"
DECODER_QUEUE = "_RTCRtpReceiver__decoder_queue"
EARLY = "_callboard_counts"
"""Ours: what counts early, by SSRC, kept where it is of use and goes with it."""
ESTIMATOR = "_RTCRtpReceiver__remote_bitrate_estimator"
HANDLE_RTP = "_handle_rtp_packet"
HANDLE_RTP_DATA = "_handle_rtp_data"
PACKET_COUNT = "_RTCRtpSender__packet_count"
REMOTE_STREAMS = "_RTCRtpReceiver__remote_streams"
ROUND_TRIP = "_RTCRtpSender__rtt"
SEND_KEYFRAME = "_send_keyframe"
SEND_PLI = "_send_rtcp_pli"
SSL = "_ssl"
TIMESTAMP_MAPPER = "_RTCRtpReceiver__timestamp_mapper"
WINDOW = "_advertised_rwnd"


RTP_HEADER = struct.Struct("!xBHII")


class RtpHeader:
    """What of an RTP packet is counted (RFC 3550 §5.1)."""

    __slots__ = ("payload_type", "sequence_number", "ssrc", "timestamp")

    def __init__(self, marked_type: int, sequence_number: int, timestamp: int, ssrc: int) -> None:
        self.payload_type = marked_type & 0x7F
        self.sequence_number = sequence_number
        self.timestamp = timestamp
        self.ssrc = ssrc


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
    return [ice_connection(transport.transport) for transport in dtls_transports(pc)]


def ice_connection(transport: RTCIceTransport) -> Connection:
    """Give the aioice connection that a transport's candidates and credentials are of."""
    connection: Connection = transport.iceGatherer._connection  # noqa: SLF001
    return connection


def steer(transport: RTCIceTransport, connection: Connection) -> None:
    """Let candidates and credentials be those of another connection, for a restart of ICE."""
    transport._connection = connection  # noqa: SLF001
    transport.iceGatherer._connection = connection  # noqa: SLF001
    transport.iceGatherer._remote_candidates_end = False  # noqa: SLF001


def carry(transport: RTCIceTransport, connection: Connection) -> None:
    """Let packets go through another connection, for a restart of ICE."""
    transport._recv = connection.recv  # noqa: SLF001
    transport._send = connection.send  # noqa: SLF001


def dtls_transports(pc: RTCPeerConnection) -> list[RTCDtlsTransport]:
    """Give each DTLS transport once (all public; bundled transceivers share one)."""
    return list({id(each): each for _, each in _uses(pc)}.values())


def transports_by_mid(pc: RTCPeerConnection) -> dict[str, RTCDtlsTransport]:
    """Give the DTLS transport of each section (all public)."""
    return {mid: transport for mid, transport in _uses(pc) if mid is not None}


def is_alone(pc: RTCPeerConnection, transport: RTCDtlsTransport) -> bool:
    """Tell whether no more than one section uses a transport (all public)."""
    return sum(each is transport for _, each in _uses(pc)) <= 1


def _uses(pc: RTCPeerConnection) -> list[tuple[str | None, RTCDtlsTransport]]:
    uses = [(each.mid, each.receiver.transport) for each in pc.getTransceivers()]
    return [*uses, (pc.sctp.mid, pc.sctp.transport)] if pc.sctp is not None else uses


def dtls_role(transport: RTCDtlsTransport) -> str:
    """Give our part in the DTLS handshake: "client", "server", or "auto" before it is decided.

    A later description that says otherwise (XMPP has no place to say it again) changes it in
    aiortc, and then what it tells the peer, who refuses that (RFC 8842 §5.5).
    """
    role: str = getattr(transport, ROLE)
    return role


async def create_offer(pc: RTCPeerConnection) -> RTCSessionDescription:
    """Make an offer that leaves alone what was agreed.

    aiortc offers all codecs anew, under numbers of its own, also in sections that are in use, and
    forgets what was agreed there. Numbers of new sections may clash with it (RFC 8843 §10.1), and
    the next free mid is what the peer, too, would take if it offered at the same time.
    """
    agreed = {
        each.mid: (each, getattr(each, TRANSCEIVER_CODECS), getattr(each, EXTENSIONS))
        for each in pc.getTransceivers()
        if each.currentDirection is not None
    }
    offer: RTCSessionDescription = await pc.createOffer()
    if not agreed:
        return offer
    numbers: set[int] = set()
    extensions: dict[str, int] = {}
    for transceiver, codecs, headers in agreed.values():
        setattr(transceiver, TRANSCEIVER_CODECS, codecs)
        setattr(transceiver, EXTENSIONS, headers)
        numbers.update(codec.payloadType for codec in codecs)
        extensions.update((header.uri, header.id) for header in headers)
    description = SessionDescription.parse(offer.sdp)
    for media in description.media:
        if media.kind not in KNOWN:
            continue
        if media.rtp.muxId in agreed:
            _, media.rtp.codecs, media.rtp.headerExtensions = agreed[media.rtp.muxId]
        else:
            _renumber(media, numbers, extensions)
            mid = f"{media.kind}-{secrets.token_hex(2)}"
            for group in description.group:
                group.items = [mid if item == media.rtp.muxId else item for item in group.items]
            media.rtp.muxId = mid
        media.fmt = [codec.payloadType for codec in media.rtp.codecs]
    return RTCSessionDescription(str(description), offer.type)


def _renumber(media: MediaDescription, numbers: set[int], extensions: dict[str, int]) -> None:
    """Give a section's codecs and header extensions numbers that no other section has."""
    new: dict[Any, int] = {}
    for codec in media.rtp.codecs:
        number = codec.payloadType or 0
        if number in numbers and number in DYNAMIC_PAYLOAD_TYPES:
            number = next(n for n in DYNAMIC_PAYLOAD_TYPES if n not in numbers)
        numbers.add(number)
        new[codec.payloadType] = codec.payloadType = number
    for codec in media.rtp.codecs:
        if "apt" in codec.parameters:
            codec.parameters["apt"] = new[codec.parameters["apt"]]
    for header in media.rtp.headerExtensions:
        taken = set(extensions.values())
        if header.uri not in extensions:
            free = (n for n in range(1, 15) if n not in taken)
            extensions[header.uri] = next(free) if header.id in taken else header.id
        header.id = extensions[header.uri]


def local_description(pc: RTCPeerConnection) -> str:
    """Give our description with the credentials and candidates of now: aiortc's keeps old ones."""
    description = SessionDescription.parse(pc.localDescription.sdp)
    transports = transports_by_mid(pc)
    for media in description.media:
        if media.rtp.muxId in transports:
            add_transport_description(media, transports[media.rtp.muxId])
    return str(description)


def forget(transceiver: RTCRtpTransceiver, mids: Collection[str]) -> None:
    """Let aiortc never take a transceiver for a section that it does not stand in.

    Args:
        transceiver: One that is stopped.
        mids: The sections there are; if its own is among them, it stays as it is.
    """
    if transceiver.mid not in mids:
        getattr(transceiver, SET_MID)(f"gone-{id(transceiver)}")
        getattr(transceiver, SET_LINE)(-1)


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


def keep_to_window(sctp: RTCSctpTransport) -> None:
    """Let an association drop what its peer may not send by now (RFC 9260 §6.2).

    aiortc tells its window, but keeps whatever comes, so that a message without end fills memory.
    """
    receive: Callable[[Any], Awaitable[None]] = getattr(sctp, RECEIVE_CHUNK)

    async def bounded(chunk: Any) -> None:
        if getattr(sctp, WINDOW) > 0:
            await receive(chunk)

    if RECEIVE_CHUNK not in vars(sctp):
        setattr(sctp, RECEIVE_CHUNK, bounded)


def replace_decoder(
    receiver: RTCRtpReceiver, decoder_queue: DecoderQueue, mapper: TimestampMapper
) -> None:
    """Stand between depacketiser and decoder: in public there are only decoded frames."""
    setattr(receiver, DECODER_QUEUE, decoder_queue)
    setattr(receiver, TIMESTAMP_MAPPER, mapper)


def observe_packets(
    receiver: RTCRtpReceiver,
    observe: Callable[[RtpPacket | RtpHeader], None],
    *,
    discard: bool,
    whole: bool,
) -> None:
    """See every RTP packet first: aiortc's statistics mix media and RTX under one id.

    Args:
        receiver: Whose packets.
        observe: Called on the loop with each parsed packet.
        discard: Whether aiortc is to be spared the payload (it still counts for its RTCP reports).
        whole: Whether it wants them whole; else, if aiortc does not either, headers will do.
    """
    handle: Callable[..., Awaitable[None]] = getattr(receiver, HANDLE_RTP)
    counters: dict[int, Any] = getattr(receiver, REMOTE_STREAMS)
    # Video's estimator of the bit rate wants each packet; audio has none.
    short = discard and getattr(receiver, ESTIMATOR) is None

    async def observed(packet: RtpPacket, arrival_time_ms: int) -> None:
        observe(packet)
        if short and packet.ssrc in counters:
            # aiortc has made its counter with the first packet; nothing else is kept of the others.
            counter = counters[packet.ssrc]
            counter.add(packet)
            if not whole:
                _count_early(receiver.transport, packet.ssrc, (observe, counter.add))
            return
        if discard:
            # A padding packet is counted and sent back in reports, but never buffered for decoding.
            packet.payload = b""
        await handle(packet, arrival_time_ms=arrival_time_ms)

    setattr(receiver, HANDLE_RTP, observed)


def _count_early(
    transport: RTCDtlsTransport, ssrc: int, counts: tuple[Callable[[Any], None], ...]
) -> None:
    """Count the packets of an SSRC by their header alone, before anything else is parsed.

    Args:
        transport: Where they come in.
        ssrc: Whose.
        counts: Each called with each header.
    """
    early: dict[int, tuple[Callable[[Any], None], ...]] | None = getattr(transport, EARLY, None)
    if early is None:
        early = {}
        setattr(transport, EARLY, early)
        handle: Callable[..., Awaitable[None]] = getattr(transport, HANDLE_RTP_DATA)

        async def handled(data: bytes, arrival_time_ms: int) -> None:
            header = RtpHeader(*RTP_HEADER.unpack_from(data)) if len(data) >= 12 else None
            if header is None or header.ssrc not in early:
                await handle(data, arrival_time_ms=arrival_time_ms)
                return
            for count in early[header.ssrc]:
                count(header)

        setattr(transport, HANDLE_RTP_DATA, handled)
    early[ssrc] = counts


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


def codec(transceiver: RTCRtpTransceiver, payload_type: int) -> RTCRtpCodecParameters | None:
    """Give the negotiated codec with a payload type, as aiortc has it; None if there is none."""
    codecs: list[RTCRtpCodecParameters] = getattr(transceiver, TRANSCEIVER_CODECS)
    return next((each for each in codecs if each.payloadType == payload_type), None)


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
