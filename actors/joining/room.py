"""A room: calls that hear and see each other."""

import asyncio

from msgspec import Struct

from ...media import Direction, EncodedFrame, RoomMedia, RoomMember
from ..call.recorders import Recorders
from ..messages.call import CallRef, Join, JoinedMedia, Leave, MixBegun, RecordingBegun
from ..messages.room import (
    AddMember,
    Arrived,
    GetMembers,
    Gone,
    MuteMember,
    RemoveMember,
    RoomMessage,
)
from ..records.recording_outcome import RecordingOutcome
from ..runtime.actor import AsyncioActor, handles
from ..runtime.future import AsyncioFuture
from .joined_call import HANDLED, settle_failed, until_over


class _Arrival(Struct, frozen=True):
    speaks: bool
    done: AsyncioFuture[RecordingBegun | None]


class _Seat(Struct, frozen=True):
    member: RoomMember
    watch: asyncio.Task[None]
    left: AsyncioFuture[None]


class Room(AsyncioActor[RoomMessage]):
    """Owns what is mixed for the calls in it. It ends when the last of them has left.

    Args:
        tones: whether all hear a tone when somebody comes or goes.
        outcome: settled at its end with what became of the recording of the mix, or None if there
            was none. The mix is recorded from the first call on, into the folder of its account.
        record: whether it is.
    """

    def __init__(
        self, *, tones: bool, record: bool, outcome: AsyncioFuture[RecordingOutcome | None]
    ) -> None:
        super().__init__()
        self._arriving: dict[CallRef, _Arrival] = {}
        self._began = 0.0
        self._left: list[AsyncioFuture[None]] = []
        self._outcome = outcome
        self._media = RoomMedia(tones=tones, on_mix=self._mixed if record else None)
        self._record = record
        self._recorders: Recorders | None = None
        self._recording: RecordingBegun | None = None
        self._seats: dict[CallRef, _Seat] = {}

    @handles(AddMember)
    def _add(self, message: AddMember) -> AsyncioFuture[RecordingBegun | None]:
        call, done = message.call, AsyncioFuture[RecordingBegun | None]()
        if call in self._seats or call in self._arriving:
            done.fail(ValueError("the call is in this room already"))
            return done
        self._arriving[call] = _Arrival(message.speaks, done)
        self.pipe(
            call.request(Join(self.actor_ref), timeout=HANDLED),
            lambda joined: Arrived(call, joined),
            lambda error: Arrived(call, error),
        )
        return done

    @handles(Arrived)
    def _arrived(self, message: Arrived) -> None:
        call, joined = message.call, message.joined
        arrival = self._arriving.pop(call, None)
        if arrival is None:  # it was removed meanwhile, or has come by an earlier order
            if call not in self._seats:
                call.post(Leave(self.actor_ref))
            return
        member: RoomMember | None = None
        try:
            if isinstance(joined, Exception):
                raise joined
            member = self._media.add(joined.media, speaks=arrival.speaks)
            recording = self._recorded(joined)
        except Exception as error:
            if member is not None:
                self._media.remove(member)
            call.post(Leave(self.actor_ref))
            settle_failed(arrival.done, error, call)
            self._end_if_empty()
            return
        seat = _Seat(member, self.spawn(self._watch(call)), AsyncioFuture())
        self._seats[call] = seat
        if recording is not None:
            call.post(MixBegun(recording, self._began, seat.left))
        arrival.done.set(recording)

    def _recorded(self, joined: JoinedMedia) -> RecordingBegun | None:
        """Return the recording of the mix, which begins with the first call."""
        if self._record and self._recorders is None:
            self._recorders = Recorders(joined, "room")
            self._began = asyncio.get_running_loop().time()
            self._recording = self._recorders.start(
                (Direction.RECEIVED,), video=False, wav=False, codecs={"audio": "opus"}
            )
        return self._recording

    @handles(RemoveMember)
    def _remove(self, message: RemoveMember) -> bool:
        was_there = self._let_go(message.call)
        self._end_if_empty()
        return was_there

    @handles(Gone)
    def _gone(self, message: Gone) -> None:
        self._let_go(message.call)
        self._end_if_empty()

    @handles(MuteMember)
    def _mute(self, message: MuteMember) -> bool:
        seat = self._seats.get(message.call)
        if seat is not None:
            self._media.mute(seat.member, message.on)
        return seat is not None

    @handles(GetMembers)
    def _members(self, _: GetMembers) -> tuple[tuple[CallRef, float], ...]:
        levels = ((call, seat.member.level) for call, seat in self._seats.items())
        return tuple(sorted(levels, key=lambda each: -each[1]))

    def _mixed(self, frame: EncodedFrame) -> None:
        if self._recorders is not None:
            self._recorders.write(Direction.RECEIVED, (frame,))

    async def _watch(self, call: CallRef) -> None:
        await until_over(call)
        self.actor_ref.post(Gone(call))

    def _let_go(self, call: CallRef) -> bool:
        arrival = self._arriving.pop(call, None)
        if arrival is not None:
            arrival.done.fail(ValueError("the call was taken out of the room before it was in"))
            return True
        seat = self._seats.pop(call, None)
        if seat is None:
            return False
        seat.watch.cancel()
        self._media.remove(seat.member)
        call.post(Leave(self.actor_ref))
        self._left.append(seat.left)
        return True

    def _end_if_empty(self) -> None:
        """End with the last of them, who hears of it when the recording is whole."""
        if self._seats or self._arriving:
            self._tell_who_left()
        else:
            self.stop()

    def _tell_who_left(self) -> None:
        for left in self._left:
            left.set(None)
        self._left.clear()

    async def on_end(self, error: BaseException | None) -> None:
        """Let all go, and finish the recording."""
        del error
        try:
            for call in (*self._arriving, *self._seats):
                self._let_go(call)
            self._media.close()
            if self._recorders is not None:
                await self._recorders.finish()
        finally:
            self._tell_who_left()
            recorded = None if self._recording is None else self._recording.ended
            known = recorded.get() if recorded is not None and recorded.done() else None
            self._outcome.set(None if known is None else known.of_mix())
