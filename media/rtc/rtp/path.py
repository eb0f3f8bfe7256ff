"""What becomes of the media that comes in: the receive paths of a leg."""

import queue
from collections.abc import Callable
from enum import StrEnum
from typing import Any


class Path(StrEnum):
    """How far received media is carried.

    Attributes:
        FRAMES: Decoded audio and video for those who listen or look; encoded frames too.
        PACKETS: Encoded frames straight from the depacketiser; no decoder, no thread.
        NONE: Counted and discarded.
    """

    FRAMES = "frames"
    PACKETS = "packets"
    NONE = "none"


Put = Callable[[Any, Any], None]


class PacketQueue:
    """Stands where aiortc has the queue to its decoder thread, and gives encoded frames on.

    `get()` says at once that there is nothing, so that the decoder thread ends before it began.
    """

    def __init__(self, put: Put | None) -> None:
        """Give every encoded frame to a function.

        Args:
            put: Called on the loop with aiortc's codec and its encoded frame; None discards.
        """
        self._put = put

    def get(self) -> None:
        """Tell the decoder thread to end."""

    def put(self, item: tuple[Any, Any] | None) -> None:
        """Take what the depacketiser made.

        Args:
            item: Codec and encoded frame; None when the receiver stops.
        """
        if item is not None and self._put is not None:
            self._put(*item)


class FrameQueue:
    """The queue to the decoder thread, tapped, bounded and quick to end.

    aiortc's own is unbounded, and its end waits until all in it is decoded, on the loop.
    """

    LIMIT = 100
    MOST_WAITING = 8 * 1024 * 1024
    """Octets; the last frame waits in any case."""

    def __init__(self, put: Put, wanted: Callable[[], bool]) -> None:
        """Tap the way to the decoder.

        Args:
            put: Called on the loop with aiortc's codec and its encoded frame, before decoding.
            wanted: Tells whether anybody waits for decoded frames; if not, none is decoded.
        """
        self._put = put
        self._wanted = wanted
        self._queue: queue.Queue[tuple[Any, Any] | None] = queue.Queue()
        self._put_in = 0
        self._taken_out = 0

    def get(self) -> tuple[Any, Any] | None:
        """Wait, in the decoder thread, for the next encoded frame; None means the end."""
        item = self._queue.get()
        if item is not None:
            self._taken_out += len(item[1].data)
        return item

    def put(self, item: tuple[Any, Any] | None) -> None:
        """Take what the depacketiser made.

        Args:
            item: Codec and encoded frame; None when the receiver stops.
        """
        if item is None:
            self._clear()
            self._queue.put(None)
            return
        self._put(*item)
        if item[1].data and self._wanted():
            waiting = self._put_in - self._taken_out
            if self._queue.qsize() >= self.LIMIT or waiting > self.MOST_WAITING:
                self._clear()
            self._put_in += len(item[1].data)
            self._queue.put(item)

    def _clear(self) -> None:
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return
            if item is not None:
                self._put_in -= len(item[1].data)  # each side counts for itself: two threads
