"""RTCP feedback, held to what it may cost (RFC 4585 §3.5): a peer's words and our own.

aiortc sends a lost packet again as often as it is asked, and stops its decoder for whatever stream
says BYE.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiortc import RTCRtpReceiver, RTCRtpSender, RTCRtpTransceiver
from aiortc.rtcdtlstransport import State
from aiortc.rtp import RTP_HISTORY_SIZE, RtcpByePacket, RtcpRtpfbPacket

from ...budget import Budget
from ..rtp.feedback import MOST_LOST, nack, pli, remb
from .senders import EXTENSIONS_MAP, OCTET_COUNT
from .transports import SRTP_OUT, STATE, sent

logger = logging.getLogger(__name__)

HANDLE_RTCP = "_handle_rtcp_packet"
HISTORY = "_RTCRtpSender__rtp_history"
RECEIVER_EXITED = "_RTCRtpReceiver__rtcp_exited"
RETRANSMIT = "_retransmit"
RTCP_SSRC = "_RTCRtpReceiver__rtcp_ssrc"
RUN_RTCP = "_run_rtcp"
SENDER_EXITED = "_RTCRtpSender__rtcp_exited"
SEND_RTCP = "_send_rtcp"

AGAIN = 0.5
"""Of what is sent, how much may be sent again."""

AGAIN_AT_ONCE = 64_000
"""Octets that may be sent again at once, as after a gap on the way."""

REPORTS = 8_000
"""Octets of RTCP a second, and at once, that we send on what comes in."""

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
    _bound_retransmissions(sender)
    _hear_no_bye(receiver)
    feedback = Feedback(receiver)
    for owner, exited in ((sender, SENDER_EXITED), (receiver, RECEIVER_EXITED)):
        setattr(owner, RUN_RTCP, _watched(getattr(owner, RUN_RTCP), owner, exited, on_crash))
    return feedback


class _Answers:
    """Finds out whether a peer hears what is sent again on a stream of its own (RFC 4588).

    A client that loses our `<ssrc-group/>` on the way to its WebRTC stack, as stanza.js does, asks
    for the same packets for ever. What is asked for once more is sent as it was, in the first
    stream; and where that is so with most packets, the others are too.
    """

    WATCHED = 16

    def __init__(self) -> None:
        self._asked_again: dict[int, bool] = {}
        self._is_deaf = False

    def are_heard(self, number: int) -> bool:
        """Tell whether to send a packet on the other stream, and take note that it was asked for.

        Args:
            number: The packet's sequence number.
        """
        if self._is_deaf:
            return False
        asked = self._asked_again
        if number in asked:
            asked[number] = True
            self._is_deaf = len(asked) >= self.WATCHED and sum(asked.values()) > 0.75 * len(asked)
            return False
        asked[number] = False
        if len(asked) > self.WATCHED:
            del asked[next(iter(asked))]
        return True


def _bound_retransmissions(sender: RTCRtpSender) -> None:
    retransmit: Callable[[int], Awaitable[None]] = getattr(sender, RETRANSMIT)
    handle: Callable[[Any], Awaitable[None]] = getattr(sender, HANDLE_RTCP)
    allowance = Budget(0, AGAIN_AT_ONCE)
    answers = _Answers()
    earned = 0

    async def bounded(sequence_number: int) -> None:
        nonlocal earned
        packet = getattr(sender, HISTORY).get(sequence_number % RTP_HISTORY_SIZE)
        if packet is None or packet.sequence_number != sequence_number:
            return
        sent = getattr(sender, OCTET_COUNT)
        allowance.add(AGAIN * (sent - earned))
        earned = sent
        if not allowance.take(len(packet.payload)):
            return
        if answers.are_heard(sequence_number):
            await retransmit(sequence_number)
        else:
            await sender.transport._send_rtp(packet.serialize(getattr(sender, EXTENSIONS_MAP)))  # noqa: SLF001

    async def once(packet: Any) -> None:
        if isinstance(packet, RtcpRtpfbPacket):
            # aiortc counts on past the wrap, where it knows of no packet.
            packet.lost = list(dict.fromkeys(number & 0xFFFF for number in packet.lost))
        await handle(packet)

    setattr(sender, RETRANSMIT, bounded)
    setattr(sender, HANDLE_RTCP, once)


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
