"""A room, as a bot sees it: calls that hear and see each other."""

from typing import TypeVar

from pykka import ActorDeadError

from ..actors.joining.room import Room as RoomActor
from ..actors.messages.call import CallOver, CallRef
from ..actors.messages.room import (
    AddMember,
    GetMembers,
    MuteMember,
    RemoveMember,
    RoomMessage,
    RoomRef,
)
from ..actors.runtime.ask import Ask
from . import argument_checks
from .call import HANDLED, Call

R = TypeVar("R")


class Room:
    """Calls that hear and see each other: a conference.

    Each hears all others and not itself. Everybody sees who speaks, as far as the codecs agree; who
    speaks sees who spoke before. Calls of several bots and accounts may be in one room, and a call
    is in one room at a time.

    What a bot plays to a call in the room goes to that call alone, and when it has ended the call
    hears the room again. Nothing is mixed while the room is empty.
    """

    def __init__(self, *, tones: bool = True) -> None:
        """Open a room, which is empty.

        Args:
            tones: whether all hear a tone when somebody comes or goes.

        Raises:
            TypeError: an argument is of the wrong type.
        """
        self._calls: dict[object, Call] = {}
        self._ref: RoomRef | None = None
        self._tones = argument_checks.flag("tones", tones)

    async def add(self, call: Call, *, speaks: bool = True) -> None:
        """Let a call in. What it plays is replaced by the room.

        Args:
            call: one that is connected, or will be.
            speaks: whether the others hear and see it; one that only listens costs less.

        Raises:
            CallOver: the call is over.
            TypeError: an argument is of the wrong type.
            ValueError: the call is in a room or a bridge already, or its class has the path
                ``none``.
        """
        order = AddMember(_ref(call), argument_checks.flag("speaks", speaks))
        if self._ref is None or not self._ref.is_alive():
            self._ref = RoomActor.start(tones=self._tones)
        await (await self._ref.request(order, timeout=HANDLED))
        self._calls[call.ref] = call

    async def remove(self, call: Call) -> None:
        """Let a call go. It goes on alone, and hears silence. Does nothing if it is not here.

        Args:
            call: which one.

        Raises:
            TypeError: it is no call.
        """
        self._calls.pop(_ref(call), None)
        await self._ask(RemoveMember(call.ref))

    async def mute(self, call: Call, on: bool = True) -> None:
        """Let the others hear nothing of a call, or hear it again. Its peer is not told.

        Args:
            call: which one.
            on: mute, or unmute.

        Raises:
            CallOver: the call is not in the room any more.
            TypeError: an argument is of the wrong type.
        """
        if not await self._ask(MuteMember(_ref(call), argument_checks.flag("on", on))):
            raise CallOver("the call is not in this room")

    async def speakers(self) -> list[tuple[Call, float]]:
        """Return who is here and how loud each is, the loudest first.

        Returns:
            Calls, each with its level in dBov (RFC 6464 §3): 0 is the loudest, -90 is silence.
        """
        found = await self._ask(GetMembers()) or ()
        return [(self._calls[ref], level) for ref, level in found if ref in self._calls]

    async def close(self) -> None:
        """Let all go; their calls go on, and hear silence."""
        ref, self._ref = self._ref, None
        self._calls.clear()
        if ref is not None:
            ref.stop(block=False)
            await ref.ended

    async def _ask(self, message: Ask[RoomMessage, R]) -> R | None:
        """Ask the actor, which is there while the room is not empty."""
        if self._ref is None:
            return None
        try:
            return await self._ref.request(message, timeout=HANDLED)
        except ActorDeadError:
            return None


def _ref(call: object) -> CallRef:
    if not isinstance(call, Call):
        raise TypeError(f"{type(call).__name__} is no call: give a Call")
    return call.ref
