"""aiortc's RTP senders: what goes out, and what the peer reports about it."""

import secrets
import struct
import time
from collections.abc import Callable

from aiortc import RTCRtpSender
from aiortc.rtcdtlstransport import State
from aiortc.rtp import HeaderExtensions

from .transports import SRTP_OUT, STATE, sent

ENABLED = "_enabled"
ENCODER = "_RTCRtpSender__encoder"
EXTENSIONS_MAP = "_RTCRtpSender__rtp_header_extensions_map"
MID = "_RTCRtpSender__mid"
NTP_TIMESTAMP = "_RTCRtpSender__ntp_timestamp"
OCTET_COUNT = "_RTCRtpSender__octet_count"
PACKET_COUNT = "_RTCRtpSender__packet_count"
ROUND_TRIP = "_RTCRtpSender__rtt"
STATISTICS = "_RTCRtpSender__stats"
RTP_TIMESTAMP = "_RTCRtpSender__rtp_timestamp"
SEND_KEYFRAME = "_send_keyframe"
SSRC = "_ssrc"

_HEADER = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")
_NTP_EPOCH = 2_208_988_800
"""Seconds from 1900 to 1970 (RFC 5905 §6)."""


class RtpStream:
    """Sends frames that are a packet each, at once and in a sender's place.

    aiortc sends from a task that awaits a track: a queue, a switch of tasks, an object for the
    packet and one for its header extensions for each of them. Its RTCP reports go on, and say what
    is counted here.
    """

    def __init__(self, sender: RTCRtpSender, payload_type: int) -> None:
        """Begin at a random place, as RFC 3550 §5.1 wants.

        Args:
            sender: One that has been started, and sends nothing itself.
            payload_type: Of the negotiated codec.
        """
        # Only the first packet begins to talk (RFC 3551 §4.1): silence is sent as well.
        self._marker = 0x80
        self._payload_type = payload_type
        self._sender = sender
        # So far below the wrap that packets lost at the beginning can't be taken for one
        # (RFC 3711 §3.3.1).
        self._sequence_number = secrets.randbelow(1 << 15)
        self._timestamp = secrets.randbits(32)
        self._ssrc: int = getattr(sender, SSRC)
        profile, extension = getattr(sender, EXTENSIONS_MAP).set(
            HeaderExtensions(mid=getattr(sender, MID))
        )
        self._extension = b""
        if extension:
            self._extension = _EXTENSION.pack(profile, len(extension) // 4) + extension

    @property
    def is_open(self) -> bool:
        """Whether sending is on by what was negotiated, and there is a way out."""
        sender = self._sender
        return getattr(sender, ENABLED) and getattr(sender.transport, STATE) is State.CONNECTED

    def send(self, payload: bytes, timestamp: int) -> None:
        """Send a frame, unless the stream is closed.

        Args:
            payload: A whole frame.
            timestamp: In ticks of the codec's clock, from any origin.
        """
        timestamp = (self._timestamp + timestamp) & 0xFFFFFFFF
        if not self._send(payload, timestamp, self._payload_type | self._marker):
            return
        self._marker = 0
        setattr(self._sender, NTP_TIMESTAMP, int((time.time() + _NTP_EPOCH) * (1 << 32)))
        setattr(self._sender, RTP_TIMESTAMP, timestamp)

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
        sender = self._sender
        transport = sender.transport
        if not self.is_open:
            return False
        header = _HEADER.pack(
            0x90 if self._extension else 0x80,
            marked_type,
            self._sequence_number,
            timestamp,
            self._ssrc,
        )
        packet = getattr(transport, SRTP_OUT).protect(header + self._extension + payload)
        self._sequence_number = (self._sequence_number + 1) & 0xFFFF
        if not sent(transport.transport._send(packet)):  # noqa: SLF001 -- the pair in use
            return False
        setattr(sender, OCTET_COUNT, getattr(sender, OCTET_COUNT) + len(payload))
        setattr(sender, PACKET_COUNT, getattr(sender, PACKET_COUNT) + 1)
        return True


def on_keyframe_request(sender: RTCRtpSender, callback: Callable[[], None]) -> None:
    """Hear PLI and FIR (RFC 4585 §6.3.1): aiortc ignores them for frames that come encoded."""
    setattr(sender, SEND_KEYFRAME, callback)


def packets_sent(sender: RTCRtpSender) -> int:
    """Return the number of RTP packets sent: the public getStats() is a coroutine."""
    count: int = getattr(sender, PACKET_COUNT)
    return count


def allowed_bit_rate(sender: RTCRtpSender) -> int | None:
    """Give the bits per second of video that the peer takes (REMB), which aiortc's encoder is told.

    aiortc keeps them between 250 kbit/s and 1.5 Mbit/s, for H264 between 500 kbit/s and 3 Mbit/s.
    """
    rate: int | None = getattr(getattr(sender, ENCODER), "target_bitrate", None)
    return rate


def round_trip(sender: RTCRtpSender) -> float | None:
    """Give the smoothed round trip in seconds from RTCP reports (RFC 3550 §6.4.1), if any came."""
    rtt: float | None = getattr(sender, ROUND_TRIP)
    return rtt


def reception(sender: RTCRtpSender) -> tuple[int, int] | None:
    """Give what the peer last reported of what is sent (RFC 3550 §6.4.1), if anything came.

    Returns:
        Packets lost since the beginning, and the interarrival jitter in units of the RTP clock.
    """
    report = getattr(sender, STATISTICS).get(f"remote-inbound-rtp_{id(sender)}")
    return None if report is None else (report.packetsLost, report.jitter)
