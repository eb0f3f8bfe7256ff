"""What a recorder is told."""

from ...media import Direction, EncodedFrame
from ..runtime.message import message
from ..runtime.ref import AsyncioActorRef


@message
class Write:
    """Put these frames, in their order, into the file."""

    frames: tuple[tuple[Direction, EncodedFrame], ...]


@message
class Miss:
    """Video comes of which nothing can be shown: no key frame does, though the peer is asked.

    Attributes:
        direction: whether we send or receive it.
    """

    direction: Direction


RecorderMessage = Write | Miss
RecorderRef = AsyncioActorRef[RecorderMessage]
