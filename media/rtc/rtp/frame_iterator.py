"""Decoded frames for one reader."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import av

Frame = av.AudioFrame | av.VideoFrame

MOST_WAITING = 64 * 1024 * 1024
"""Octets of decoded frames that may wait for one reader; the last frame waits in any case."""


class FrameIterator(AsyncIterator[Frame]):
    """Decoded frames for one reader; the oldest are dropped when it is slow."""

    def __init__(self, limit: int) -> None:
        self._frames: deque[Frame] = deque()
        self._ended = False
        self._limit = limit
        self._octets = 0
        self._ready = asyncio.Event()

    def put(self, frame: Frame) -> None:
        """Add a frame."""
        self._frames.append(frame)
        self._octets += _octets(frame)
        while len(self._frames) > max(1, self._limit) or (
            self._octets > MOST_WAITING and len(self._frames) > 1
        ):
            self._octets -= _octets(self._frames.popleft())
        self._ready.set()

    def end(self) -> None:
        """Let the reader end; what it has not read is gone."""
        self._ended = True
        self._frames.clear()
        self._octets = 0
        self._ready.set()

    def __aiter__(self) -> "FrameIterator":
        return self

    async def __anext__(self) -> Frame:
        while not self._frames:
            if self._ended:
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
