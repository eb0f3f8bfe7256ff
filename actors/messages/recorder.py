"""What a recorder is told."""

from msgspec import Struct

from ...media import Direction, EncodedFrame
from ..runtime.ref import AsyncioActorRef


class Write(Struct, frozen=True):
    """Put these frames, in their order, into the file."""

    frames: tuple[tuple[Direction, EncodedFrame], ...]


class Miss(Struct, frozen=True):
    """Video comes of which nothing can be shown: no key frame does, though the peer is asked.

    Attributes:
        direction: whether we send or receive it.
    """

    direction: Direction


RecorderMessage = Write | Miss
RecorderRef = AsyncioActorRef[RecorderMessage]
