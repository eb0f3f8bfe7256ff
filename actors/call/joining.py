"""What ties a call to others."""

from typing import Any

from ...jingle import InfoReceived
from ..messages.bridge import PeerInforms
from ..messages.call import Join, JoinedMedia, Leave, PassOn
from ..runtime.actor import handles
from ..runtime.ref import AsyncioActorRef
from .shared_parts import SharedParts


class Joining:
    """Gives a call's media to the one room or bridge that it is in.

    Args:
        parts: the call's.
    """

    def __init__(self, parts: SharedParts) -> None:
        self._by: AsyncioActorRef[Any] | None = None
        self._parts = parts
        self._tell_infos = False

    @handles(Join)
    def join(self, message: Join) -> JoinedMedia:
        """Give the media to who asks.

        Raises:
            ValueError: the call is in a room or a bridge.
        """
        if self._by is not None and self._by.is_alive():
            raise ValueError("the call is in a room or a bridge: let it leave that first")
        self._by, self._tell_infos = message.by, message.tell_infos
        context = self._parts.context
        return JoinedMedia(self._parts.leg.connection.media, context.recordings, context.writer)

    @handles(Leave)
    def leave(self, message: Leave) -> None:
        """Let it be free for others."""
        if message.by == self._by:
            self._by = None

    @handles(PassOn)
    def pass_on(self, message: PassOn) -> None:
        """Tell our peer what the peer of the other call in the bridge told."""
        self._parts.signalling.inform(message.info, message.kind)

    def peer_informs(self, event: InfoReceived) -> None:
        """Tell the bridge what our peer told."""
        if self._by is None or not self._tell_infos:
            return
        kinds = self._parts.signalling.kinds_of(event.content, ())
        kind = next(iter(kinds), None)
        self._by.post(PeerInforms(self._parts.owner.actor_ref, event.info, kind))
