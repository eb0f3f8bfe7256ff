"""What a content carries: RTP media or data channels (XEP-0167, XEP-0343)."""

from typing import Literal

from msgspec import Struct

from .codec import Codec, RtcpFeedback
from .header_extension import HeaderExtension
from .rtp_source import MediaStream, RtpSource, RtpSourceGroup

Kind = Literal["audio", "video"]


class Bandwidth(Struct, frozen=True):
    """A limit on the bit rate (RFC 8866 §5.8): ``AS`` in kbit/s, ``TIAS`` in bit/s."""

    type: str
    value: int


class Rtp(Struct, frozen=True):
    """Audio or video over RTP (XEP-0167 §4).

    Attributes:
        kind: Audio or video.
        codecs: Payload types, the preferred one first.
        feedback: RTCP feedback for all payload types.
        header_extensions: Of the RTP packets.
        allow_mixed: One- and two-byte header extensions may be mixed (RFC 8285 §6).
        rtcp_mux: RTCP shares RTP's port (RFC 5761).
        reduced_size: RTCP packets may be short (RFC 5506).
        sources: Synchronisation sources.
        source_groups: Which of them belong together.
        streams: The stream and track of the media.
        bandwidths: Limits on the bit rate.
    """

    kind: Kind
    codecs: tuple[Codec, ...] = ()
    feedback: tuple[RtcpFeedback, ...] = ()
    header_extensions: tuple[HeaderExtension, ...] = ()
    allow_mixed: bool = False
    rtcp_mux: bool = False
    reduced_size: bool = False
    sources: tuple[RtpSource, ...] = ()
    source_groups: tuple[RtpSourceGroup, ...] = ()
    streams: tuple[MediaStream, ...] = ()
    bandwidths: tuple[Bandwidth, ...] = ()


class DataChannelApplication(Struct, frozen=True):
    """WebRTC data channels (XEP-0343); the SCTP association stands in the transport."""


class UnknownApplication(Struct, frozen=True):
    """Any other application, by its namespace, or another kind of RTP media."""

    namespace: str
    media: str | None = None


Application = Rtp | DataChannelApplication | UnknownApplication
