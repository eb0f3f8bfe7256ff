"""A source of silence and of black pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import av
import numpy as np

from ..frames.frame import Kind
from .encoder import encode_audio, encode_video
from .source import Source, check_type
from .unit import Unit


@dataclass(frozen=True)
class Silence(Source):
    """Silence, and a black picture each second.

    Better than sending nothing: the peer sees that the stream lives, and recordings go on.

    Attributes:
        width: Of the black picture, in pixels; even.
        height: Of the black picture, in pixels; even.
    """

    width: int = 320
    height: int = 240
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio", "video"})

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            check_type(name, value, int, "a whole number of pixels")
            if value % 2 or not 2 <= value <= 4096:
                raise ValueError(f"{name} is {value}: give an even number from 2 to 4096")

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Encode a short loop.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Returns:
            One second of silence, or one black key frame that stands for a second.
        """
        if kind == "video":
            return encode_video([self._black()], codec, fps=Fraction(1))
        return encode_audio([self._quiet()], codec)

    def _black(self) -> av.VideoFrame:
        planes = np.full((self.height * 3 // 2, self.width), 128, np.uint8)
        planes[: self.height] = 16
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = 0, Fraction(1)
        return frame

    @staticmethod
    def _quiet() -> av.AudioFrame:
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 48000), np.int16), format="s16", layout="mono"
        )
        frame.sample_rate = 48000
        frame.pts, frame.time_base = 0, Fraction(1, 48000)
        return frame
