"""Live pictures that a program writes while they are shown."""

import asyncio
from functools import partial
from typing import ClassVar

import av
import numpy as np
from numpy.typing import NDArray

from ..codecs.threads import CodecThreads
from ..errors import shown
from ..frames.frame import Kind
from .live_pictures import LivePictures, as_picture, check_fps
from .unit import Unit
from .written_source import WrittenSource

Picture = NDArray[np.uint8] | av.VideoFrame
"""A picture that can be written: see `VideoFeed.write`."""


class VideoFeed(WrittenSource["VideoFeedReader"]):
    """Pictures that are written while they are shown, and seen at once.

    Each stands until the next one is written. A feed belongs to the one call that plays it.
    """

    is_written = True
    kinds: ClassVar[frozenset[Kind]] = frozenset({"video"})

    def __init__(self, fps: int = 30) -> None:
        """Make a feed that is empty.

        Args:
            fps: Pictures per second that are written, at most and about.

        Raises:
            TypeError: It is no whole number.
            ValueError: It is outside 1 to 60.
        """
        super().__init__()
        check_fps(fps)
        self.fps = fps
        self._waiting: av.VideoFrame | None = None

    def __repr__(self) -> str:
        return f"<VideoFeed {self.fps} fps>"

    async def write(self, picture: Picture) -> None:
        """Show a picture, and return once it has its turn: one may wait, no more.

        Args:
            picture: A uint8 array of shape (height, width, 3), red, green and blue; or an
                `av.VideoFrame` of any format. Width and height are even; they may change.

        Raises:
            CallOver: The call that plays it is over.
            SourceError: The feed is closed, or not played any more.
            TypeError: It is no picture.
            ValueError: Its size can't be sent.
        """
        await asyncio.sleep(0)  # a loop that writes what is refused never waits for its turn
        frame = as_picture(picture)
        await self._check_open()
        while self._waiting is not None:
            await self._wait_for_room()
        self._waiting = frame
        if self._reader is not None:
            self._reader.wake()

    def take(self) -> av.VideoFrame | None:
        """Take what waits, for the encoder."""
        frame, self._waiting = self._waiting, None
        self._room.set()
        return frame

    @property
    def is_drained(self) -> bool:
        """Whether it is closed and nothing waits."""
        return self._closed and self._waiting is None

    def _read(self, codec: str) -> "VideoFeedReader":
        return VideoFeedReader(self, codec)


class VideoFeedReader:
    """The leg that shows a feed.

    Attributes:
        closed: Whether the leg has stopped to show it.
    """

    skipped = 0

    def __init__(self, feed: VideoFeed, codec: str) -> None:
        self.closed = False
        self._feed = feed
        self._is_encoding = False
        self._lane = CodecThreads.running().lane()
        self._last: av.VideoFrame | None = None
        self._pictures = LivePictures(codec, feed.fps)
        self._ready: Unit | None = None

    @property
    def ended(self) -> bool:
        """Whether everything was sent, or can't be."""
        if self.failure is not None:
            return True
        return self._feed.is_drained and self._ready is None and not self._is_encoding

    @property
    def failure(self) -> str | None:
        """Why no more pictures come; None if all were sent."""
        return self._pictures.failure

    def read(self) -> Unit | None:
        """Return the next picture; None if none was written."""
        unit, self._ready = self._ready, None
        self.wake()
        return unit

    def request_keyframe(self) -> bool:
        """Send the last picture again, or the next one, so that a decoder can start there."""
        self._pictures.want_keyframe()
        if self._ready is None and not self._is_encoding and not self.closed:
            picture = self._feed.take() or self._last
            if picture is not None:
                self._encode(picture)
        return True

    def limit(self, bit_rate: int) -> None:
        """Keep to a bit rate, in bits per second."""
        self._pictures.bit_rate = bit_rate

    def close(self) -> None:
        """Take nothing more; who waits to write is told."""
        self.closed = True
        self._ready = self._last = None
        self._lane.close()
        self._feed.take()

    def wake(self) -> None:
        """Have the next picture encoded, if it is not yet and there is one."""
        if self.closed or self._is_encoding or self._ready is not None:
            return
        picture = self._feed.take()
        if picture is not None:
            self._encode(picture)

    def _encode(self, picture: av.VideoFrame) -> None:
        self._is_encoding = True
        self._last = picture
        self._lane.run(partial(self._pictures.encode, picture), self._encoded)

    def _encoded(self, unit: Unit | None, error: Exception | None) -> None:
        self._is_encoding = False
        if error is not None:
            self._pictures.failure = f"The feed can't go on: {shown(error, str)}"
            self._feed.close()
            self._feed.take()
            return
        self._ready = unit
        if unit is None:
            self.wake()
