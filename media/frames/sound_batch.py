"""Frames of sound that go together."""

from typing import Literal

from .frame_batch import FrameBatch


class SoundBatch(FrameBatch):
    """Frames of sound, at each of which a decoder can start."""

    __slots__ = ()

    kind: Literal["audio"] = "audio"

    @property
    def is_even(self) -> bool:
        """Whether each frame is due 20 ms after the one before."""
        step, first = self.clock_rate // 50, self.timestamps[0]
        return self.timestamps == list(range(first, first + step * len(self), step))
