"""What a bridge is told."""

from dataclasses import dataclass

from ..runtime.ask import Ask
from ..runtime.future import AsyncioFuture
from ..runtime.ref import AsyncioActorRef
from .call import CallRef, JoinedMedia, PeerState


@dataclass(frozen=True, slots=True)
class WaitForBridge(Ask["BridgeMessage", AsyncioFuture[None]]):
    """Answered with a future that is done when the calls hear each other.

    It raises `CallOver` if one has ended, and ValueError if one is in a room or bridge.
    """


@dataclass(frozen=True, slots=True)
class PeerChanged:
    """The peer of one call holds or mutes, or does so no more; or it was put on hold, or back.

    Attributes:
        call: whose peer.
        state: its state now.
    """

    call: CallRef
    state: PeerState


# -- by itself -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BothJoined:
    """Both calls gave their media.

    Attributes:
        one: of the call that was bridged.
        other: of the one that it is bridged to.
    """

    one: JoinedMedia
    other: JoinedMedia


@dataclass(frozen=True, slots=True)
class NotJoined:
    """A call could not give its media.

    Attributes:
        error: why.
    """

    error: Exception


@dataclass(frozen=True, slots=True)
class SideGone:
    """A call has ended."""

    call: CallRef


BridgeMessage = WaitForBridge | PeerChanged | BothJoined | NotJoined | SideGone
BridgeRef = AsyncioActorRef[BridgeMessage]
