"""What a call plays to its peer."""

from ...jingle import Info
from ...media import PlaybackEnded, SourceError
from ..messages.call import Hold, Mute, Play
from ..runtime.actor import handles
from ..runtime.future import AsyncioFuture
from .shared_parts import SharedParts


class Playing:
    """Plays what the bot wants played, or silence and black in its place.

    Args:
        parts: the call's.
    """

    def __init__(self, parts: SharedParts) -> None:
        self._parts = parts

    @handles(Play)
    def play(self, message: Play) -> AsyncioFuture[None]:
        """Send another source from now on.

        Returns:
            A future that is done when the source has ended, or at once if it repeats.

        Raises:
            ValueError: the source has nothing of the kind, or nothing of the kind is sent.
        """
        self._parts.leg.connection.media.play(message.kind, message.source)
        future = self._parts.waiters.add(("play", message.kind))
        if message.source.repeats:
            self._parts.waiters.settle(("play", message.kind))
        return future

    def ended(self, event: PlaybackEnded) -> None:
        """Tell who waits for it that a source has ended."""
        error = None if event.failure is None else SourceError(event.failure)
        self._parts.waiters.settle(("play", event.kind), error)

    @handles(Mute)
    def mute(self, message: Mute) -> None:
        """Send silence or black, or go on, and tell the peer (XEP-0167 §8.2)."""
        self._parts.leg.connection.media.mute(message.kind, message.on)
        self._parts.signalling.inform(Info.MUTE if message.on else Info.UNMUTE, message.kind)

    @handles(Hold)
    def hold(self, message: Hold) -> None:
        """Put the peer on hold, or take it back, and tell it (XEP-0167 §8.1)."""
        self._parts.leg.hold(message.on)
        self._parts.signalling.inform(Info.HOLD if message.on else Info.UNHOLD)
