"""A video source: a picture with a moving clock that people and tests can read."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar

import av
import numpy as np
from numpy.typing import NDArray

from ..frames.frame import Kind
from .encoder import encode_video
from .rated_source import RatedSource
from .rendition_reader import USUAL
from .source import check_type
from .unit import Unit

Plane = NDArray[np.uint8]

BLACK, WHITE = 16, 235
# The row of blocks: a white and a black mark, 16 bits, their parity, and a white mark.
BITS = 16
BLOCKS = BITS + 4
ROW_HEIGHT = 8  # the row is 1/8 of the picture's height

# Which of the seven segments a digit has: top, upper left, upper right, middle, lower left,
# lower right, bottom.
_SEGMENTS = (
    "1110111",
    "0010010",
    "1011101",
    "1011011",
    "0111010",
    "1101011",
    "1101111",
    "1010010",
    "1111111",
    "1111011",
)


@dataclass(frozen=True)
class ClockPattern(RatedSource):
    """Colour bars, a moving hand, digits, and a row of blocks that a program can read.

    The clock counts from 0 to 60 seconds and starts again. It is shown three times: as digits
    (seconds and milliseconds), as a hand that turns once a second, and in the top eighth of the
    picture as a row of `BLOCKS` equal blocks, from left to right: white, black, the milliseconds as
    a 16-bit Gray code (highest bit first; white is 1), even parity, white. In a Gray code
    neighbouring numbers differ in one bit, so a picture that is blended from two still reads as one
    of them. `read_clock` reads it back.

    Attributes:
        width: Pixels, a multiple of 2, 160 to 4096.
        height: Pixels, a multiple of 2, 120 to 4096.
        fps: Pictures per second, 1 to 30.
    """

    width: int = 320
    height: int = 240
    fps: int = 15
    kinds: ClassVar[frozenset[Kind]] = frozenset({"video"})

    SECONDS: ClassVar[int] = 60

    def __post_init__(self) -> None:
        for name in ("width", "height", "fps"):
            check_type(name, getattr(self, name), int, "a whole number")
        fits = 160 <= self.width <= 4096 and 120 <= self.height <= 4096
        if not fits or self.width % 2 or self.height % 2:
            raise ValueError(
                f"A clock pattern of {self.width}x{self.height} can't be drawn: both must be even, "
                "and from 160x120 to 4096x4096."
            )
        if not 1 <= self.fps <= 30:
            raise ValueError(f"{self.fps} pictures a second are outside 1..30.")

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Encode one minute of the clock.

        Args:
            kind: "video".
            codec: The RTP encoding name.

        Returns:
            The encoded frames, the first of each second a key frame.
        """
        del kind
        return self.encode_at(USUAL, 0.0, codec)

    def encode_at(self, bit_rate: int | None, start: float, codec: str) -> Iterator[Unit]:
        """Encode the clock for a bit rate.

        Args:
            bit_rate: Bits a second.
            start: Where in its minute to begin, in seconds.
            codec: The RTP encoding name.

        Returns:
            The encoded frames, one each second a key frame.
        """
        pictures = self._pictures(int(start * self.fps + 0.01))
        rate = Fraction(self.fps)
        return encode_video(pictures, codec, fps=rate, bit_rate=bit_rate or USUAL)

    def _pictures(self, first: int = 0) -> Iterator[av.VideoFrame]:
        canvas = _Canvas(self.width, self.height)
        for index in range(first, self.SECONDS * self.fps):
            frame = av.VideoFrame.from_ndarray(canvas.draw(index / self.fps), format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, self.fps)
            yield frame


class _Canvas:
    """Draws the pictures; the background is drawn once."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._row = height // ROW_HEIGHT
        self._background = self._bars()
        radius = min(width // 4, (height - self._row) // 2) * 0.8
        self._radius = np.arange(radius * 0.1, radius, 0.5)
        self._centre = (self._row + (height - self._row) // 2, width // 4)

    def draw(self, seconds: float) -> Plane:
        """Draw one picture as the planes of yuv420p, stacked as av wants them."""
        picture = self._background.copy()
        self._blocks(picture, round(seconds * 1000))
        self._hand(picture, seconds)
        self._digits(picture, f"{round(seconds * 1000):05d}")
        return picture

    def _bars(self) -> Plane:
        planes = np.empty((self.height * 3 // 2, self.width), np.uint8)
        chroma = planes[self.height :].reshape(2, -1, self.width // 2)
        luma = np.linspace(60, 130, self.width).astype(np.uint8)
        planes[: self.height] = luma
        bars = np.arange(self.width // 2) * 8 // (self.width // 2)
        chroma[0] = (128 + 40 * np.cos(bars * np.pi / 4)).astype(np.uint8)
        chroma[1] = (128 + 40 * np.sin(bars * np.pi / 4)).astype(np.uint8)
        chroma[:, : self._row // 2] = 128
        return planes

    def _blocks(self, picture: Plane, milliseconds: int) -> None:
        code = milliseconds ^ (milliseconds >> 1)
        bits = [code >> (BITS - 1 - i) & 1 for i in range(BITS)]
        for i, bit in enumerate([1, 0, *bits, sum(bits) & 1, 1]):
            left, right = i * self.width // BLOCKS, (i + 1) * self.width // BLOCKS
            picture[: self._row, left:right] = WHITE if bit else BLACK

    def _hand(self, picture: Plane, seconds: float) -> None:
        angle = 2 * np.pi * (seconds % 1)
        y = (self._centre[0] - self._radius * np.cos(angle)).astype(int)
        x = (self._centre[1] + self._radius * np.sin(angle)).astype(int)
        for dy in (0, 1, 2):
            for dx in (0, 1, 2):
                picture[y + dy, x + dx] = WHITE

    def _digits(self, picture: Plane, text: str) -> None:
        # Five digits, and a point between seconds and milliseconds, in the right half.
        size = self.width // 2 // (len(text) + 1)
        high = 2 * size * 3 // 4
        thick = max(2, size // 6)
        top = self._centre[0] - high // 2
        for i, digit in enumerate(text):
            left = self.width // 2 + i * size + (thick * 2 if i > 1 else 0)
            self._digit(picture, int(digit), (top, left, high, size * 3 // 4, thick))
        point = self.width // 2 + 2 * size - thick // 2
        picture[top + high - thick : top + high, point : point + thick] = WHITE

    @staticmethod
    def _digit(picture: Plane, digit: int, box: tuple[int, int, int, int, int]) -> None:
        top, left, high, wide, thick = box
        bottom, right, middle = top + high, left + wide, top + high // 2
        areas = (
            (top, top + thick, left, right),
            (top, middle, left, left + thick),
            (top, middle, right - thick, right),
            (middle - thick // 2, middle + thick - thick // 2, left, right),
            (middle, bottom, left, left + thick),
            (middle, bottom, right - thick, right),
            (bottom - thick, bottom, left, right),
        )
        for on, (y0, y1, x0, x1) in zip(_SEGMENTS[digit], areas, strict=True):
            if on == "1":
                picture[y0:y1, x0:x1] = WHITE


def read_clock(luma: Plane) -> float | None:
    """Read the clock of a `ClockPattern`, also after encoding and scaling.

    Args:
        luma: The Y plane of a decoded picture, shape (height, width), 0 to 255.

    Returns:
        Seconds from 0 to 60; None if the picture shows no (undamaged) clock pattern.
    """
    height, width = luma.shape
    row = luma[height // ROW_HEIGHT // 4 : max(1, height // ROW_HEIGHT * 3 // 4)]
    edges = [i * width // BLOCKS for i in range(BLOCKS + 1)]
    levels = []
    for left, right in pairwise(edges):
        margin = (right - left) // 4
        block = row[:, left + margin : right - margin]
        if not block.size:
            return None
        levels.append(float(block.mean()))
    light, dark = min(levels[0], levels[-1]), levels[1]
    if light - dark < (WHITE - BLACK) / 4:
        return None
    bits = [level > (light + dark) / 2 for level in levels[2:]]
    if sum(bits[: BITS + 1]) & 1:
        return None
    milliseconds = 0
    for bit in bits[:BITS]:
        milliseconds = milliseconds << 1 | (bit ^ (milliseconds & 1))
    return milliseconds / 1000 if milliseconds < ClockPattern.SECONDS * 1000 else None
