"""A source of a tone."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import isfinite
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
_EDGE = RATE // 200
"""Samples in which a tone with an end rises and falls, so that it does not click."""

SHORTEST, LONGEST = 0.02, 3600.0
"""Seconds that a tone with an end may last."""


@dataclass(frozen=True)
class Tone(Source):
    """A sine wave, without an end or with one.

    Attributes:
        frequency: In Hz; a whole number from 20 to 3400, so that it passes G.711 and makes a loop.
        level: Peak, 0 to 1 of full scale.
        seconds: How long it lasts, 0.02 to 3600; None: for ever.
    """

    frequency: int = 440
    level: float = 0.3
    seconds: float | None = None
    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio"})

    LOOP_SECONDS: ClassVar[int] = 5

    def __post_init__(self) -> None:
        check_type("frequency", self.frequency, int, "a whole number of hertz, like 440")
        check_type("level", self.level, Real, "a number from 0 to 1")
        if not 20 <= self.frequency <= 3400:
            raise ValueError(f"A tone of {self.frequency} Hz is outside 20..3400 Hz.")
        if not 0 <= self.level <= 1:
            raise ValueError(f"A level of {self.level} is outside 0..1.")
        if self.seconds is not None:
            check_type("seconds", self.seconds, Real, "a number of seconds, or None")
            if not (isfinite(self.seconds) and SHORTEST <= self.seconds <= LONGEST):
                raise ValueError(
                    f"A tone of {self.seconds} s is outside {SHORTEST}..{LONGEST:g} s."
                )
            object.__setattr__(self, "repeats", False)

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Encode all of it, or a loop of whole periods if it has no end.

        Args:
            kind: "audio".
            codec: The RTP encoding name.

        Returns:
            Its encoded frames, or five seconds of them for a loop. The second before those is
            dropped, so that the encoder is in the same state at both ends of the loop and the seam
            can't be heard.
        """
        del kind
        if self.seconds is not None:
            return encode_audio(self._samples(round(self.seconds * RATE), edge=_EDGE), codec)
        units = encode_audio(self._samples((1 + self.LOOP_SECONDS) * RATE + _BLOCK), codec)
        return islice(units, 50, 50 * (1 + self.LOOP_SECONDS))

    def _samples(self, count: int, *, edge: int = 0) -> Iterator[av.AudioFrame]:
        for start in range(0, count, _BLOCK):
            at = np.arange(start, min(start + _BLOCK, count))
            wave = np.sin(at * (2 * np.pi * self.frequency / RATE)) * self.level * 32767
            if edge:
                wave *= np.minimum(1, np.minimum(at, count - at) / edge)
            wave = wave.astype(np.int16)
            frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate = RATE
            frame.time_base = Fraction(1, RATE)
            frame.pts = start
            yield frame
