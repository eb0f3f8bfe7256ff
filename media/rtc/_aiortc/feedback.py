"""RTCP feedback, held to what it may cost (RFC 4585 §3.5): a peer's words and our own.

aiortc sends a lost packet again as often as it is asked, asks for a key frame with each packet that
does not fit, and stops its decoder for whatever stream says BYE.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiortc import RTCRtpReceiver, RTCRtpSender, RTCRtpTransceiver
from aiortc.rtp import RTP_HISTORY_SIZE, RtcpByePacket, RtcpRtpfbPacket

from ...budget import Budget
from .senders import OCTET_COUNT

logger = logging.getLogger(__name__)

HANDLE_RTCP = "_handle_rtcp_packet"
HISTORY = "_RTCRtpSender__rtp_history"
NACKS = "_RTCRtpReceiver__nack_generator"
RECEIVER_EXITED = "_RTCRtpReceiver__rtcp_exited"
RETRANSMIT = "_retransmit"
RUN_RTCP = "_run_rtcp"
SENDER_EXITED = "_RTCRtpSender__rtcp_exited"
SEND_PLI = "_send_rtcp_pli"
SEND_RTCP = "_send_rtcp"

AGAIN = 0.5
"""Of what is sent, how much may be sent again."""

AGAIN_AT_ONCE = 64_000
"""Octets that may be sent again at once, as after a gap on the way."""

REPORTS = 8_000
"""Octets of RTCP a second, and at once, that we send on what comes in."""

KEYFRAME_EVERY = 1.0
"""Seconds between two of our requests for a key frame, of all who ask."""

Run = Callable[[], Awaitable[None]]


def hold_to_budgets(transceiver: RTCRtpTransceiver, on_crash: Callable[[], None]) -> None:
    """Bound what RTCP feedback may cost, and tell when a task that sends reports dies.

    Args:
        transceiver: One whose sender and receiver have not started.
        on_crash: Called when a task died; aiortc would wait for its end for ever.
    """
    sender, receiver = transceiver.sender, transceiver.receiver
    _bound_retransmissions(sender)
    _bound_reports(receiver)
    _bound_gaps(receiver)
    for owner, exited in ((sender, SENDER_EXITED), (receiver, RECEIVER_EXITED)):
        setattr(owner, RUN_RTCP, _watched(getattr(owner, RUN_RTCP), owner, exited, on_crash))


def _bound_retransmissions(sender: RTCRtpSender) -> None:
    retransmit: Callable[[int], Awaitable[None]] = getattr(sender, RETRANSMIT)
    handle: Callable[[Any], Awaitable[None]] = getattr(sender, HANDLE_RTCP)
    allowance = Budget(0, AGAIN_AT_ONCE)
    earned = 0

    async def bounded(sequence_number: int) -> None:
        nonlocal earned
        packet = getattr(sender, HISTORY).get(sequence_number % RTP_HISTORY_SIZE)
        if packet is None or packet.sequence_number != sequence_number:
            return
        sent = getattr(sender, OCTET_COUNT)
        allowance.add(AGAIN * (sent - earned))
        earned = sent
        if allowance.take(len(packet.payload)):
            await retransmit(sequence_number)

    async def once(packet: Any) -> None:
        if isinstance(packet, RtcpRtpfbPacket):
            packet.lost = list(dict.fromkeys(packet.lost))
        await handle(packet)

    setattr(sender, RETRANSMIT, bounded)
    setattr(sender, HANDLE_RTCP, once)


def _bound_reports(receiver: RTCRtpReceiver) -> None:
    handle: Callable[[Any], Awaitable[None]] = getattr(receiver, HANDLE_RTCP)
    send: Callable[[Any], Awaitable[None]] = getattr(receiver, SEND_RTCP)
    send_pli: Callable[[int], Awaitable[None]] = getattr(receiver, SEND_PLI)
    budget = Budget(REPORTS, REPORTS)
    loop = asyncio.get_running_loop()
    late: set[asyncio.Task[None]] = set()
    allowed_at, is_late = 0.0, False

    async def without_bye(packet: Any) -> None:
        if not isinstance(packet, RtcpByePacket):  # Jingle says when a call or a content ends
            await handle(packet)

    async def bounded(packet: Any) -> None:
        if budget.take(len(bytes(packet))):
            await send(packet)

    async def pli(ssrc: int) -> None:
        nonlocal allowed_at, is_late
        now = loop.time()
        if now >= allowed_at:
            allowed_at = now + KEYFRAME_EVERY
            await send_pli(ssrc)
        elif not is_late:
            is_late = True
            loop.call_at(allowed_at, make_up, ssrc)

    def make_up(ssrc: int) -> None:
        nonlocal is_late
        is_late = False
        task = loop.create_task(pli(ssrc))
        late.add(task)
        task.add_done_callback(late.discard)

    setattr(receiver, HANDLE_RTCP, without_bye)
    setattr(receiver, SEND_RTCP, bounded)
    setattr(receiver, SEND_PLI, pli)


def _bound_gaps(receiver: RTCRtpReceiver) -> None:
    """Let a leap in the sequence numbers be no gap: aiortc counts each number that is missing."""
    generator = getattr(receiver, NACKS)
    if generator is None:
        return
    add: Callable[[Any], bool] = generator.add

    def bounded(packet: Any) -> bool:
        if generator.max_seq is not None:
            ahead = (packet.sequence_number - generator.max_seq) & 0xFFFF
            if RTP_HISTORY_SIZE < ahead < 0x8000:
                generator.missing.clear()
                generator.max_seq = (packet.sequence_number - 1) & 0xFFFF
        return add(packet)

    generator.add = bounded


def _watched(run: Run, owner: Any, exited: str, on_crash: Callable[[], None]) -> Run:
    async def watched() -> None:
        try:
            await run()
        except Exception:
            logger.exception("aiortc's reports failed")
            getattr(owner, exited).set()
            on_crash()

    return watched
