"""A source of a steady tone."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from numbers import Real
from typing import ClassVar

import av
import numpy as np

from ..frames.frame import Kind
from .encoder import encode_audio
from .source import Source, check_type
from .unit import Unit

RATE = 48000
_BLOCK = RATE // 50


@dataclass(frozen=True)
class Tone(Source):
    """An endless sine wave.

    Attributes:
        frequency: In Hz; a whole number from 20 to 3400, so that it passes G.711 and makes a loop.
        level: Peak, 0 to 1 of full scale.
    """

    frequency: int = 440
    level: float = 0.3
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    LOOP_SECONDS: ClassVar[int] = 5

    def __post_init__(self) -> None:
        check_type("frequency", self.frequency, int, "a whole number of hertz, like 440")
        check_type("level", self.level, Real, "a number from 0 to 1")
        if not 20 <= self.frequency <= 3400:
            raise ValueError(f"A tone of {self.frequency} Hz is outside 20..3400 Hz.")
        if not 0 <= self.level <= 1:
            raise ValueError(f"A level of {self.level} is outside 0..1.")

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Encode a loop of whole periods.

        Args:
            kind: "audio".
            codec: The RTP encoding name.

        Returns:
            Five seconds of encoded frames. The second before them is dropped, so that the encoder
            is in the same state at both ends of the loop and the seam can't be heard.
        """
        del kind
        units = encode_audio(self._samples(1 + self.LOOP_SECONDS), codec)
        return islice(units, 50, 50 * (1 + self.LOOP_SECONDS))

    def _samples(self, seconds: int) -> Iterator[av.AudioFrame]:
        for start in range(0, seconds * RATE + _BLOCK, _BLOCK):
            phase = np.arange(start, start + _BLOCK) * (2 * np.pi * self.frequency / RATE)
            wave = (np.sin(phase) * self.level * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate = RATE
            frame.time_base = Fraction(1, RATE)
            frame.pts = start
            yield frame
