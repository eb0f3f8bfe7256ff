"""The size of a picture, read from its encoded frame without decoding it."""

from collections.abc import Iterator

from .frame import EncodedFrame

LARGEST = 16383
"""Pixels along a side: what VP8's fourteen bits can say. Larger is damage."""

_PARAMETERS = 7
"""The type of a NAL unit that is a sequence parameter set (ITU-T H.264 table 7-1)."""


def picture_size(frame: EncodedFrame) -> tuple[int, int] | None:
    """Return width and height in pixels.

    Args:
        frame: A key frame of VP8, or of H264 in Annex B with its parameter sets.

    Returns:
        The size, or None if the frame says none (no key frame, damaged, another codec).
    """
    try:
        match frame.codec.upper():
            case "VP8":
                found = _vp8(frame.data)
            case "H264":
                sets = (_sps(n) for n in nal_units(frame.data) if n[0] & 31 == _PARAMETERS)
                found = next((shown for _, shown in sets), None)
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
                sets = (_sps(unit) for unit in nal_units(data) if unit[0] & 31 == _PARAMETERS)
                return max((width * height for (width, height), _ in sets), default=0)
            case _:
                return 0
    except (IndexError, ValueError):
        return None


def nal_units(data: bytes) -> Iterator[bytes]:
    """Yield the NAL units of an Annex B frame (ITU-T H.264 B.1), without their start codes."""
    start = data.find(b"\0\0\1")
    while start >= 0:
        end = data.find(b"\0\0\1", start + 3)
        unit = data[start + 3 : end if end >= 0 else None].rstrip(b"\0")
        if unit:
            yield unit
        start = end


def _vp8(data: bytes) -> tuple[int, int] | None:
    """Read a VP8 frame header (RFC 6386 §9.1)."""
    if len(data) < 10 or data[0] & 1 or data[3:6] != b"\x9d\x01\x2a":
        return None
    return (
        int.from_bytes(data[6:8], "little") & 0x3FFF,
        int.from_bytes(data[8:10], "little") & 0x3FFF,
    )


class _Bits:
    """The bits of a NAL unit, read from the left (ITU-T H.264 §7.2)."""

    def __init__(self, data: bytes) -> None:
        payload = data.replace(b"\0\0\3", b"\0\0")
        self._value = int.from_bytes(payload)
        self._left = 8 * len(payload)

    def bits(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ValueError("the parameter set is cut off")
        return self._value >> self._left & ((1 << count) - 1)

    def ue(self) -> int:
        """Read an unsigned Exp-Golomb number (§9.1)."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > 31:
                raise ValueError("no Exp-Golomb number")
        return (1 << zeros) - 1 + self.bits(zeros)

    def se(self) -> int:
        """Read a signed Exp-Golomb number (§9.1.1)."""
        value = self.ue()
        return (value + 1) // 2 if value & 1 else -(value // 2)


def _sps(unit: bytes) -> tuple[tuple[int, int], tuple[int, int]]:
    """Read a sequence parameter set: the size that is decoded, and what is shown of it.

    ITU-T H.264 §7.3.2.1.1.
    """
    bits = _Bits(unit[1:256])
    profile = bits.bits(8)
    bits.bits(16)
    bits.ue()
    chroma, separate = 1, 0
    if profile in {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}:
        chroma, separate = _chroma(bits)
    bits.ue()
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.bits(1)
        bits.se()
        bits.se()
        for _ in range(min(bits.ue(), 255)):
            bits.se()
    bits.ue()
    bits.bits(1)
    width = 16 * (bits.ue() + 1)
    rows = bits.ue() + 1
    frames_only = bits.bits(1)
    height = 16 * rows * (2 - frames_only)
    if not frames_only:
        bits.bits(1)
    bits.bits(1)
    coded = width, height
    if bits.bits(1):
        left, right, top, bottom = (bits.ue() for _ in range(4))
        array = 0 if separate else chroma
        width -= (left + right) * (2 if array in {1, 2} else 1)
        height -= (top + bottom) * (2 if array == 1 else 1) * (2 - frames_only)
    return coded, (width, height)


def _chroma(bits: _Bits) -> tuple[int, int]:
    chroma = bits.ue()
    separate = bits.bits(1) if chroma == 3 else 0
    bits.ue()
    bits.ue()
    bits.bits(1)
    if bits.bits(1):
        for index in range(8 if chroma != 3 else 12):
            if bits.bits(1):
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma, separate


def _skip_scaling_list(bits: _Bits, length: int) -> None:
    """Skip a scaling list (§7.3.2.1.1.1)."""
    last = following = 8
    for _ in range(length):
        if following:
            following = (last + bits.se()) % 256
        last = following or last
