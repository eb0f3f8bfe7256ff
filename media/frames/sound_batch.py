"""Frames of sound that go together."""

from operator import sub
from typing import Literal

from .frame_batch import FrameBatch
from .opus_packet import are_one_frame

_EVEN = tuple(number / 50 for number in range(256))


class SoundBatch(FrameBatch):
    """Frames of sound, at each of which a decoder can start."""

    __slots__ = ()

    kind: Literal["audio"] = "audio"

    @property
    def is_even(self) -> bool:
        """Whether each frame is due 20 ms after the one before, and they are not very many."""
        step, first = self.clock_rate // 50, self.timestamps[0]
        return len(self) <= len(_EVEN) and self.timestamps == list(
            range(first, first + step * len(self), step)
        )

    @property
    def ends(self) -> tuple[int, int]:
        """The timestamps of the first and the last frame."""
        return self.timestamps[0], self.timestamps[-1]

    @property
    def begins(self) -> tuple[float, float]:
        """When the first frame came by the earliest, and by the latest, if they are even."""
        begins = list(map(sub, self.arrivals, _EVEN))
        return min(begins), max(begins)

    @property
    def are_one_frame(self) -> bool:
        """Whether each is an Opus packet of one frame of 20 ms (see `is_one_frame`)."""
        return are_one_frame(self.data)
