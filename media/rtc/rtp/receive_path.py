"""What becomes of the media that comes in: the receive paths of a leg."""

from enum import StrEnum


class ReceivePath(StrEnum):
    """How far received media is carried.

    Attributes:
        PACKETS: Encoded frames, put together from their packets; decoded while somebody listens or
            looks, and only then.
        FRAMES: The same; it once was needed for decoded video.
        NONE: Counted and discarded.
    """

    FRAMES = "frames"
    PACKETS = "packets"
    NONE = "none"
