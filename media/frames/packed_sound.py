"""Frames of sound that go together, as C has left them."""

import struct
from collections.abc import Callable, Sequence
from typing import Any

from ..compiled.part import ffi, lib
from .sound_batch import SoundBatch

_pack = struct.Struct("=dIII4?").pack  # `struct flow_record` of `sound.h`

_SOUND = struct.Struct("=ddiiII4?")  # `struct sound`

_COLUMNS = frozenset(("arrivals", "data", "timestamps"))

Unwrap = Callable[[list[int]], list[int]]
"""Unwraps RTP timestamps that follow one another, as `Unwrapper.map_all`."""


class PackedSound(SoundBatch):
    """Sound in records, which stays in them unless somebody asks for its frames.

    What is to be known of it before it is written, C finds in one go. There is none where there is
    no compiled part.

    Attributes:
        records: Of each frame a record, and behind it the payload.
    """

    __slots__ = (
        "_count",
        "are_one_frame",
        "begins",
        "ends",
        "is_even",
        "is_in_order",
        "is_whole",
        "octets",
        "records",
    )

    are_one_frame: bool
    begins: tuple[float, float]
    ends: tuple[int, int]
    is_even: bool
    is_in_order: bool
    is_whole: bool
    octets: int

    def __init__(self, codec: str, clock_rate: int, records: bytes, unwrap: Unwrap) -> None:
        """Take records of one frame at least.

        Args:
            codec: The RTP encoding name of all.
            clock_rate: Ticks per second of all, in Hz.
            records: See above.
            unwrap: Called once with their timestamps, or with those of the first and the last.
        """
        self.codec = codec
        self.clock_rate = clock_rate
        self.keyframes = None
        self.records = records
        found = ffi.new("struct sound *")
        lib.sound_sum_up(records, len(records), clock_rate // 50, found)
        (
            earliest,
            latest,
            self._count,
            self.octets,
            first,
            last,
            self.is_even,
            self.is_in_order,
            self.is_whole,
            self.are_one_frame,
        ) = _SOUND.unpack_from(ffi.buffer(found))
        self.begins = earliest, latest
        if self.is_even:
            # None of the steps between them is one that unwrapping might take for another.
            places = unwrap([first, last] if self._count > 1 else [first])
            self.ends = places[0], places[-1]
        else:
            self.timestamps = unwrap(self._parted()[1])
            self.ends = self.timestamps[0], self.timestamps[-1]

    def __len__(self) -> int:
        """Count them."""
        return int(self._count)

    def __getattr__(self, name: str) -> Any:
        """Make the columns, when one of them is asked for."""
        if name not in _COLUMNS:
            raise AttributeError(name)
        data, _, arrivals = self._parted()
        self.data, self.arrivals = data, arrivals
        if self.is_even:
            (first, last), step = self.ends, self.clock_rate // 50
            self.timestamps = list(range(first, last + 1, step))
        return getattr(self, name)

    def _parted(self) -> tuple[list[bytes], list[int], list[float]]:
        """Read the payloads, raw timestamps and arrivals."""
        return parted(self.records, self._count)


def parted(records: bytes, count: int) -> tuple[list[bytes], list[int], list[float]]:
    """Read records.

    Args:
        records: Of each frame a record, and behind it the payload.
        count: How many they are.

    Returns:
        Of each its payload, its RTP timestamp, and when it came.
    """
    new, unpack = ffi.new, ffi.unpack
    arrivals, timestamps = new("double[]", count), new("uint32_t[]", count)
    begins, ends = new("int[]", count), new("int[]", count)
    lib.sound_part(records, len(records), count, arrivals, timestamps, begins, ends)
    places = zip(unpack(begins, count), unpack(ends, count), strict=True)
    data = [records[begin:end] for begin, end in places]
    return data, unpack(timestamps, count), unpack(arrivals, count)


def packed(packets: Sequence[bytes]) -> bytes:
    """Write packets in records that say nothing else of them.

    Args:
        packets: The payloads.
    """
    return b"".join(_pack(0.0, 0, len(one), 1, False, True, False, False) + one for one in packets)
