"""RTCP feedback (RFC 4585): a peer's words and our own, held to what they may cost.

aiortc stops its decoder for whatever stream says BYE.
"""

import logging
import struct
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from aiortc import RTCRtpReceiver, RTCRtpSender, RTCRtpTransceiver
from aiortc.rtcdtlstransport import State
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_RTPFB_NACK,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    unpack_remb_fci,
)

from ...budget import Budget
from ..rtp.feedback import MOST_LOST, nack, pli, remb
from .senders import SSRC
from .transports import SRTP_OUT, STATE, sent

logger = logging.getLogger(__name__)

HANDLE_RTCP = "_handle_rtcp_packet"
RECEIVER_EXITED = "_RTCRtpReceiver__rtcp_exited"
RTCP_SSRC = "_RTCRtpReceiver__rtcp_ssrc"
RUN_RTCP = "_run_rtcp"
SENDER_EXITED = "_RTCRtpSender__rtcp_exited"
SEND_RTCP = "_send_rtcp"

REPORTS = 8_000
"""Octets of RTCP a second, and at once, that we send on what comes in."""

_REPORTS = (RtcpRrPacket, RtcpSrPacket)

Run = Callable[[], Awaitable[None]]


class Feedback:
    """Tells a peer of what comes in, at once, within a budget for all of it.

    aiortc only does so by itself, and from a task.
    """

    def __init__(self, receiver: RTCRtpReceiver) -> None:
        """Speak in a receiver's name.

        Args:
            receiver: One that has not started; the reports that it sends by itself are held to the
                same budget.
        """
        self._budget = Budget(REPORTS, REPORTS)
        self._receiver = receiver
        send: Callable[[Any], Awaitable[None]] = getattr(receiver, SEND_RTCP)

        async def bounded(packet: Any) -> None:
            if self._budget.take(len(bytes(packet))):
                await send(packet)

        setattr(receiver, SEND_RTCP, bounded)

    def missing(self, ssrc: int, numbers: Sequence[int]) -> None:
        """Ask for packets again (NACK, RFC 4585 §6.2.1).

        Args:
            ssrc: Their stream.
            numbers: Their sequence numbers, in order.
        """
        for start in range(0, len(numbers), MOST_LOST):
            self._send(nack(self._ssrc or 0, ssrc, numbers[start : start + MOST_LOST]))

    def keyframe(self, ssrc: int) -> None:
        """Ask for a key frame (PLI, RFC 4585 §6.3.1).

        Args:
            ssrc: The video's stream.
        """
        self._send(pli(self._ssrc or 0, ssrc))

    def bit_rate(self, most: int, streams: list[int]) -> None:
        """Say how much comes through (REMB, draft-alvestrand-rmcat-remb-03).

        Args:
            most: Bits a second.
            streams: The SSRCs of those that it is said of, together.
        """
        self._send(remb(self._ssrc or 0, most, streams))

    @property
    def _ssrc(self) -> int | None:
        ssrc: int | None = getattr(self._receiver, RTCP_SSRC)
        return ssrc

    def _send(self, packet: bytes) -> None:
        transport = self._receiver.transport
        if (
            self._ssrc is not None
            and getattr(transport, STATE) is State.CONNECTED
            and self._budget.take(len(packet))
        ):
            sent(transport.transport._send(getattr(transport, SRTP_OUT).protect_rtcp(packet)))  # noqa: SLF001


def hold_to_budgets(transceiver: RTCRtpTransceiver, on_crash: Callable[[], None]) -> Feedback:
    """Bound what RTCP feedback may cost, and tell when a task that sends reports dies.

    Args:
        transceiver: One whose sender and receiver have not started.
        on_crash: Called when a task died; aiortc would wait for its end for ever.

    Returns:
        What tells the peer of what comes in.
    """
    sender, receiver = transceiver.sender, transceiver.receiver
    _hear_no_bye(receiver)
    feedback = Feedback(receiver)
    for owner, exited in ((sender, SENDER_EXITED), (receiver, RECEIVER_EXITED)):
        setattr(owner, RUN_RTCP, _watched(getattr(owner, RUN_RTCP), owner, exited, on_crash))
    return feedback


def hear(
    sender: RTCRtpSender,
    *,
    on_missing: Callable[[Iterable[int]], None],
    on_bit_rate: Callable[[int], None],
    on_lost: Callable[[float], None],
) -> None:
    """Hear what a peer says of the video that we send in a sender's place.

    aiortc answers from packets that it has sent itself, and tells its own encoder. It goes on to
    hear reports, and requests for key frames (`on_keyframe_request`).

    Args:
        sender: One whose packets are ours.
        on_missing: Called with the sequence numbers that the peer has missed (NACK, RFC 4585
            §6.2.1).
        on_bit_rate: Called with the bits per second that come through (REMB,
            draft-alvestrand-rmcat-remb-03).
        on_lost: Called with the share of the packets that was lost since the last report (RFC 3550
            §6.4.1).
    """
    handle: Callable[[Any], Awaitable[None]] = getattr(sender, HANDLE_RTCP)

    async def heard(packet: Any) -> None:
        if isinstance(packet, RtcpRtpfbPacket):
            if packet.fmt == RTCP_RTPFB_NACK:
                on_missing(packet.lost)
        elif isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
            rate, streams = _remb(packet.fci)
            if getattr(sender, SSRC) in streams:
                on_bit_rate(rate)
        else:
            for report in packet.reports if isinstance(packet, _REPORTS) else ():
                if report.ssrc == getattr(sender, SSRC):
                    on_lost(report.fraction_lost / 256)
            await handle(packet)

    setattr(sender, HANDLE_RTCP, heard)


def _remb(said: bytes) -> tuple[int, list[int]]:
    """Read what comes through and of which streams it is said; of none if it can't be read."""
    try:
        rate, streams = unpack_remb_fci(said)
    except (ValueError, struct.error):
        return 0, []
    return rate, streams


def _hear_no_bye(receiver: RTCRtpReceiver) -> None:
    handle: Callable[[Any], Awaitable[None]] = getattr(receiver, HANDLE_RTCP)

    async def without_bye(packet: Any) -> None:
        if not isinstance(packet, RtcpByePacket):  # Jingle says when a call or a content ends
            await handle(packet)

    setattr(receiver, HANDLE_RTCP, without_bye)


def _watched(run: Run, owner: Any, exited: str, on_crash: Callable[[], None]) -> Run:
    async def watched() -> None:
        try:
            await run()
        except Exception:
            logger.exception("aiortc's reports failed")
            getattr(owner, exited).set()
            on_crash()

    return watched
