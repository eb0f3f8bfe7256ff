"""Encoded frames of video, cut into what RTP packets carry."""

from collections.abc import Callable, Iterator

from .h264 import nal_places

Piece = tuple[bytes, memoryview]
"""A part of a frame, after the octets that stand before it in its packet's payload."""

_DATAGRAM = 1280 - 40 - 8
"""Octets of UDP that pass wherever IPv6 does (RFC 8200 §5)."""

_AROUND = 4 + 16 + 12 + 28 + 2
"""The most octets that come around a payload.

They are TURN's ChannelData (RFC 8656 §12.4), SRTP's tag (RFC 7714 §5.2), RTP's header, its
extension with a mid of 16 octets and the time of sending (RFC 8285), and the number of a packet
that is sent again (RFC 4588 §4).
"""

LARGEST = _DATAGRAM - _AROUND
"""Octets of a payload, with what the payload format of the codec adds."""

DESCRIPTOR = 6
"""Octets of a VP8 payload descriptor as we write it (RFC 7741 §4.2)."""

_NAL_TYPE, _NRI, _FORBIDDEN = 0x1F, 0x60, 0x80
_STAP_A, _FU_A = 24, 28
_START, _END = 0x80, 0x40


def cut(codec: str, data: bytes) -> tuple[Piece, ...]:
    """Cut a frame into pieces of one size, so that the kernel can send them as one segmented burst.

    Only the last one may be smaller, and H.264 may have small NAL units before a large one.

    Args:
        codec: The RTP encoding name.
        data: The whole frame; H264 in Annex B format.

    Returns:
        A piece for each packet, in order; none if there is nothing in the frame. A VP8 descriptor
        still has to go before each piece of VP8, as it differs from leg to leg.
    """
    return tuple(_CUTTERS[codec](data))


def _vp8(frame: bytes) -> Iterator[Piece]:
    for part in _parts(memoryview(frame), LARGEST - DESCRIPTOR):
        yield b"", part


def _h264(frame: bytes) -> Iterator[Piece]:
    """Cut for packetization-mode 1 (RFC 6184 §6.3), the only mode that is negotiated."""
    small: list[memoryview] = []
    size = 1
    for unit in map(memoryview(frame).__getitem__, nal_places(frame)):
        if small and size + 2 + len(unit) > LARGEST:
            yield _aggregated(small)
            small, size = [], 1
        if len(unit) > LARGEST:
            yield from _fragments(unit)
        else:
            small.append(unit)
            size += 2 + len(unit)
    if small:
        yield _aggregated(small)


_CUTTERS: dict[str, Callable[[bytes], Iterator[Piece]]] = {"VP8": _vp8, "H264": _h264}


def _parts(whole: memoryview, room: int) -> Iterator[memoryview]:
    count = -(-len(whole) // room)
    if count:
        size = -(-len(whole) // count)
        for at in range(0, len(whole), size):
            yield whole[at : at + size]


def _aggregated(units: list[memoryview]) -> Piece:
    """Put NAL units into one packet (STAP-A, RFC 6184 §5.7.1), unless there is only one."""
    if len(units) == 1:
        return b"", units[0]
    heads = [unit[0] for unit in units]
    head = _STAP_A | max(each & _NRI for each in heads) | max(each & _FORBIDDEN for each in heads)
    body = b"".join(part for unit in units for part in (len(unit).to_bytes(2), unit))
    return bytes((head,)), memoryview(body)


def _fragments(unit: memoryview) -> Iterator[Piece]:
    """Divide a NAL unit among packets (FU-A, RFC 6184 §5.8)."""
    indicator = unit[0] & (_NRI | _FORBIDDEN) | _FU_A
    parts = list(_parts(unit[1:], LARGEST - 2))
    for number, part in enumerate(parts):
        mark = _START if number == 0 else _END if number == len(parts) - 1 else 0
        yield bytes((indicator, unit[0] & _NAL_TYPE | mark)), part
