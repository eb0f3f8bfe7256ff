"""A leg in which somebody else is heard and seen, beside or in the place of what it plays."""

from collections.abc import Callable

from ..frames.frame import EncodedFrame, Kind
from ..rtc.connection_media import ConnectionMedia
from ..rtc.rtp.insert import Insert


class InsertedLeg:
    """Stands between what a leg plays and what goes out.

    What is played goes on, for itself: it is muted and held, and ends, as if it went out.
    """

    def __init__(
        self,
        media: ConnectionMedia,
        request_keyframe: Callable[[], None],
        take: Callable[[EncodedFrame], None] = lambda _: None,
    ) -> None:
        """Change nothing yet.

        Args:
            media: The leg's audio and video.
            request_keyframe: Called when the leg's peer asks for a key frame of video.
            take: Called with each frame that the leg would send.
        """
        self._media = media
        self._insert = Insert(take, request_keyframe)

    def open(self) -> None:
        """Change nothing: each kind begins with its first frame."""

    def claim(self, kind: Kind) -> bool:
        """Stand between from now on.

        Args:
            kind: "audio" or "video".

        Returns:
            Whether that begins now.
        """
        return self._media.put_between(kind, self._insert)

    def forget(self, kind: Kind) -> None:
        """Note that a kind is removed: there is nothing to note."""

    def forward(self, frame: EncodedFrame, *, anew: bool = False) -> None:
        """Send a frame.

        Args:
            frame: In the codec that the leg sends.
            anew: Whether it comes from elsewhere than the one before.
        """
        self._media.inject(frame, anew=anew)

    def give_back(self) -> None:
        """Let go out what the leg plays. Its pictures go on with a key frame."""
        self._media.remove_insert(self._insert)
