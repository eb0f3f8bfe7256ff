"""H.264 as it is written (ITU-T H.264): NAL units, and what parameter sets say."""

from collections.abc import Iterator

from msgspec import Struct

SEQUENCE_PARAMETERS = 7
"""The type of a NAL unit that is a sequence parameter set (table 7-1)."""


def nal_places(data: bytes) -> Iterator[slice]:
    """Yield where the NAL units of an Annex B frame are (ITU-T H.264 B.1), past their start codes.

    Args:
        data: The frame.
    """
    start = data.find(b"\0\0\1")
    while start >= 0:
        start += 3
        following = data.find(b"\0\0\1", start)
        size = len(data[start : following if following >= 0 else None].rstrip(b"\0"))
        if size:
            yield slice(start, start + size)
        start = following


def nal_units(data: bytes) -> Iterator[bytes]:
    """Return the NAL units of an Annex B frame, without their start codes."""
    return map(data.__getitem__, nal_places(data))


class Bits:
    """The bits of a NAL unit, read from the left (ITU-T H.264 §7.2)."""

    def __init__(self, data: bytes) -> None:
        payload = data.replace(b"\0\0\3", b"\0\0")
        self._value = int.from_bytes(payload)
        self._left = 8 * len(payload)

    def bits(self, count: int) -> int:
        """Read a number of so many bits.

        Raises:
            ValueError: There are not so many left.
        """
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


class SequenceParameters(Struct, frozen=True):
    """What a sequence parameter set says (ITU-T H.264 §7.4.2.1.1).

    Attributes:
        profile: profile_idc, such as 66 for the baseline.
        level: level_idc, ten times the level.
        coded: Width and height of what is decoded, in pixels.
        shown: Width and height of what is shown of it.
        frames_only: Whether no picture is interlaced.
    """

    profile: int
    level: int
    coded: tuple[int, int]
    shown: tuple[int, int]
    frames_only: bool


def sequence_parameters(unit: bytes) -> SequenceParameters:
    """Read a sequence parameter set (§7.3.2.1.1).

    Args:
        unit: The NAL unit.

    Raises:
        ValueError: It is cut off or damaged.
    """
    bits = Bits(unit[1:256])
    profile = bits.bits(8)
    bits.bits(8)
    level = bits.bits(8)
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
    return SequenceParameters(profile, level, coded, (width, height), bool(frames_only))


def _chroma(bits: Bits) -> tuple[int, int]:
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


def _skip_scaling_list(bits: Bits, length: int) -> None:
    """Skip a scaling list (§7.3.2.1.1.1)."""
    last = following = 8
    for _ in range(length):
        if following:
            following = (last + bits.se()) % 256
        last = following or last
