"""The size of a picture, read from its encoded frame without decoding it."""

from collections.abc import Iterator

from .frame import EncodedFrame
from .h264 import SEQUENCE_PARAMETERS, SequenceParameters, nal_units, sequence_parameters

LARGEST = 16383
"""Pixels along a side: what VP8's fourteen bits can say. Larger is damage."""


def picture_size(frame: EncodedFrame) -> tuple[int, int] | None:
    """Return width and height in pixels.

    Args:
        frame: A key frame of VP8, or of H264 in Annex B with its parameter sets.

    Returns:
        The size, or None if the frame says none (no key frame, damaged, another codec).
    """
    return picture_size_of(frame.codec, frame.data)


def picture_size_of(codec: str, data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels.

    Args:
        codec: The RTP encoding name.
        data: As of `picture_size`.

    Returns:
        As `picture_size` does.
    """
    try:
        match codec.upper():
            case "VP8":
                found = _vp8(data)
            case "H264":
                found = next((each.shown for each in _sequences(data)), None)
            case _:
                return None
    except (IndexError, ValueError):
        return None
    if found is None or not all(0 < side <= LARGEST for side in found):
        return None
    return found


def pixels_to_decode(codec: str, data: bytes) -> int | None:
    """Return how many pixels a decoder makes room for, before anything of a picture is decoded.

    Args:
        codec: The RTP encoding name.
        data: One whole encoded frame; H264 in Annex B format.

    Returns:
        The most that the frame asks for, 0 if it says nothing of a size, None if it can't be read.
    """
    try:
        match codec.upper():
            case "VP8":
                if not data or data[0] & 1:
                    return 0
                size = _vp8(data)
                return None if size is None else size[0] * size[1]
            case "H264":
                coded = (each.coded for each in _sequences(data))
                return max((width * height for width, height in coded), default=0)
            case _:
                return 0
    except (IndexError, ValueError):
        return None


def _sequences(data: bytes) -> Iterator[SequenceParameters]:
    units = (unit for unit in nal_units(data) if unit[0] & 31 == SEQUENCE_PARAMETERS)
    return map(sequence_parameters, units)


def _vp8(data: bytes) -> tuple[int, int] | None:
    """Read a VP8 frame header (RFC 6386 §9.1)."""
    if len(data) < 10 or data[0] & 1 or data[3:6] != b"\x9d\x01\x2a":
        return None
    return (
        int.from_bytes(data[6:8], "little") & 0x3FFF,
        int.from_bytes(data[8:10], "little") & 0x3FFF,
    )
