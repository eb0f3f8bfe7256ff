"""What a bridge is told."""

from ..records.call_record import OtherCall
from ..runtime.ask import Ask
from ..runtime.future import AsyncioFuture
from ..runtime.message import message
from ..runtime.ref import AsyncioActorRef
from .call import CallRef, JoinedMedia, PeerState


@message
class WaitForBridge(Ask["BridgeMessage", AsyncioFuture[None]]):
    """Answered with a future that is done when the calls hear each other.

    It raises `CallOver` if one has ended, ValueError if one is in a room or bridge, and
    `SourceError` if what one hears meanwhile can't be played.
    """


@message
class PeerChanged:
    """The peer of one call holds or mutes, or does so no more; or it was put on hold, or back.

    Attributes:
        call: whose peer.
        state: its state now.
    """

    call: CallRef
    state: PeerState


# -- by itself -------------------------------------------------------------------------------------


@message
class BothReady:
    """Both calls gave their media, and are connected.

    Attributes:
        media: of the call that was bridged, and of the one that it is bridged to.
        names: for the record of each what it says of the other one.
    """

    media: tuple[JoinedMedia, JoinedMedia]
    names: tuple[OtherCall, OtherCall]


@message
class NotReady:
    """A call could not give its media, or can't play what it is to play meanwhile.

    Attributes:
        error: why.
    """

    error: Exception


@message
class Unanswered:
    """The other call has had its time to be connected."""


@message
class SideGone:
    """A call has ended.

    Attributes:
        call: which one.
    """

    call: CallRef


BridgeMessage = WaitForBridge | PeerChanged | BothReady | NotReady | Unanswered | SideGone
BridgeRef = AsyncioActorRef[BridgeMessage]
