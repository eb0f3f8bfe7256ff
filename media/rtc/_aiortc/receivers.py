"""aiortc's RTP receivers: their packets come here, and not to a decoder."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiortc import RTCRtpCodecParameters, RTCRtpReceiver
from aiortc.rtcrtpparameters import RTCRtpReceiveParameters

from ..flows.inbound_flow import InboundFlow
from ..rtp.packet import RtpPacket
from ..rtp.reports import Counted, Heard, Reports
from .bit_rate import IncomingBitRate
from .early_packets import NextPackets, Take, Taker, early_packets
from .report_way import RUN_RTCP
from .spare import ESTIMATOR, spare_decoder, spare_frames

CODECS = "_RTCRtpReceiver__codecs"
HANDLE_RTP = "_handle_rtp_packet"
REGISTER = "_register_rtp_receiver"
RTCP_TASK = "_RTCRtpReceiver__rtcp_task"
STARTED = "_RTCRtpReceiver__started"


def take_packets(
    receiver: RTCRtpReceiver,
    take: Take,
    next_packets: NextPackets,
    count: Callable[[int, RTCRtpCodecParameters], Counted],
    reports: Reports,
    flow: InboundFlow | None,
) -> None:
    """Take every RTP packet in a receiver's place: in public there are only decoded frames.

    aiortc's waits for a lost video packet until 512 others have come, and then gives a frame for
    each of those: half a minute of standing pictures. It asks once for a lost packet, and for a key
    frame only then. It would also start a thread to decode in, for which the loop waits.

    Args:
        receiver: Whose packets; one that has not started.
        take: Called on the loop with each packet; it counts them.
        next_packets: Called in its place with most of them (see `EarlyPackets`).
        count: Gives what counts the packets of a stream, by its SSRC and the codec of its first.
        reports: Where the peer is told what comes in.
        flow: Takes what follows of a stream in their place; None: there is none such.
    """
    codecs: dict[int | None, RTCRtpCodecParameters] = getattr(receiver, CODECS)
    estimate = None
    if getattr(receiver, ESTIMATOR) is not None:
        estimate = IncomingBitRate(receiver, reports.bit_rate)
    taker = Taker(take, next_packets, estimate, flow)

    async def first(packet: Any, arrival_time_ms: int) -> None:
        # aiortc's router knows whose it is; the packets after it come here no more.
        del arrival_time_ms
        codec = codecs.get(packet.payload_type)
        if codec is None:
            return
        if packet.ssrc not in reports.streams:
            reports.streams[packet.ssrc] = Heard(count(packet.ssrc, codec))
        early = early_packets(receiver.transport)
        if early is not None:
            early.streams[packet.ssrc] = taker
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

    async def receive(parameters: RTCRtpReceiveParameters) -> None:
        if getattr(receiver, STARTED):
            return
        setattr(receiver, STARTED, True)
        spare_frames(receiver)
        for codec in parameters.codecs:
            codecs[codec.payloadType] = codec
        getattr(receiver.transport, REGISTER)(receiver, parameters)
        setattr(receiver, RTCP_TASK, asyncio.ensure_future(getattr(receiver, RUN_RTCP)()))

    spare_decoder(receiver)
    setattr(receiver, HANDLE_RTP, first)
    receiver.receive = receive  # type: ignore[method-assign]
