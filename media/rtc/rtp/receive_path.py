"""What becomes of the media that comes in: the receive paths of a leg."""

from enum import StrEnum
from typing import Any


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


class NoDecoder:
    """Stands where aiortc has the queue to its decoder thread.

    `get()` says at once that there is nothing, so that the decoder thread ends before it began.
    """

    def get(self) -> None:
        """Tell the decoder thread to end."""

    def put(self, item: tuple[Any, Any] | None) -> None:
        """Take nothing.

        Args:
            item: None when the receiver stops.
        """
