"""A leg that plays what others receive, while it is in a bridge or a room."""

from collections.abc import Callable
from contextlib import suppress

from ..errors import MediaClosedError
from ..frames.frame import KINDS, EncodedFrame, Kind
from ..rtc.connection_media import ConnectionMedia
from ..sources.forwarded import Forwarded
from ..sources.playback import Playback
from ..sources.silence import Silence


class ForwardingLeg:
    """Lets a leg play what is forwarded to it, of each kind, and silence or black after that."""

    def __init__(self, media: ConnectionMedia, request_keyframe: Callable[[], None]) -> None:
        """Change nothing yet.

        Args:
            media: The leg's audio and video.
            request_keyframe: Called when the leg's peer asks for a key frame of video.
        """
        self._media = media
        self._playbacks: dict[Kind, Playback] = {}
        self._request_keyframe = request_keyframe

    def open(self) -> None:
        """Play what is forwarded, of each kind.

        Raises:
            MediaClosedError: The connection is closed.
        """
        for kind in KINDS:
            self.claim(kind)

    def claim(self, kind: Kind) -> bool:
        """Play what is forwarded, unless a bot plays something else meanwhile.

        Args:
            kind: "audio" or "video".

        Returns:
            Whether it begins now: what is forwarded has to begin anew.

        Raises:
            MediaClosedError: The connection is closed.
        """
        playing = self._media.playing(kind)
        ours = self._playbacks.get(kind)
        if playing is None:
            self.forget(kind)
        if playing is None or playing is ours or (ours is not None and not playing.is_over):
            return False
        self._playbacks[kind] = self._media.play(kind, Forwarded(self._request_keyframe))
        return True

    def forget(self, kind: Kind) -> None:
        """Note that a kind is removed: what is sent when it is added again is no bot's choice."""
        self._playbacks.pop(kind, None)

    def forward(self, frame: EncodedFrame, *, anew: bool = False) -> None:
        """Send a frame.

        Args:
            frame: In the codec that the leg sends.
            anew: Whether it comes from elsewhere than the one before.
        """
        self._media.forward(frame, anew=anew)

    def plays(self, kind: Kind) -> bool:
        """Tell whether what is forwarded goes out."""
        playback = self._playbacks.get(kind)
        return playback is not None and not playback.is_over

    def give_back(self) -> None:
        """Play silence and black, unless something else is played."""
        with suppress(MediaClosedError):
            for kind, playback in self._playbacks.items():
                if self._media.playing(kind) is playback:
                    self._media.play(kind, Silence())
