"""What a room is told."""

from msgspec import Struct

from ..runtime.ask import Ask
from ..runtime.future import AsyncioFuture
from ..runtime.ref import AsyncioActorRef
from .call import CallRef, JoinedMedia, RecordingBegun


class AddMember(Struct, Ask["RoomMessage", AsyncioFuture[RecordingBegun | None]], frozen=True):
    """Let a call in: answered with a future that is done when it is.

    It gives the recording of the mix, or None if there is none.

    It raises `CallOver` if the call has ended, and ValueError if it is in a room or bridge.

    Attributes:
        call: who it is.
        speaks: whether the others hear it.
    """

    call: CallRef
    speaks: bool = True


class RemoveMember(Struct, Ask["RoomMessage", bool], frozen=True):
    """Let a call go, which goes on alone: answered with whether it was there."""

    call: CallRef


class MuteMember(Struct, Ask["RoomMessage", bool], frozen=True):
    """Let the others hear nothing of a call, or hear it again; answered as `RemoveMember` is."""

    call: CallRef
    on: bool


class GetMembers(Struct, Ask["RoomMessage", tuple[tuple[CallRef, float], ...]], frozen=True):
    """Answered with who is in the room and how loud each is, in dBov, the loudest first."""


# -- by itself -------------------------------------------------------------------------------------


class Arrived(Struct, frozen=True):
    """A call gave its media, or could not.

    Attributes:
        call: which one.
        joined: its media, or what it raised.
    """

    call: CallRef
    joined: JoinedMedia | Exception


class Gone(Struct, frozen=True):
    """A call has ended."""

    call: CallRef


RoomMessage = AddMember | RemoveMember | MuteMember | GetMembers | Arrived | Gone
RoomRef = AsyncioActorRef[RoomMessage]
