"""What an RTP packet of video holds: a fragment of an encoded frame."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

_START_CODE = b"\0\0\0\1"
_IDR, _SPS, _PPS = 5, 7, 8
_SLICES = range(1, 6)
"""Types of NAL units that hold a part of a picture (ITU-T H.264 table 7-1)."""
_STAP_A, _FU_A = 24, 28


_FIELDS = tuple(2 + (f >> 3) + (f >> 2 & 1) + (f & 3 > 0) for f in range(16))
"""Octets of a VP8 descriptor by its bits I, L, T and K; a long PictureID takes one more."""


class Fragment(NamedTuple):
    """A part of an encoded frame: what one packet holds, or several that follow each other.

    Attributes:
        data: What it adds to the frame; H264 in Annex B format.
        first: Whether a frame begins with it, whatever was lost before it.
        key: Whether it shows that its frame is one that a decoder can begin with.
        shown: Whether there is something of a picture in it, and not only parameters.
        sets: The parameter sets in it, H264 only.
    """

    data: bytes
    first: bool
    key: bool
    shown: bool = True
    sets: tuple[bytes, ...] = ()


def vp8(*payloads: bytes) -> Fragment:
    """Read payloads of VP8 that follow each other in one frame (RFC 7741 §4.2)."""
    parts: list[bytes] = []
    first = key = False
    try:
        for payload in payloads:
            flags = payload[0]
            start = 1
            if flags & 0x80:
                more = payload[1] >> 4
                start = _FIELDS[more]
                if more & 8 and payload[2] & 0x80:
                    start += 1
            if flags & 0x17 == 0x10:  # the start of partition 0
                first = first or not parts
                key = not payload[start] & 1 or key
            parts.append(payload[start:])
    except IndexError:
        raise ValueError("A VP8 payload is cut off.") from None
    return Fragment(b"".join(parts), first, key)


def h264(*payloads: bytes) -> Fragment:
    """Read payloads of H.264 that follow each other in one frame (RFC 6184 §5.6 to §5.8)."""
    parts = [_h264(payload) for payload in payloads]
    if len(parts) == 1:
        return parts[0]
    return Fragment(
        b"".join(part.data for part in parts),
        first=parts[0].first,
        key=any(part.key for part in parts),
        shown=any(part.shown for part in parts),
        sets=tuple(each for part in parts for each in part.sets),
    )


def _h264(payload: bytes) -> Fragment:
    """Read a NAL unit, a STAP-A or an FU-A."""
    if len(payload) < 2:
        raise ValueError("An H.264 payload is cut off.")
    kind = payload[0] & 31
    if kind == _FU_A:
        header = payload[1]
        if not header & 0x80:
            return Fragment(payload[2:], first=False, key=False)
        unit = bytes((payload[0] & 0xE0 | header & 31,)) + payload[2:]
        return Fragment(_START_CODE + unit, _is_first(unit), unit[0] & 31 == _IDR)
    if kind == _STAP_A:
        units = tuple(_aggregated(payload))
    elif 0 < kind < _STAP_A:
        units = (payload,)
    else:
        raise ValueError(f"H.264 payloads of type {kind} are not negotiated.")
    kinds = [unit[0] & 31 for unit in units]
    return Fragment(
        b"".join(_START_CODE + unit for unit in units),
        first=bool(units) and _is_first(units[0]),
        key=_IDR in kinds,
        shown=any(each in _SLICES for each in kinds),
        sets=tuple(unit for unit, each in zip(units, kinds, strict=True) if each in (_SPS, _PPS)),
    )


FORMATS: dict[str, Callable[..., Fragment]] = {"VP8": vp8, "H264": h264}
"""What reads payloads of a codec that follow each other; raises `ValueError` if it can't."""


def set_identity(unit: bytes) -> tuple[int, int]:
    """Give the type and the number of a parameter set (ITU-T H.264 §7.3.2.1.1, §7.3.2.2)."""
    kind = unit[0] & 31
    start = 4 if kind == _SPS else 1
    bits = int.from_bytes(unit[start : start + 4].ljust(4, b"\0"))
    zeros = 32 - bits.bit_length()  # an Exp-Golomb number (§9.1), 255 at the most
    return kind, (bits >> max(0, 31 - 2 * zeros)) - 1


def is_sequence_set(unit: bytes) -> bool:
    """Tell whether a parameter set is one of a sequence (SPS), which says the size."""
    return unit[0] & 31 == _SPS


def _aggregated(payload: bytes) -> Iterator[bytes]:
    at = 1
    while at < len(payload):
        size = int.from_bytes(payload[at : at + 2])
        at += 2
        if at + size > len(payload):
            raise ValueError("A STAP-A is cut off.")
        if size:
            yield payload[at : at + size]
        at += size


def _is_first(unit: bytes) -> bool:
    """Tell whether a picture begins with a NAL unit (ITU-T H.264 §7.4.1.2.3)."""
    if unit[0] & 31 in _SLICES:
        return len(unit) > 1 and unit[1] >= 0x80  # first_mb_in_slice is 0
    return True
