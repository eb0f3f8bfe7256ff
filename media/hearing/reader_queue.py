"""What was heard or seen, waiting for one reader."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Generic, TypeVar

import av

T = TypeVar("T")

Frame = av.AudioFrame | av.VideoFrame

MOST_WAITING = 64 * 1024 * 1024
"""Octets that may wait for one reader; the last item waits in any case."""


class ReaderQueue(AsyncIterator[T], Generic[T]):
    """Things for one reader, in their order; the oldest are dropped when it is slow.

    Args:
        limit: how many may wait.
        octets: tells about how much memory one takes.

    Attributes:
        ended: whether nothing more comes, or nothing more is wanted.
        on_close: called when the reader wants nothing more.
    """

    def __init__(self, limit: int, octets: Callable[[T], int]) -> None:
        self.ended = False
        self.on_close: Callable[[], None] = _nothing
        self._items: deque[tuple[T, int]] = deque()
        self._limit = limit
        self._octets = 0
        self._octets_of = octets
        self._readers: list[asyncio.Future[None]] = []

    def put(self, item: T) -> None:
        """Add one."""
        if self.ended:
            return
        octets = self._octets_of(item)
        self._items.append((item, octets))
        self._octets += octets
        while len(self._items) > max(1, self._limit) or (
            self._octets > MOST_WAITING and len(self._items) > 1
        ):
            self._octets -= self._items.popleft()[1]
        if self._readers:
            self._wake()

    def finish(self) -> None:
        """Let the reader end once it has read what waits."""
        self.ended = True
        self.on_close = _nothing
        self._wake()

    def end(self) -> None:
        """Let the reader end; what it has not read is gone."""
        self._items.clear()
        self._octets = 0
        self.finish()

    async def aclose(self) -> None:
        """Read no more: no work is done for this reader from now on."""
        self.on_close()
        self.end()

    def __aiter__(self) -> "ReaderQueue[T]":
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self.ended:
                raise StopAsyncIteration
            ready = asyncio.get_running_loop().create_future()
            self._readers.append(ready)
            try:
                await ready
            except asyncio.CancelledError:
                with suppress(ValueError):
                    self._readers.remove(ready)
                raise
        item, octets = self._items.popleft()
        self._octets -= octets
        return item

    def _wake(self) -> None:
        readers, self._readers = self._readers, []
        for ready in readers:
            if not ready.done():
                ready.set_result(None)


def _nothing() -> None:
    """Nobody is to be told."""


def frame_octets(frame: Frame) -> int:
    """Tell about what a frame takes: pictures are 4:2:0 of eight bits, sound has sixteen."""
    if isinstance(frame, av.VideoFrame):
        return frame.width * frame.height * 3 // 2
    return frame.samples * 4
