"""What becomes of the media that comes in: the receive paths of a leg."""

import queue
from enum import StrEnum
from typing import Any


class ReceivePath(StrEnum):
    """How far received media is carried.

    Attributes:
        FRAMES: Decoded audio and video for those who listen or look; encoded frames too.
        PACKETS: Encoded frames, put together from their packets; no decoder, no thread.
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


class FrameQueue:
    """The queue to the decoder thread, bounded and quick to end.

    aiortc's own is unbounded, and its end waits until all in it is decoded, on the loop.
    """

    LIMIT = 100
    MOST_WAITING = 8 * 1024 * 1024
    """Octets; the last frame waits in any case."""

    def __init__(self) -> None:
        self._queue: queue.Queue[tuple[Any, Any] | None] = queue.Queue()
        self._put_in = 0
        self._taken_out = 0

    def get(self) -> tuple[Any, Any] | None:
        """Wait, in the decoder thread, for the next encoded frame; None means the end."""
        item = self._queue.get()
        if item is not None:
            self._taken_out += len(item[1].data)
        return item

    def put(self, item: tuple[Any, Any] | None) -> bool:
        """Take a frame to decode.

        Args:
            item: aiortc's codec and the encoded frame; None when the receiver stops.

        Returns:
            False if the decoder does not keep up: this frame and those that waited are thrown away.
        """
        waiting = self._put_in - self._taken_out
        is_full = self._queue.qsize() >= self.LIMIT or waiting > self.MOST_WAITING
        if is_full or item is None:
            self._clear()
        if item is None:
            self._queue.put(None)
        elif not is_full:
            self._put_in += len(item[1].data)
            self._queue.put(item)
        return not is_full

    def _clear(self) -> None:
        while True:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return
            if item is not None:
                self._put_in -= len(item[1].data)  # each side counts for itself: two threads
