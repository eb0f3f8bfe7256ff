"""What a datagram on a call's socket may be, judged by its shape alone (RFC 7983 §7).

Anyone who knows the address of a socket can send to it. Only what can be seen without a key is
checked here: sizes, lengths that must add up, and version bits.
"""

import struct
from collections.abc import Iterator
from enum import Enum

LONGEST = 1500
"""Octets: an Ethernet frame. libsrtp's Python binding has no room for more."""

TAG, LONGEST_TAG = 10, 16
"""Octets of the authentication tags that are negotiated (RFC 5764 §4.1.2, RFC 7714 §14.2)."""

SHORTEST_RTP = 12 + TAG
_SHORTEST_RTCP = 8 + 4 + TAG  # RFC 3711 §3.4: the first header, the index, the tag
_SHORTEST_CIPHERTEXT = 18  # RFC 9147 §4: two octets of header, and 16 to be sampled

_STUN = struct.Struct("!HHI")
_ATTRIBUTE = struct.Struct("!HH")
_MAGIC_COOKIE = 0x2112A442
_ATTRIBUTE_LENGTHS = {
    0x0001: (8, 20),  # MAPPED-ADDRESS
    0x0003: (4,),  # CHANGE-REQUEST
    0x0008: (20,),  # MESSAGE-INTEGRITY
    0x000C: (4,),  # CHANNEL-NUMBER
    0x000D: (4,),  # LIFETIME
    0x0012: (8, 20),  # XOR-PEER-ADDRESS
    0x0016: (8, 20),  # XOR-RELAYED-ADDRESS
    0x0019: (4,),  # REQUESTED-TRANSPORT
    0x0020: (8, 20),  # XOR-MAPPED-ADDRESS
    0x0024: (4,),  # PRIORITY
    0x0025: (0,),  # USE-CANDIDATE
    0x8028: (4,),  # FINGERPRINT
    0x8029: (8,),  # ICE-CONTROLLED
    0x802A: (8,),  # ICE-CONTROLLING
}
"""Of the attributes whose length is fixed (RFC 8489 §14, RFC 8656 §18, RFC 8445 §16.1)."""


class Shape(Enum):
    """What shares a socket (RFC 7983 §7, RFC 5761 §4)."""

    STUN = "STUN"
    DTLS = "DTLS"
    SRTP = "SRTP"
    SRTCP = "SRTCP"


_SRTP, _SRTCP = Shape.SRTP, Shape.SRTCP  # to look a member up costs as much as all that is checked


def shape(data: bytes) -> Shape | None:
    """Tell what a datagram is.

    Args:
        data: The whole datagram.

    Returns:
        Its kind, or None if it is of no kind, too long, cut off, or its lengths do not add up.
    """
    length = len(data)
    if not 0 < length <= LONGEST:
        return None
    first = data[0]
    if first > 127:
        if first > 191 or length < SHORTEST_RTP:
            return None
        if 191 < data[1] < 224:
            return _SRTCP if _is_srtcp(data) else None
        needed = SHORTEST_RTP + 4 * (first & 0x0F)
        if first & 0x10:
            needed += 4
            if length < needed:
                return None
            needed += 4 * (data[needed - 12] << 8 | data[needed - 11])
        return _SRTP if length >= needed else None
    if first < 4:
        return Shape.STUN if _is_stun(data) else None
    if 19 < first < 64:
        return Shape.DTLS if _is_dtls(data) else None
    return None


def is_from_turn_server(data: bytes) -> bool:
    """Tell whether a message of a TURN server is one: ChannelData or STUN (RFC 8656 §12.4).

    Args:
        data: The datagram, or the message cut out of the stream.

    Returns:
        Whether its lengths add up. Padding of ChannelData, up to three octets, is allowed.
    """
    if len(data) < 4:
        return False
    if 0x40 <= data[0] < 0x50:
        return 0 <= len(data) - 4 - int.from_bytes(data[2:4]) < 4
    return data[0] < 4 and _is_stun(data)


def records(data: bytes) -> Iterator[bytes]:
    """Yield the records of a DTLS datagram (RFC 6347 §4.1).

    One that is encrypted as in DTLS 1.3 goes to the end of the datagram (RFC 9147 §4).

    Args:
        data: A datagram whose shape is `Shape.DTLS`.
    """
    at = 0
    while at < len(data):
        end = at + 13 + int.from_bytes(data[at + 11 : at + 13]) if data[at] < 32 else len(data)
        yield data[at:end]
        at = end


def _is_srtcp(data: bytes) -> bool:
    # Types above 208 are not assigned, and aiortc takes them for RTP.
    if len(data) < _SHORTEST_RTCP or data[1] > 208:
        return False
    return 4 * (int.from_bytes(data[2:4]) + 1) <= len(data) - 4 - TAG


def _is_dtls(data: bytes) -> bool:
    at, length = 0, len(data)
    while at < length:
        if data[at] >= 32:
            return data[at] < 64 and length - at >= _SHORTEST_CIPHERTEXT
        if not 20 <= data[at] <= 26 or length < at + 14 or data[at + 1] != 0xFE:
            return False
        size = data[at + 11] << 8 | data[at + 12]
        if not size:
            return False
        at += 13 + size
    return at == length


def _is_stun(data: bytes) -> bool:
    length = len(data)
    if length < 20:
        return False
    _, size, cookie = _STUN.unpack_from(data)
    if size != length - 20 or size % 4 or cookie != _MAGIC_COOKIE:
        return False
    at = 20
    while at < length:
        kind, size = _ATTRIBUTE.unpack_from(data, at)
        if kind in _ATTRIBUTE_LENGTHS and size not in _ATTRIBUTE_LENGTHS[kind]:
            return False
        at += 4 + size + -size % 4
    return at == length
