"""Codecs: payload types, their parameters and feedback (XEP-0167 §4, XEP-0293)."""

from msgspec import Struct

# RFC 3551 §6: what a static payload type means without being told: name, clock rate, channels.
STATIC = {
    0: ("PCMU", 8000, 1),
    3: ("GSM", 8000, 1),
    4: ("G723", 8000, 1),
    5: ("DVI4", 8000, 1),
    6: ("DVI4", 16000, 1),
    7: ("LPC", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    12: ("QCELP", 8000, 1),
    13: ("CN", 8000, 1),
    14: ("MPA", 90000, 1),
    15: ("G728", 8000, 1),
    16: ("DVI4", 11025, 1),
    17: ("DVI4", 22050, 1),
    18: ("G729", 8000, 1),
    25: ("CelB", 90000, 1),
    26: ("JPEG", 90000, 1),
    28: ("nv", 90000, 1),
    31: ("H261", 90000, 1),
    32: ("MPV", 90000, 1),
    33: ("MP2T", 90000, 1),
    34: ("H263", 90000, 1),
}

# What the codec's own RFC lets nobody write otherwise, likewise; by the name in lower case.
FIXED = {"opus": ("opus", 48000, 2)}  # RFC 7587 §7

_LIKE_RTCP = range(72, 77)

# Parameters that their RFC defines as whole numbers (RFC 4588 apt, 6184 packetization-mode,
# 7587 for Opus, 7741 for VP8). aiortc fails on others, so those are left out of its SDP.
_NUMERIC = frozenset(
    {
        "apt",
        "max-fr",
        "max-fs",
        "maxplaybackrate",
        "minptime",
        "packetization-mode",
        "stereo",
        "useinbandfec",
    }
)


class Parameter(Struct, frozen=True):
    """One format parameter: ``name=value``, or a bare word such as ``111/111`` or ``0-15``.

    Attributes:
        name: The name, or the bare word.
        value: None for a bare word.
    """

    name: str
    value: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Parameter":
        """Read one parameter as it stands between the semicolons of ``a=fmtp:``."""
        name, equals, value = text.strip().partition("=")
        return cls(name, value) if equals and name else cls(text.strip())

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self.value}"

    @property
    def well_formed(self) -> bool:
        """Whether a parameter that must be a number is one."""
        if self.name not in _NUMERIC:
            return True
        value = self.value or ""
        return value.isascii() and value.isdigit() and len(value) <= 9


class RtcpFeedback(Struct, frozen=True):
    """One kind of RTCP feedback (RFC 4585 §4.2), such as ``nack`` with the subtype ``pli``.

    The minimal interval between reports is the type ``trr-int`` with milliseconds as subtype.
    """

    type: str
    subtype: str | None = None

    def __str__(self) -> str:
        return self.type if self.subtype is None else f"{self.type} {self.subtype}"


class Codec(Struct, frozen=True):
    """One payload type (XEP-0167 §4, RFC 8866 §6.6).

    Attributes:
        id: Payload type number, 0 to 127.
        name: Encoding name, such as ``opus`` or ``VP8``.
        clock_rate: In Hz.
        channels: Of audio; 1 for video.
        parameters: Of ``a=fmtp:``.
        feedback: RTCP feedback for this payload type.
        ptime: Preferred length of a packet in milliseconds.
        max_ptime: Largest length of a packet in milliseconds.
    """

    id: int
    name: str
    clock_rate: int
    channels: int = 1
    parameters: tuple[Parameter, ...] = ()
    feedback: tuple[RtcpFeedback, ...] = ()
    ptime: int | None = None
    max_ptime: int | None = None

    @property
    def usable(self) -> bool:
        """Whether it can be told from RTCP on the same port (RFC 5761 §4); aiortc fails if not."""
        return self.id not in _LIKE_RTCP
