"""What the file formats of a recording have in common."""

import os
from typing import Protocol

from ..frames.frame import Direction, EncodedFrame

Chunk = tuple[int, bytes]
"""Octets to be written, and the offset in the file where they belong."""

MUXER = "Callboard"
"""How our files name who wrote them. Only files with this name are ever finished after a kill."""


class DamagedError(Exception):
    """A file that was left behind is none of ours, or nothing of it can be saved. Says which."""


class Container(Protocol):
    """A file format that collects frames in memory, and says what is to be written where.

    It touches no file and is used by one thread at a time. What it has handed out makes a file that
    plays from its beginning to the last frame handed out, at every moment.

    Attributes:
        seconds: How long the recording is by now.
        problem: A sentence about frames that the format could not take, or None.
    """

    seconds: float
    problem: str | None

    def write(self, direction: Direction, frame: EncodedFrame, seconds: float) -> None:
        """Take a frame.

        Args:
            direction: Whether we sent or received it.
            frame: The frame. Each direction's frames come in order.
            seconds: Its time in the recording.
        """

    def take(self, now: float) -> list[Chunk]:
        """Hand out what has come since the last time.

        Args:
            now: The recording's time (seconds): no frame much older is on its way.
        """

    def finish(self) -> list[Chunk]:
        """Hand out the rest, and what makes the file whole: its duration and its index."""


def write_all(file: int, data: bytes, offset: int) -> None:
    """Write octets at an offset, all of them.

    Args:
        file: A file descriptor open for writing.
        data: What to write.
        offset: Where it begins (octets).

    Raises:
        OSError: If not all of it could be written: the disk is full.
    """
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view = view[written:]
        offset += written
