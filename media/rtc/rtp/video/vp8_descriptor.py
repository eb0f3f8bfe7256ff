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
        found = descriptors(self._picture, self._base_layer)
        self.skip(1)
        return found

    def skip(self, count: int) -> None:
        """Go on behind frames that somebody else has numbered.

        Args:
            count: How many.
        """
        self._picture = (self._picture + count) & 0x7FFF
        self._base_layer = (self._base_layer + count) & 0xFF


def descriptors(picture: int, layer: int) -> tuple[bytes, bytes]:
    """Write the descriptor of a frame's first packet, and that of its other packets.

    Args:
        picture: The frame's PictureID.
        layer: Its TL0PICIDX.
    """
    numbers = (0x8000 | picture & 0x7FFF, layer & 0xFF, 0)
    first = _DESCRIPTOR.pack(_EXTENDED | _START, _FIELDS, *numbers)
    return first, _DESCRIPTOR.pack(_EXTENDED, _FIELDS, *numbers)
