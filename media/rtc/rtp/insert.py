"""What stands between what a leg plays and what goes out."""

from collections.abc import Callable
from dataclasses import dataclass

from ...frames.frame import EncodedFrame


@dataclass(frozen=True, slots=True)
class Insert:
    """Takes what a leg would send. What it sends instead goes to `Outgoing.inject`.

    Attributes:
        take: Called on the loop with each frame that would go out.
        request_keyframe: Called when a key frame of video is needed of what is sent instead.
    """

    take: Callable[[EncodedFrame], None]
    request_keyframe: Callable[[], None]
