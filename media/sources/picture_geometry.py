"""How to show a decoded picture: its size, its rotation, and whether it is mirrored."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

LONG, SHORT = 1280, 720
"""Pixels of the longer and the shorter side, at most."""

LEAST = 16
"""Pixels of each side, at least: decoders work in blocks of this size."""

ODDEST = 8
"""The most that a pixel may be wider than high, or higher than wide; beyond it is damage."""


@dataclass(frozen=True, slots=True)
class PictureGeometry:
    """What makes a decoded picture the one that is shown.

    Attributes:
        size: Width and height before it is turned, in pixels; even.
        swapped: Whether rows become columns.
        mirrored: Whether left and right are swapped, after that.
        inverted: Whether top and bottom are swapped, after that.
    """

    size: tuple[int, int]
    swapped: bool = False
    mirrored: bool = False
    inverted: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame, pixel: Fraction | None = None) -> "PictureGeometry":
        """Learn it from a picture.

        Args:
            frame: The picture, with its display matrix if the file has one.
            pixel: How wide a pixel is, its height being 1; None if the file does not say.
        """
        if pixel is None or not Fraction(1, ODDEST) <= pixel <= ODDEST:
            pixel = Fraction(1)
        width, height = float(frame.width * pixel), float(frame.height)
        scale = min(1.0, LONG / max(width, height), SHORT / min(width, height))
        size = (_even(width * scale), _even(height * scale))
        side_data: Any = frame.side_data  # av's stubs know no key but a str
        matrix = side_data.get(Type.DISPLAYMATRIX)
        if matrix is None:
            return cls(size)
        return cls(size, *_turns(np.frombuffer(bytes(matrix), np.int32)))

    def show(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the picture as it is to be shown, as yuv420p.

        Args:
            frame: A picture as it was decoded.
        """
        width, height = self.size
        scaled = frame.reformat(width=width, height=height, format="yuv420p")
        if not (self.swapped or self.mirrored or self.inverted):
            return scaled
        planes = scaled.to_ndarray().astype(np.uint8, copy=False)
        luma = self._turn(planes[:height])
        chroma = planes[height:].reshape(2, height // 2, width // 2)
        turned = np.concatenate([luma.ravel(), *(self._turn(each).ravel() for each in chroma)])
        shown = av.VideoFrame.from_ndarray(turned.reshape(-1, luma.shape[1]), format="yuv420p")
        shown.pts, shown.time_base = frame.pts, frame.time_base
        return shown

    def _turn(self, plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
        plane = plane.T if self.swapped else plane
        return plane[:: -1 if self.inverted else 1, :: -1 if self.mirrored else 1]


def _turns(matrix: NDArray[np.int32]) -> tuple[bool, bool, bool]:
    """Read a display matrix (ISO/IEC 14496-12 §6.2.2): x' = ax + cy, y' = bx + dy.

    What is no multiple of a quarter turn is shown as the nearest one.
    """
    if len(matrix) != 9:
        return False, False, False
    a, b, _, c, d = (int(each) for each in matrix[:5])
    if abs(b) + abs(c) > abs(a) + abs(d):
        return True, c < 0, b < 0
    return False, a < 0, d < 0


def _even(pixels: float) -> int:
    return max(LEAST, int(pixels) & ~1)
