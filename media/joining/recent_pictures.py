"""What one direction of a leg has shown since its last key frame, kept while somebody looks in."""

import asyncio
from typing import ClassVar
from weakref import WeakKeyDictionary, ref

from ..frames.frame import Direction, EncodedFrame
from ..rtc.connection_media import ConnectionMedia

SQUEEZED = 1000
"""Pictures a second, by their RTP timestamps, in which those are given that were kept."""


class RecentPictures:
    """Pictures of one direction of a leg, for those who begin to look in later than the first.

    The peer is asked for a key frame once a second at the most. Whoever comes just after somebody
    else would have to wait for the next one, and begins with these instead.
    """

    MOST = 2**20
    """Octets that are kept. If it would be more, nothing is, up to the next key frame."""

    LONGEST = 90
    """Pictures that are kept, about three seconds; likewise. The peer may be asked again by then,
    and who got more of them at once would see the past for a while."""

    LINGER = 2.0
    """Seconds for which pictures are kept when nobody looks in any more: somebody may come while
    the peer can't be asked again yet."""

    _of: ClassVar["WeakKeyDictionary[ConnectionMedia, dict[Direction, RecentPictures]]"] = (
        WeakKeyDictionary()
    )

    def __init__(self, origin: ConnectionMedia, direction: Direction) -> None:
        self._direction = direction
        self._frames: list[EncodedFrame] = []
        self._left_at = 0.0
        self._octets = 0
        self._origin = ref(origin)
        self._viewers = 0

    @classmethod
    def enter(cls, origin: ConnectionMedia, direction: Direction) -> "RecentPictures":
        """Keep a leg's pictures until `leave`, and a little longer; all who look in share them.

        Args:
            origin: The leg's audio and video.
            direction: Which of its pictures.
        """
        kept = cls._of.setdefault(origin, {})
        recent = kept.get(direction)
        if recent is None:
            recent = kept[direction] = cls(origin, direction)
            if direction is Direction.SENT:
                # Not `add_sink`, for which the leg would send its peer a key frame.
                origin.sinks.append(recent._hear)
            else:
                origin.received.receivers.append(recent._take)
        recent._viewers += 1
        return recent

    def leave(self) -> None:
        """Look in no more."""
        self._viewers -= 1
        self._left_at = asyncio.get_running_loop().time()

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

    def _hear(self, direction: Direction, frame: EncodedFrame) -> None:
        if direction is Direction.SENT:
            self._take(frame)

    def _take(self, frame: EncodedFrame) -> None:
        if not self._viewers and self._has_lingered:
            self._end()
            return
        if frame.kind != "video":
            return
        if frame.keyframe:
            self._frames, self._octets = [], 0
        elif not self._frames:
            return
        self._octets += len(frame.data)
        if self._octets > self.MOST or len(self._frames) == self.LONGEST:
            self._frames = []
        else:
            self._frames.append(frame)

    @property
    def _has_lingered(self) -> bool:
        """Whether nobody has come for long since the last one left."""
        return asyncio.get_running_loop().time() >= self._left_at + self.LINGER

    def _end(self) -> None:
        """Keep nothing any more."""
        origin = self._origin()
        if origin is not None:
            origin.remove_sink(self._hear)
            origin.received.remove_receiver(self._take)
            del self._of[origin][self._direction]
