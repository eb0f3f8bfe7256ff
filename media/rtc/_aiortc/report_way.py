"""RTCP of aiortc's transceivers: reports go out and come in without the tasks in which it does."""

import asyncio
from typing import Any

from aiortc import RTCRtpTransceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport

from ..rtp.reports import Reports
from ..rtp.rtcp import packets
from .spare import DONE
from .way_out import WayOut

CNAME = "_RTCRtpSender__cname"
HANDLE_RTCP = "_handle_rtcp_data"
RECEIVER_EXITED = "_RTCRtpReceiver__rtcp_exited"
RECEIVER_STARTED = "_RTCRtpReceiver__rtcp_started"
RUN_RTCP = "_run_rtcp"
SENDER_EXITED = "_RTCRtpSender__rtcp_exited"
SENDER_STARTED = "_RTCRtpSender__rtcp_started"
SSRC = "_ssrc"


class ReportWay:
    """Where the reports of a transceiver go.

    aiortc wakes a task for each report that goes out and for each that comes in, and makes several
    objects of it: one cost as much as three packets of sound. It would also end its receivers when
    the peer says BYE, where Jingle says when a call or a content ends.

    Attributes:
        ssrc: Of what we send.
    """

    def __init__(self, transceiver: RTCRtpTransceiver) -> None:
        """Report in a transceiver's place.

        Args:
            transceiver: One that has not started.
        """
        self.ssrc: int = getattr(transceiver.sender, SSRC)
        self._received: ReceivedReports | None = None
        self._sender = transceiver.sender
        self._transceiver = transceiver
        self._way = WayOut(transceiver.sender)

    @property
    def name(self) -> str:
        """Our canonical name (CNAME); empty as long as we have said none."""
        return getattr(self._sender, CNAME) or ""

    def open(self, reports: Reports) -> None:
        """Start the reports when media may flow, and hand them what comes in from then on.

        Args:
            reports: The transceiver's.
        """
        ends: tuple[tuple[Any, tuple[str, str]], ...] = (
            (self._transceiver.sender, (SENDER_STARTED, SENDER_EXITED)),
            (self._transceiver.receiver, (RECEIVER_STARTED, RECEIVER_EXITED)),
        )
        for end, events in ends:
            setattr(end, RUN_RTCP, lambda end=end, events=events: self._start(end, events, reports))

    def close(self) -> None:
        """Hand on nothing more of what comes in."""
        if self._received is not None:
            self._received.all.pop(self.ssrc, None)

    def send(self, packet: bytes) -> bool:
        """Send a compound packet; False if there is no way out."""
        return self._way.report(packet)

    def _start(self, end: Any, events: tuple[str, str], reports: Reports) -> "asyncio.Future[None]":
        for event in events:
            setattr(end, event, DONE)
        if reports.start():
            self._received = received_reports(end.transport)
            self._received.all[self.ssrc] = reports
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class ReceivedReports:
    """Hands on what comes in on a transport.

    Attributes:
        all: Who is told, by the SSRC of what we send.
    """

    def __init__(self) -> None:
        self.all: dict[int, Reports] = {}

    def take(self, compound: bytes) -> None:
        """Take a compound packet.

        Args:
            compound: Decrypted; it may be anything.

        Raises:
            ValueError: It can't be read to its end.
        """
        for packet in packets(compound):
            for reports in self.all.values():
                reports.take(packet)

    async def handle(self, compound: bytes) -> None:
        """Take a compound packet where aiortc does, before anything else is known of the peer."""
        self.take(compound)


def received_reports(transport: RTCDtlsTransport) -> ReceivedReports:
    """Return what hands on the reports that come in on a transport, from now on."""
    found = getattr(getattr(transport, HANDLE_RTCP), "__self__", None)
    if not isinstance(found, ReceivedReports):
        found = ReceivedReports()
        setattr(transport, HANDLE_RTCP, found.handle)
    return found
