"""What a leg's peer has shown since its last key frame, kept while somebody looks in."""

from typing import ClassVar
from weakref import WeakKeyDictionary

from ..frames.frame import EncodedFrame
from ..rtc.connection_media import ConnectionMedia

SQUEEZED = 1000
"""Pictures a second, by their RTP timestamps, in which those are given that were kept."""


class RecentPictures:
    """Pictures of one leg for those who begin to look in later than the first.

    The peer is asked for a key frame once a second at the most. Who comes just after somebody else
    would have to wait for the next one, and begins with these instead.
    """

    MOST = 4 * 2**20
    """Octets that are kept. If it would be more, nothing is, up to the next key frame."""

    _of: ClassVar["WeakKeyDictionary[ConnectionMedia, RecentPictures]"] = WeakKeyDictionary()

    def __init__(self) -> None:
        self._frames: list[EncodedFrame] = []
        self._octets = 0
        self._viewers = 0

    @classmethod
    def enter(cls, origin: ConnectionMedia) -> "RecentPictures":
        """Keep a leg's pictures until `leave`; all who look in share them.

        Args:
            origin: The leg's audio and video.
        """
        recent = cls._of.get(origin)
        if recent is None:
            recent = cls._of[origin] = cls()
            origin.receivers.append(recent._take)
        recent._viewers += 1
        return recent

    def leave(self, origin: ConnectionMedia) -> None:
        """Keep nothing any more, if nobody else looks in.

        Args:
            origin: That of `enter`.
        """
        self._viewers -= 1
        if not self._viewers:
            origin.remove_receiver(self._take)
            del self._of[origin]

    def since_keyframe(self) -> tuple[EncodedFrame, ...]:
        """Give the pictures from the last key frame on, squeezed into a moment."""
        if not self._frames:
            return ()
        last = self._frames[-1]
        step, latest = last.clock_rate // SQUEEZED, len(self._frames) - 1
        return tuple(
            frame._replace(timestamp=last.timestamp - step * (latest - number))
            for number, frame in enumerate(self._frames)
        )

    def _take(self, frame: EncodedFrame) -> None:
        if frame.kind != "video":
            return
        if frame.keyframe:
            self._frames, self._octets = [], 0
        elif not self._frames:
            return
        self._octets += len(frame.data)
        if self._octets > self.MOST:
            self._frames = []
        else:
            self._frames.append(frame)
