"""What ties a call to others."""

from typing import Any

from ...media import Direction
from ..messages.bridge import PeerChanged
from ..messages.call import (
    Bridged,
    GetCodecs,
    GetIdentity,
    Join,
    JoinedMedia,
    Leave,
    PassOn,
    PeerState,
)
from ..records.call_record import OtherCall
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
        self._told: PeerState | None = None

    @handles(Join)
    def join(self, message: Join) -> JoinedMedia:
        """Give the media to who asks, also again to who has them.

        Raises:
            ValueError: the call is in a room or a bridge.
        """
        if self._by not in (None, message.by) and self._by.is_alive():
            raise ValueError("the call is in a room or a bridge: let it leave that first")
        self._by = message.by
        state = self._state()
        self._told = state if message.tell_states else None
        context = self._parts.context
        media = self._parts.leg.connection.media
        return JoinedMedia(media, state, context.recordings, context.writer)

    @handles(Leave)
    def leave(self, message: Leave) -> None:
        """Let it be free for others, and tell the peer no more how the other end is."""
        if message.by == self._by:
            self._by = self._told = None
            self._parts.progress.bridge_ends()
            self._parts.informing.pass_on(PeerState())

    @handles(PassOn)
    def pass_on(self, message: PassOn) -> None:
        """Tell our peer how the peer of the other call in the bridge is."""
        if message.by == self._by:
            self._parts.informing.pass_on(message.state)

    @handles(Bridged)
    def bridged(self, message: Bridged) -> None:
        """Note for the record with which call this one is bridged."""
        if message.by == self._by and not self._parts.course.is_over:
            self._parts.progress.bridge_begins(message.to)

    @handles(GetIdentity)
    def identity(self, _: GetIdentity) -> OtherCall:
        """Say what the record of another call says of this one."""
        return self._parts.progress.identity()

    @handles(GetCodecs)
    def codecs(self, _: GetCodecs) -> tuple[str, ...]:
        """Name the codecs with which another call could be bridged to this one as it is."""
        media = self._parts.leg.connection.media
        agreed = media.codecs(Direction.RECEIVED) | media.codecs(Direction.SENT)
        return tuple(agreed.values())

    def follow(self) -> None:
        """Tell the bridge how our peer is, if that has changed."""
        state = self._state()
        if self._by is not None and self._told not in (None, state):
            self._told = state
            self._by.post(PeerChanged(self._parts.owner.actor_ref, state))

    def _state(self) -> PeerState:
        progress, informing = self._parts.progress, self._parts.informing
        return PeerState(progress.held or informing.holds, progress.muted)
