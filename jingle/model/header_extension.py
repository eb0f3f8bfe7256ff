"""RTP header extensions (RFC 8285, XEP-0294)."""

from msgspec import Struct

from .role import Senders


class HeaderExtension(Struct, frozen=True):
    """One extension of the RTP header.

    Attributes:
        id: 1 to 14 in one-byte headers, up to 255 in two-byte ones (RFC 8285 §4.2); numbers up to
            4351 stand for "to be chosen" in offers.
        uri: What the extension means.
        senders: Who sends it.
    """

    id: int
    uri: str
    senders: Senders = Senders.BOTH
