"""A room, as a bot sees it: calls that hear and see each other."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from pykka import ActorDeadError

from ..actors import AsyncioFuture, messages
from ..actors.records.recording_outcome import RecordingOutcome
from ..actors.runtime.ask import Ask
from ..media import CallOver
from . import argument_checks
from .call import HANDLED, Call

if TYPE_CHECKING:
    from ..actors.messages.call import CallRef, RecordingBegun
    from ..actors.messages.room import RoomMessage, RoomRef

R = TypeVar("R")


class Room:
    """Calls that hear and see each other: a conference.

    Each hears all others and not itself. Everybody sees who speaks; who speaks sees who spoke
    before. Pictures are passed on as they come where the codec agrees; for the others they are
    decoded and encoded, once for each codec. Calls of several bots and accounts may be in one
    room, and a call is in one room at a time.

    What a bot plays to a call in the room goes to that call alone, and when it has ended the call
    hears the room again. Nothing is mixed while the room is empty.
    """

    def __init__(self, *, record: Literal["mix"] | None = None, tones: bool = True) -> None:
        """Open a room, which is empty.

        Args:
            record: ``mix`` records what all say into one file, beside the recordings of the calls:
                from when the first call comes until the last has left.
            tones: whether all hear a tone when somebody comes or goes.

        Raises:
            TypeError: an argument is of the wrong type.
            ValueError: there is nothing of that name to record.
        """
        if record is not None:
            argument_checks.one_of("record", record, ("mix",))
        self._calls: dict[object, Call] = {}
        self._is_closing = False
        self._outcome: AsyncioFuture[RecordingOutcome | None] = AsyncioFuture()
        self._record = record is not None
        self._recording: RecordingBegun | None = None
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
        order = messages.room.AddMember(_ref(call), argument_checks.flag("speaks", speaks))
        while True:
            ref = self._open()
            with suppress(ActorDeadError):  # the last one has just left: open it again
                added = await ref.request(order, timeout=HANDLED)
                break
        recording = await added
        if ref == self._ref:
            self._recording = recording
            self._calls = {each: call for each, call in self._calls.items() if call.ref.is_alive()}
            self._calls[call.ref] = call

    def _open(self) -> "RoomRef":
        """Return the actor, which is there while the room is not empty."""
        if self._ref is None or self._is_closing or not self._ref.is_alive():
            # The media stack comes with it.
            from ..actors.joining.room import Room as RoomActor  # noqa: PLC0415

            self._is_closing = False
            self._outcome = AsyncioFuture()
            self._ref = RoomActor.start(
                tones=self._tones, record=self._record, outcome=self._outcome
            )
        return self._ref

    async def remove(self, call: Call) -> None:
        """Let a call go. It goes on alone, and hears silence. Does nothing if it is not here.

        Args:
            call: which one.

        Raises:
            TypeError: it is no call.
        """
        self._calls.pop(_ref(call), None)
        await self._ask(messages.room.RemoveMember(call.ref))

    async def mute(self, call: Call, on: bool = True) -> None:
        """Let the others hear nothing of a call, or hear it again. Its peer is not told.

        Args:
            call: which one.
            on: mute, or unmute.

        Raises:
            CallOver: the call is over.
            TypeError: an argument is of the wrong type.
            ValueError: the call is not in this room.
        """
        if await self._ask(messages.room.MuteMember(_ref(call), argument_checks.flag("on", on))):
            return
        if not call.ref.is_alive():
            raise CallOver(call.ref.last_words)
        raise ValueError("the call is not in this room: add it first")

    async def speakers(self) -> list[tuple[Call, float]]:
        """Return who is here and how loud each is, the loudest first.

        Returns:
            Calls, each with its level in dBov (RFC 6464 §3): 0 is the loudest, -90 is silence.
        """
        found = await self._ask(messages.room.GetMembers()) or ()
        return [(self._calls[ref], level) for ref, level in found if ref in self._calls]

    @property
    def path(self) -> Path | None:
        """Where the recording of the mix is, or will be; None if there is none."""
        if self._recording is None:
            return None
        ended = self._recording.ended
        return (ended.get().path if ended.done() else None) or self._recording.path

    async def close(self) -> RecordingOutcome | None:
        """Let all go; their calls go on, and hear silence.

        Returns:
            what became of the recording of the mix, whose file is whole then; None if there is
            none.
        """
        ref, outcome = self._ref, self._outcome
        if ref is None:
            return None
        self._is_closing = True
        self._calls.clear()
        ref.stop(block=False)
        await ref.ended
        return outcome.get() if outcome.done() else None

    async def _ask(self, message: "Ask[RoomMessage, R]") -> R | None:
        """Ask the actor, if somebody is here."""
        if self._ref is None:
            return None
        try:
            return await self._ref.request(message, timeout=HANDLED)
        except ActorDeadError:
            return None


def _ref(call: object) -> "CallRef":
    if not isinstance(call, Call):
        raise TypeError(f"{type(call).__name__} is no call: give a Call")
    return call.ref
