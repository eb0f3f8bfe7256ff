"""What a recorder is told."""

from ...media import Direction, EncodedFrame, FrameBatch
from ..runtime.message import message
from ..runtime.ref import AsyncioActorRef


@message
class Write:
    """Put these frames into the file.

    Attributes:
        frames: frames and batches of them; those of a direction and kind are in order.
    """

    frames: tuple[tuple[Direction, EncodedFrame | FrameBatch], ...]


@message
class Miss:
    """Video comes of which nothing can be shown: no key frame does, though the peer is asked.

    Attributes:
        direction: whether we send or receive it.
    """

    direction: Direction


RecorderMessage = Write | Miss
RecorderRef = AsyncioActorRef[RecorderMessage]
