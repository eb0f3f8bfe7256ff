"""What live pictures have in common: checked, encoded one ahead, with key frames when asked for."""

from fractions import Fraction

import av
import numpy as np

from ..codecs.picture import BIT_RATE, PictureEncoder
from ..errors import SourceError
from ..frames.codec import CLOCK_RATES
from .source import check_type
from .unit import Unit

LARGEST = 4096
"""Pixels of the longest side that is encoded."""


def check_size(width: int, height: int) -> None:
    """Check the size of pictures.

    Args:
        width: In pixels.
        height: In pixels.

    Raises:
        TypeError: One is no whole number.
        ValueError: One is odd, or out of range.
    """
    for name, value in (("width", width), ("height", height)):
        check_type(name, value, int, "a whole number of pixels")
    if width % 2 or height % 2 or not (16 <= width <= LARGEST and 16 <= height <= LARGEST):
        raise ValueError(
            f"A picture of {width}x{height} can't be sent: both must be even, and from 16 to "
            f"{LARGEST}."
        )


def check_fps(fps: int) -> None:
    """Check how many pictures a second there are.

    Raises:
        TypeError: It is no whole number.
        ValueError: It is outside 1 to 60.
    """
    check_type("fps", fps, int, "a whole number of pictures a second, like 25")
    if not 1 <= fps <= 60:
        raise ValueError(f"{fps} pictures a second are outside 1..60.")


def as_picture(value: object) -> av.VideoFrame:
    """Take a picture that a program gives.

    Args:
        value: A uint8 array of shape (height, width, 3), red, green and blue; or an
            `av.VideoFrame` of any format.

    Raises:
        TypeError: It is no picture.
        ValueError: Its size can't be sent.
    """
    if isinstance(value, av.VideoFrame):
        check_size(value.width, value.height)
        return value
    if not isinstance(value, np.ndarray):
        raise TypeError(
            f"{type(value).__name__} is no picture: give a uint8 array of shape (height, width, 3)"
        )
    if value.dtype != np.uint8 or value.ndim != 3 or value.shape[2] != 3:
        raise TypeError(
            f"an array of {value.dtype} and shape {value.shape} is no picture: give uint8 of shape "
            "(height, width, 3)"
        )
    check_size(value.shape[1], value.shape[0])
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(value), format="rgb24")


class LivePictures:
    """The encoder's side of one leg, and what it has been asked for since its last picture.

    Attributes:
        bit_rate: Bits a second that the leg may use.
        failure: Why no more pictures come; None otherwise.
    """

    def __init__(self, codec: str, fps: int) -> None:
        self.bit_rate = BIT_RATE
        self.failure: str | None = None
        self._duration = CLOCK_RATES[codec] // fps
        self._encoder = PictureEncoder(codec, fps=Fraction(fps))
        self._wants_keyframe = False

    def want_keyframe(self) -> None:
        """Let the next picture be one from which a decoder can start."""
        self._wants_keyframe = True

    def encode(self, picture: av.VideoFrame) -> Unit | None:
        """Encode a picture. Blocking; one at a time.

        Returns:
            The frame; None if it was left out to keep to the bit rate.

        Raises:
            SourceError: It can't be encoded.
        """
        keyframe, self._wants_keyframe = self._wants_keyframe, False
        try:
            data, is_key = self._encoder.encode(picture, bit_rate=self.bit_rate, keyframe=keyframe)
        except av.error.FFmpegError as error:
            raise SourceError(f"the picture can't be encoded: {error}") from None
        if not data:
            self._wants_keyframe |= keyframe
            return None
        return Unit(data, self._duration, is_key)
