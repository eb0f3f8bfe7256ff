"""The payload descriptors of the VP8 that one leg sends."""

import struct
from random import SystemRandom

_DESCRIPTOR = struct.Struct("!BBHBB")
_EXTENDED, _START = 0x80, 0x10
_FIELDS = 0xE0
"""PictureID, TL0PICIDX and TID are there."""


class Vp8Descriptors:
    """Numbers the frames of one RTP stream (RFC 7741 §4.2).

    PictureID and TL0PICIDX go on by one with each frame, whatever is played, so that a receiver
    sees at once whether a frame is missing. All frames are of temporal layer 0.
    """

    def __init__(self) -> None:
        self._picture = SystemRandom().getrandbits(15)
        self._base_layer = SystemRandom().getrandbits(8)

    @property
    def numbers(self) -> tuple[int, int]:
        """PictureID and TL0PICIDX of the next frame."""
        return self._picture, self._base_layer

    def next(self) -> tuple[bytes, bytes]:
        """Give the descriptor of the next frame's first packet, and that of its other packets."""
        numbers = (0x8000 | self._picture, self._base_layer, 0)
        self._picture = (self._picture + 1) & 0x7FFF
        self._base_layer = (self._base_layer + 1) & 0xFF
        first = _DESCRIPTOR.pack(_EXTENDED | _START, _FIELDS, *numbers)
        return first, _DESCRIPTOR.pack(_EXTENDED, _FIELDS, *numbers)
