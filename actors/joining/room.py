"""A room: calls that hear and see each other."""

import asyncio
from dataclasses import dataclass

from ...media import Direction, EncodedFrame, MediaClosedError, RoomMedia, RoomMember
from ..call.recorders import Recorders
from ..messages.call import CallRef, Join, Leave, RecordingBegun
from ..messages.room import (
    AddMember,
    Arrived,
    GetMembers,
    GetRecording,
    Gone,
    MuteMember,
    RemoveMember,
    RoomMessage,
)
from ..runtime.actor import AsyncioActor, handles
from ..runtime.future import AsyncioFuture
from .joined_call import HANDLED, settle_failed, until_over


@dataclass(frozen=True, slots=True)
class _Seat:
    member: RoomMember
    watch: asyncio.Task[None]


class Room(AsyncioActor[RoomMessage]):
    """Owns what is mixed for the calls in it. It ends when the last of them has left.

    Args:
        tones: whether all hear a tone when somebody comes or goes.
        record: whether the mix is recorded, from the first call on, into the folder of its account.
    """

    def __init__(self, *, tones: bool, record: bool) -> None:
        super().__init__()
        self._arriving: dict[CallRef, AsyncioFuture[None]] = {}
        self._media = RoomMedia(tones=tones, on_mix=self._mixed if record else None)
        self._record = record
        self._recorders: Recorders | None = None
        self._recording: RecordingBegun | None = None
        self._seats: dict[CallRef, _Seat] = {}

    @handles(AddMember)
    def _add(self, message: AddMember) -> AsyncioFuture[None]:
        call, done = message.call, AsyncioFuture[None]()
        if call in self._seats or call in self._arriving:
            settle_failed(done, ValueError("the call is in this room already"))
            return done
        self._arriving[call] = done
        self.pipe(
            call.request(Join(self.actor_ref), timeout=HANDLED),
            lambda joined: Arrived(message, joined),
            lambda error: Arrived(message, error),
        )
        return done

    @handles(Arrived)
    def _arrived(self, message: Arrived) -> None:
        call, joined = message.order.call, message.joined
        done = self._arriving.pop(call, None)
        if isinstance(joined, Exception):
            if done is not None:
                settle_failed(done, joined)
            self._end_if_empty()
            return
        if done is None:  # it was removed meanwhile
            call.post(Leave(self.actor_ref))
            return
        try:
            member = self._media.add(joined.media, speaks=message.order.speaks)
        except (MediaClosedError, ValueError) as error:
            call.post(Leave(self.actor_ref))
            settle_failed(done, error)
            self._end_if_empty()
            return
        self._seats[call] = _Seat(member, self.spawn(self._watch(call)))
        if self._record and self._recorders is None:
            self._recorders = Recorders(joined, "room")
            self._recording = self._recorders.start(
                (Direction.RECEIVED,), video=False, wav=False, codecs={"audio": "opus"}
            )
        done.set(None)

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

    @handles(GetRecording)
    def _get_recording(self, _: GetRecording) -> RecordingBegun | None:
        return self._recording

    def _mixed(self, frame: EncodedFrame) -> None:
        if self._recorders is not None:
            self._recorders.write(Direction.RECEIVED, frame)

    async def _watch(self, call: CallRef) -> None:
        await until_over(call)
        self.actor_ref.post(Gone(call))

    def _let_go(self, call: CallRef) -> bool:
        arriving = self._arriving.pop(call, None)
        if arriving is not None:
            settle_failed(
                arriving, ValueError("the call was taken out of the room before it was in")
            )
            return True
        seat = self._seats.pop(call, None)
        if seat is None:
            return False
        seat.watch.cancel()
        self._media.remove(seat.member)
        call.post(Leave(self.actor_ref))
        return True

    def _end_if_empty(self) -> None:
        if not self._seats and not self._arriving:
            self.stop()

    async def on_end(self, error: BaseException | None) -> None:
        """Let all go, and finish the recording."""
        del error
        for call in (*self._arriving, *self._seats):
            self._let_go(call)
        self._media.close()
        if self._recorders is not None:
            await self._recorders.finish()
