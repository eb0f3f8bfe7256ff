"""Decoded frames for one reader."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

import av

Frame = av.AudioFrame | av.VideoFrame

MOST_WAITING = 64 * 1024 * 1024
"""Octets of decoded frames that may wait for one reader; the last frame waits in any case."""


class FrameIterator(AsyncIterator[Frame]):
    """Decoded frames for one reader; the oldest are dropped when it is slow.

    Args:
        limit: how many may wait.

    Attributes:
        ended: whether there is nothing more to come, or nothing more is wanted.
        on_close: called when the reader wants nothing more.
    """

    def __init__(self, limit: int) -> None:
        self._frames: deque[Frame] = deque()
        self.ended = False
        self.on_close: Callable[[], None] = lambda: None
        self._limit = limit
        self._octets = 0
        self._ready = asyncio.Event()

    def put(self, frame: Frame) -> None:
        """Add a frame."""
        if self.ended:
            return
        self._frames.append(frame)
        self._octets += _octets(frame)
        while len(self._frames) > max(1, self._limit) or (
            self._octets > MOST_WAITING and len(self._frames) > 1
        ):
            self._octets -= _octets(self._frames.popleft())
        self._ready.set()

    def end(self) -> None:
        """Let the reader end; what it has not read is gone."""
        self.ended = True
        self._frames.clear()
        self._octets = 0
        self._ready.set()

    async def aclose(self) -> None:
        """Read no more: nothing is decoded for this reader from now on."""
        self.end()
        self.on_close()

    def __aiter__(self) -> "FrameIterator":
        return self

    async def __anext__(self) -> Frame:
        while not self._frames:
            if self.ended:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()
        frame = self._frames.popleft()
        self._octets -= _octets(frame)
        return frame


def _octets(frame: Frame) -> int:
    """Give about what a frame takes: aiortc's are 4:2:0 of eight bits, and sixteen-bit stereo."""
    if isinstance(frame, av.VideoFrame):
        return frame.width * frame.height * 3 // 2
    return frame.samples * 4
