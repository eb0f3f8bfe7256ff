"""What one direction of a leg carries, sent to somebody else as it is."""

import asyncio
from collections.abc import Callable

from ..frames.frame import Direction, EncodedFrame, Kind
from ..rtc.connection_media import ConnectionMedia
from ..rtc.rtp.paced_stream import ShortWay
from ..sources.forwarded import Forwarded
from .recent_pictures import RecentPictures


class Tap:
    """Forwards the encoded frames of one direction of a leg, on the loop.

    Nothing is decoded or encoded, and the leg's peer gets nothing that it would not get anyway. Who
    begins to look gets the pictures since the last key frame, if there are some; else a live source
    is asked for one, or the peer.
    """

    AGAIN = 1.0
    """Seconds after which pictures since the last key frame are sent again at the earliest."""

    def __init__(
        self,
        origin: ConnectionMedia,
        direction: Direction,
        target: ConnectionMedia,
        on_other_codec: Callable[[Kind, str], None],
    ) -> None:
        """Forward nothing yet.

        Args:
            origin: The leg's audio and video.
            direction: Which of it is forwarded.
            target: The listener's; it plays a `source` of this object's.
            on_other_codec: Called once for a kind that goes on in another codec, with its RTP
                encoding name. Nothing of the kind is forwarded then.
        """
        self._origin = origin
        self._direction = direction
        self._target = target
        self._on_other_codec = on_other_codec
        self._is_shown = False
        self._changed: set[Kind] = set()
        self._kept_at = 0.0
        self._recent: RecentPictures | None = None
        self._short: ShortWay | None = None

    def source(self) -> Forwarded:
        """Make what the listener plays."""
        return Forwarded(self.refresh)

    def prepare(self) -> None:
        """Have a key frame come while the listener, whose offer is answered, still connects."""
        if self._recent is None and self._target.codec("video") is not None:
            self._recent = RecentPictures.enter(self._origin, self._direction)
            if not self._recent.since_keyframe():
                self._ask()

    def open(self) -> None:
        """Begin: the listener is connected."""
        self.prepare()
        if self._direction is Direction.SENT:
            # Not `add_sink`, for which the leg would send its peer a key frame.
            self._origin.sinks.append(self._hear)
        else:
            self._origin.received.receivers.append(self._take)
        self.refresh()

    def close(self) -> None:
        """Forward nothing more."""
        self._origin.remove_sink(self._hear)
        self._origin.received.remove_receiver(self._take)
        if self._recent is not None:
            self._recent.leave()
            self._recent = None

    def refresh(self) -> None:
        """Get the listener a key frame."""
        self._refresh()

    def _refresh(self) -> bool:
        """Get the listener a key frame; return whether it was sent all pictures up to now."""
        recent = self._recent
        if recent is None or not self._target.is_sending("video"):
            return False
        now = asyncio.get_running_loop().time()
        if now < self._kept_at + self.AGAIN:
            return False
        self._kept_at = now
        kept = recent.since_keyframe()
        if self._direction is Direction.SENT:
            kept = self._origin.since_keyframe() or kept
        for frame in kept:
            self._target.forward(frame)
        if not kept:
            self._ask()
        return bool(kept)

    def _ask(self) -> None:
        """Ask for a key frame where the pictures come from."""
        if self._direction is Direction.RECEIVED:
            self._origin.request_keyframe()
        elif not self._origin.since_keyframe():
            self._origin.renew_picture()

    def _hear(self, direction: Direction, frame: EncodedFrame) -> None:
        if direction is Direction.SENT:
            self._take(frame)

    def _take(self, frame: EncodedFrame) -> None:
        if self._short is not None and frame.kind == "audio" and self._short(frame):
            return
        target = self._target
        codec = target.codec(frame.kind)
        if not self._is_shown and target.is_sending("video"):
            self._is_shown = True
            # The next picture may come much later than the next sound.
            if self._refresh() and frame.kind == "video":
                return  # it was among them, and twice would be once too often
        if codec == frame.codec:
            target.forward(frame)
            if self._is_shown or "video" not in target.by_kind:
                self._short = target.short_way()
        elif codec is not None and frame.kind not in self._changed:
            self._changed.add(frame.kind)
            self._on_other_codec(frame.kind, frame.codec)
