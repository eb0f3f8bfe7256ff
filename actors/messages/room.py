"""What a room is told."""

from ..runtime.ask import Ask
from ..runtime.future import AsyncioFuture
from ..runtime.message import message
from ..runtime.ref import AsyncioActorRef
from .call import CallRef, JoinedMedia, RecordingBegun


@message
class AddMember(Ask["RoomMessage", AsyncioFuture[RecordingBegun | None]]):
    """Let a call in: answered with a future that is done when it is.

    It gives the recording of the mix, or None if there is none.

    It raises `CallOver` if the call has ended, and ValueError if it is in a room or bridge.

    Attributes:
        call: who it is.
        speaks: whether the others hear it.
    """

    call: CallRef
    speaks: bool = True


@message
class RemoveMember(Ask["RoomMessage", bool]):
    """Let a call go, which goes on alone: answered with whether it was there."""

    call: CallRef


@message
class MuteMember(Ask["RoomMessage", bool]):
    """Let the others hear nothing of a call, or hear it again; answered as `RemoveMember` is."""

    call: CallRef
    on: bool


@message
class GetMembers(Ask["RoomMessage", tuple[tuple[CallRef, float], ...]]):
    """Answered with who is in the room and how loud each is, in dBov, the loudest first."""


# -- by itself -------------------------------------------------------------------------------------


@message
class Arrived:
    """A call gave its media, or could not.

    Attributes:
        call: which one.
        joined: its media, or what it raised.
    """

    call: CallRef
    joined: JoinedMedia | Exception


@message
class Gone:
    """A call has ended."""

    call: CallRef


RoomMessage = AddMember | RemoveMember | MuteMember | GetMembers | Arrived | Gone
RoomRef = AsyncioActorRef[RoomMessage]
