"""A source that is another leg: its frames are sent on as they are."""

from collections.abc import Callable
from typing import ClassVar

from ..errors import SourceError
from ..frames.frame import Kind
from .source import LiveSource
from .unit import SourceReader


class Forwarded(LiveSource):
    """Encoded frames that a leg receives. They are pushed (`ConnectionMedia.forward`), never read.

    They are neither decoded nor encoded: frames in another codec than the negotiated one are left
    out. When the peer asks for a key frame, the leg that they come from is asked for one.
    """

    kinds: ClassVar[frozenset[Kind]] = frozenset({"audio", "video"})

    def __init__(self, request_keyframe: Callable[[], None] | None = None) -> None:
        """Name where the frames come from.

        Args:
            request_keyframe: Asks there for a key frame; None: the frames are the leg's own.
        """
        self.request_keyframe = request_keyframe

    @property
    def has_end(self) -> bool:
        """It has none: frames may come for as long as the call goes on."""
        return False

    def open(self, kind: Kind, codec: str) -> SourceReader:
        """Refuse: there is nothing to read.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Raises:
            SourceError: Always.
        """
        raise SourceError(f"Frames of another leg are pushed: the {kind} in {codec} can't be read.")
