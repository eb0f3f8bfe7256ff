"""What the file formats of a recording have in common."""

import os
from collections.abc import Sequence
from typing import Protocol

from ..frames.frame import Direction, EncodedFrame
from ..frames.frame_batch import FrameBatch

Chunk = tuple[int, bytes]
"""An offset in the file, and the octets to write there."""

MUXER = "Callboard"
"""The writer's name in our files. Only files with this name are finished after a kill."""


Directions = tuple[Direction, ...]
"""What a recording holds: `BOTH`, or one direction alone."""

BOTH: Directions = (Direction.SENT, Direction.RECEIVED)
"""Left and right of a stereo file."""

KINDS_OF_FILE: tuple[Directions, ...] = (BOTH, *((direction,) for direction in BOTH))
"""All directions that a file may hold."""


def channels_title(directions: Directions) -> str:
    """Return the title of an audio file that has a channel for each direction."""
    if len(directions) == 1:
        return directions[0].value
    return ", ".join(
        f"{ear}: {way}" for ear, way in zip(("left", "right"), directions, strict=True)
    )


class DamagedError(Exception):
    """A file that was left behind is not ours, or nothing in it can be saved. Says which."""


class Container(Protocol):
    """A file format. It collects frames in memory, and says what to write where.

    It touches no file, and is used by one thread at a time. At every moment, what it has handed out
    makes a file that plays to the last frame in it.

    Attributes:
        seconds: How long the recording is so far.
        problem: One sentence about frames that the format could not take; None if there are none.
    """

    problem: str | None

    @property
    def seconds(self) -> float:
        """See above."""

    def write(self, direction: Direction, frame: EncodedFrame, seconds: float) -> None:
        """Take a frame.

        Args:
            direction: Whether we sent or received it.
            frame: The frame. The frames of a direction come in order.
            seconds: Its time in the recording.
        """

    def takes_run(self, direction: Direction, codec: str) -> bool:
        """Tell whether frames may come in runs, whatever comes of the other direction or kind.

        Args:
            direction: Whether we sent or received them.
            codec: The RTP encoding name.
        """

    def write_run(
        self, direction: Direction, frames: FrameBatch, seconds: Sequence[float], *, is_even: bool
    ) -> None:
        """Take frames as `write` does, if `takes_run` says so.

        Args:
            direction: Whether we sent or received them.
            frames: Those of one kind and codec.
            seconds: Of each its time in the recording.
            is_even: Whether they are of sound, and each comes 20 ms after the one before.
        """

    def take(self, now: float) -> list[Chunk]:
        """Return what is to be written since the last call.

        Args:
            now: The recording's time (seconds); no frame much older will come.
        """

    def finish(self) -> list[Chunk]:
        """Return the rest, and what completes the file: its duration and its index."""


def joined(chunks: list[Chunk]) -> list[Chunk]:
    """Join those that follow each other in the file, in their order.

    Args:
        chunks: What is to be written, one after the other.
    """
    found: list[Chunk] = []
    for offset, data in chunks:
        if found and found[-1][0] + len(found[-1][1]) == offset:
            found[-1] = (found[-1][0], found[-1][1] + data)
        else:
            found.append((offset, data))
    return found


def write_all(file: int, data: bytes, offset: int) -> None:
    """Write all octets at an offset.

    Args:
        file: A file descriptor open for writing.
        data: What to write.
        offset: Where it begins (octets).

    Raises:
        OSError: Not all of it could be written, as when the disk is full.
    """
    view = memoryview(data)
    while view:
        written = os.pwrite(file, view, offset)
        view = view[written:]
        offset += written
