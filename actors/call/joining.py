"""What ties a call to others."""

from ..messages.call import Join, JoinedMedia, Leave
from ..runtime.actor import handles
from ..runtime.ref import AsyncioActorRef
from .shared_parts import SharedParts


class Joining:
    """Gives a call's media to the one room or bridge that it is in.

    Args:
        parts: the call's.
    """

    def __init__(self, parts: SharedParts) -> None:
        self._by: AsyncioActorRef[object] | None = None
        self._parts = parts

    @handles(Join)
    def join(self, message: Join) -> JoinedMedia:
        """Give the media to who asks.

        Raises:
            ValueError: the call is in a room or a bridge.
        """
        if self._by is not None and self._by.is_alive():
            raise ValueError("the call is in a room or a bridge: let it leave that first")
        self._by = message.by
        context = self._parts.context
        return JoinedMedia(self._parts.leg.connection.media, context.recordings, context.writer)

    @handles(Leave)
    def leave(self, message: Leave) -> None:
        """Let it be free for others."""
        if message.by == self._by:
            self._by = None
