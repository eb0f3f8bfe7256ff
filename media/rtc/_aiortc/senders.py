"""aiortc's RTP senders: what goes out, past the tasks in which aiortc sends."""

import asyncio
import secrets
import struct
from collections.abc import Callable, Sequence
from time import time
from typing import Protocol

from aiortc import RTCRtpSender
from aiortc.rtp import HeaderExtensions

from ...frames.payloads import Piece
from ...sources.unit import Unit
from ..flows.flows import Flows
from ..flows.outbound_flow import Left, LeftSound, OutboundFlow, Pace
from ..rtp.reports import Sent
from .spare import DONE, compact
from .way_out import WayOut

EXTENSIONS_MAP = "_RTCRtpSender__rtp_header_extensions_map"
MID = "_RTCRtpSender__mid"
REPAIR_SSRC = "_rtx_ssrc"
REPAIR_TYPE = "_RTCRtpSender__rtx_payload_type"
RTP_EXITED = "_RTCRtpSender__rtp_exited"
RTP_STARTED = "_RTCRtpSender__rtp_started"
RUN_RTP = "_run_rtp"
SSRC = "_ssrc"

_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")
_ABSOLUTE_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970 (RFC 5905 §6)."""


def take_over(sender: RTCRtpSender, start: Callable[[], None]) -> None:
    """Send in a sender's place, without the task in which aiortc does.

    That task awaits a track: a queue, a switch of tasks, an object for each packet and one for its
    header extensions.

    Args:
        sender: One that has not started.
        start: Called when it has: from now on packets can go out.
    """

    def run(codec: object) -> asyncio.Future[None]:
        del codec
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        for event in (RTP_STARTED, RTP_EXITED):
            setattr(sender, event, DONE)
        compact(sender)
        start()
        return done

    setattr(sender, RUN_RTP, run)


class Encoded(Protocol):
    """A frame, wherever it comes from."""

    @property
    def data(self) -> bytes:
        """The whole encoded frame."""


class RtpStream:
    """Sends frames of sound, which are a packet each, in a sender's place (`take_over`)."""

    __slots__ = (
        "_extension",
        "_flags",
        "_flow",
        "_flows",
        "_marker",
        "_payload_type",
        "_sent",
        "_sequence_number",
        "_ssrc",
        "_timestamp",
        "_way",
    )

    def __init__(self, sender: RTCRtpSender, payload_type: int, sent: Sent) -> None:
        """Begin at a random place, as RFC 3550 §5.1 wants.

        Args:
            sender: One that has been started, and sends nothing itself.
            payload_type: Of the negotiated codec.
            sent: Where it is counted what is sent.
        """
        # Only the first packet begins to talk (RFC 3551 §4.1): silence is sent as well.
        self._marker = 0x80
        self._payload_type = payload_type
        self._sent = sent
        # So far below the wrap that packets lost at the beginning can't be taken for one
        # (RFC 3711 §3.3.1).
        self._sequence_number = secrets.randbelow(1 << 15)
        self._timestamp = secrets.randbits(32)
        self._ssrc: int = getattr(sender, SSRC)
        self._way = WayOut(sender)
        profile, extension = getattr(sender, EXTENSIONS_MAP).set(
            HeaderExtensions(mid=getattr(sender, MID))
        )
        self._extension = b""
        if extension:
            self._extension = _EXTENSION.pack(profile, len(extension) // 4) + extension
        self._flags = 0x90 if extension else 0x80
        self._flow: OutboundFlow | None = None
        self._flows = Flows.available()

    @property
    def is_open(self) -> bool:
        """Whether sending is on by what was negotiated, and there is a way out."""
        return self._way.is_open

    def send(self, frame: Encoded, timestamp: int) -> None:
        """Send a frame, unless the stream is closed.

        Args:
            frame: The frame.
            timestamp: In ticks of the codec's clock, from any origin.
        """
        timestamp = (self._timestamp + timestamp) & 0xFFFFFFFF
        if self._send(frame.data, timestamp, self._payload_type | self._marker):
            self._marker = 0
            self._sent.timestamp = timestamp
            self._sent.at = time()

    def send_event(
        self, payload: bytes, timestamp: int, payload_type: int, *, marker: bool
    ) -> None:
        """Send what is no frame among the frames, unless the stream is closed.

        Reports say nothing of its timestamp, as it may be that of an earlier time.

        Args:
            payload: Of the packet.
            timestamp: As that of a frame.
            payload_type: What it is.
            marker: Whether it is the first packet of something.
        """
        timestamp = (self._timestamp + timestamp) & 0xFFFFFFFF
        self._send(payload, timestamp, payload_type | (0x80 if marker else 0))

    def _send(self, payload: bytes, timestamp: int, marked_type: int) -> bool:
        number = self._sequence_number
        header = _HEADER.pack(self._flags, marked_type, number, timestamp, self._ssrc)
        if not self._way.send(header + self._extension + payload):
            return False
        self._sequence_number = (number + 1) & 0xFFFF
        self._sent.count(1, len(payload))
        return True

    def lend(
        self, units: Sequence[Unit], pace: Pace, *, is_watched: bool, on_end: Callable[[], None]
    ) -> bool:
        """Let frames leave by the compiled part, once the first of all has left by `send`.

        Args:
            units: The next frames.
            pace: When they are due.
            is_watched: Whether anybody wants to know of each.
            on_end: Called when all have left, or can't leave any more.

        Returns:
            False if they can't.
        """
        flows, way = self._flows, self._way.direct()
        if flows is None or way is None or self._marker:
            return False
        flow = OutboundFlow(flows, units, _uncut, pace, is_watched=is_watched)
        said = flow.said
        said.ssrc, said.number, said.base = self._ssrc, self._sequence_number, self._timestamp
        said.payload_type = self._payload_type
        if not flow.extend(self._extension) or not flow.begin(*way, on_end):
            return False
        self._flow, self._sent.settle = flow, self._settle
        return True

    def left(self) -> LeftSound | Left:
        """Give the frames that have left by the compiled part since this was last asked."""
        return ([], [], []) if self._flow is None else self._flow.left_sound()

    def take_back(self, go_on: Callable[[OutboundFlow], None]) -> LeftSound | Left:
        """Let no more frames leave by the compiled part, to which some were lent.

        Args:
            go_on: Goes on with those that are left.

        Returns:
            Those that have left and were not told yet.
        """
        flow = self._flow
        assert flow is not None  # noqa: S101 -- they were lent
        flow.end()
        self._settle()
        self._flow = self._sent.settle = None
        go_on(flow)
        return flow.left_sound()

    def _settle(self) -> None:
        """Count what has left."""
        if self._flow is not None:
            _count(self._flow, self._sent)
            self._sequence_number = self._flow.said.number


def _uncut(unit: Unit) -> tuple[Piece]:
    """Give a frame of sound as the one piece that it is."""
    return ((b"", memoryview(unit.data)),)


def _count(flow: OutboundFlow, sent: Sent) -> int:
    """Count what has left by the compiled part since this was last done; return its octets."""
    packets, octets = flow.counted()
    sent.count(packets, octets)
    if flow.played:
        said = flow.said
        sent.timestamp, sent.at = said.base + said.last & 0xFFFFFFFF, said.wall
    return octets


class PacketOutlet:
    """Where the packets of a sender's stream of video go out, made by us (`take_over`).

    Attributes:
        flows: Where frames may be lent to the compiled part; None if there is none.
        ssrc: Of the stream.
        repair_ssrc: Of the stream on which packets are sent again (RFC 4588).
        repair_type: The payload type there; None if the peer knows no such stream.
    """

    def __init__(self, sender: RTCRtpSender, sent: Sent) -> None:
        """Send in a sender's place.

        Args:
            sender: One that has been started, and sends nothing itself.
            sent: Where it is counted what is sent.
        """
        self._sender = sender
        self._sent = sent
        self._way = WayOut(sender)
        self.flows = Flows.available()
        self.ssrc: int = getattr(sender, SSRC)
        self.repair_ssrc: int = getattr(sender, REPAIR_SSRC)
        self.repair_type: int | None = getattr(sender, REPAIR_TYPE)
        earliest, latest = self._written(0), self._written(0xFFFFFF)
        differ = (at for at in range(len(earliest)) if earliest[at] != latest[at])
        self._time_at = next(differ, None)
        self._extension = earliest

    @property
    def is_open(self) -> bool:
        """Whether sending is on by what was negotiated, and there is a way out."""
        return self._way.is_open

    def extension(self) -> bytes:
        """Give the header extension of a packet that is sent now (RFC 8285): its mid, and when.

        The time is in the 24 bits of abs-send-time.
        """
        at = self._time_at
        if at is None:
            return self._extension
        now = int((time() + _ABSOLUTE_EPOCH) * (1 << 18)) & 0xFFFFFF
        return self._extension[:at] + now.to_bytes(3) + self._extension[at + 3 :]

    def send(self, packets: list[bytes]) -> bool:
        """Send whole packets together (`WayOut.send`); False if there is no way out."""
        return self._way.send(packets)

    def count(self, packets: int, octets: int) -> None:
        """Count what was sent for the first time, for the reports.

        Args:
            packets: How many.
            octets: In their payloads.
        """
        self._sent.count(packets, octets)

    def lend(
        self, flow: OutboundFlow, on_end: Callable[[], None], settle: Callable[[], None]
    ) -> bool:
        """Let frames leave by the compiled part.

        Args:
            flow: The frames.
            on_end: Called when all have had their turn, or can't leave any more.
            settle: Counts what has left, by `settle`.

        Returns:
            False if they can't.
        """
        way = self._way.direct()
        flow.said.ssrc = self.ssrc
        if way is None or not flow.extend(self._extension, self._time_at):
            return False
        if not flow.begin(*way, on_end):
            return False
        self._sent.settle = settle
        return True

    def settle(self, flow: OutboundFlow) -> int:
        """Count what has left by the compiled part since this was last done.

        Args:
            flow: The frames.

        Returns:
            Octets, in the payloads.
        """
        return _count(flow, self._sent)

    def take_back(self, flow: OutboundFlow) -> None:
        """Let nothing more leave by the compiled part.

        Args:
            flow: What was lent.
        """
        flow.end()
        self._sent.settle = None

    def report(self, timestamp: int) -> None:
        """Let the reports say which RTP timestamp belongs to this moment (RFC 3550 §6.4.1)."""
        self._sent.timestamp = timestamp
        self._sent.at = time()

    def _written(self, moment: int) -> bytes:
        sender = self._sender
        says = HeaderExtensions(mid=getattr(sender, MID), abs_send_time=moment)
        profile, extension = getattr(sender, EXTENSIONS_MAP).set(says)
        return _EXTENSION.pack(profile, len(extension) // 4) + extension if extension else b""
