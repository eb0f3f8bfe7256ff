"""One encoded frame of a call, as it is sent, received, echoed and recorded."""

from enum import StrEnum
from typing import Literal, NamedTuple

Kind = Literal["audio", "video"]
KINDS: tuple[Kind, ...] = ("audio", "video")


class Direction(StrEnum):
    """Which way a frame went, seen from us."""

    SENT = "sent"
    RECEIVED = "received"


class EncodedFrame(NamedTuple):
    """One whole encoded audio or video frame.

    Attributes:
        kind: "audio" or "video".
        codec: The RTP encoding name as in the SDP's rtpmap: "opus", "PCMU", "PCMA", "VP8", "H264".
        data: The whole frame, depacketised. H264 is in Annex B format (with start codes).
        timestamp: The RTP timestamp (RFC 3550 §5.1) in ticks of `clock_rate`, unwrapped: it passes
            2**32 without starting again. Its origin is arbitrary.
        clock_rate: Ticks per second, in Hz.
        arrival: `loop.time()` in seconds when the frame was sent or came in.
        keyframe: Whether a decoder can start here. Always true for audio.
    """

    kind: Kind
    codec: str
    data: bytes
    timestamp: int
    clock_rate: int
    arrival: float
    keyframe: bool
