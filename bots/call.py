"""A call, as a bot sees it: a handle over the call's actor."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self, TypeVar

from pykka import ActorDeadError

from ..actors import AsyncioFuture
from ..actors.messages.call import (
    AddMedia,
    Answer,
    CallActorMessage,
    CallOver,
    CallRef,
    GetStatus,
    Hangup,
    Hold,
    Listen,
    Mute,
    Pause,
    Play,
    Record,
    RemoveMedia,
    RestartIce,
    SendData,
    Wait,
)
from ..actors.messages.exchange import CallStatus
from ..actors.records.call_record import CallRecord
from ..actors.runtime.ask import Ask
from ..jingle import Reason
from ..media import Kind, MediaClosedError, Silence
from . import arguments
from .source import Playable, find_source

R = TypeVar("R")

#: Seconds in which a call's actor takes a message; it never waits for anything itself.
HANDLED = 10.0


class Call:
    """One call of a bot's.

    Every method may be awaited in any order and from any task; what comes too late raises
    `CallOver`. When ``on_call`` ends while the call goes on, the call goes on.

    Attributes:
        id: the session id.
        peer: the peer's JID.
        direction: ``in`` if the peer called, ``out`` if we did.
        media: the kinds that the call was proposed with.
    """

    def __init__(
        self,
        ref: CallRef,
        status: CallStatus,
        record: AsyncioFuture[CallRecord],
        folder: Path,
    ) -> None:
        """Make a handle; bots are given theirs.

        Args:
            ref: the call's actor.
            status: how it stood when the bot was told of it.
            record: the promise of its detail record, which outlives the call's actor.
            folder: where relative paths of files to play begin.
        """
        self._ref = ref
        self._record = record
        self._folder = folder
        self.id = status.id
        self.peer = status.peer
        self.direction = status.direction
        self.media = status.media

    @classmethod
    async def of(cls, ref: CallRef, folder: Path, status: CallStatus | None = None) -> Self:
        """Make the handle of a call that goes on.

        Args:
            ref: the call's actor.
            folder: where relative paths of files to play begin.
            status: how it stands; None asks the actor.

        Raises:
            CallOver: it is over already.
        """
        record = await _ask(ref, Wait("ended"))
        if status is None:
            status = await _ask(ref, GetStatus())
        return cls(ref, status, record, folder)

    def __repr__(self) -> str:
        return f"<Call {self.id} {self.direction} {self.peer}>"

    async def answer(
        self,
        *,
        audio: Playable = "silence",
        video: Playable = None,
        record: bool = False,
        wav: bool = False,
    ) -> None:
        """Take the call, and return when media flows.

        Args:
            audio: what is sent at first: see `callboard.bots.source`.
            video: what is shown; None shows nothing and still takes the peer's video.
            record: whether both directions are recorded.
            wav: record audio as stereo WAV, left = us, right = them.

        Raises:
            CallOver: the call ended before.
            SourceError: there is no such source, or it can't be played.
            TypeError: an argument is of the wrong type.
        """
        arguments.flag("record", record)
        arguments.flag("wav", wav)
        sounds = await find_source(audio, self._folder, "audio")
        shows = await find_source(video, self._folder, "video")
        await self._until(Answer(sounds, shows, record, wav))

    async def decline(self, reason: Reason = Reason.DECLINE) -> None:
        """Do not take the call.

        Args:
            reason: what the peer is told (XEP-0166 §7.4).

        Raises:
            TypeError, ValueError: it is no reason.
        """
        await self.hangup(reason)

    async def hangup(self, reason: Reason = Reason.SUCCESS) -> None:
        """End the call, in whatever state it is; does nothing if it has ended.

        Args:
            reason: what the peer is told (XEP-0166 §7.4).

        Raises:
            TypeError, ValueError: it is no reason.
        """
        known = arguments.reason("reason", reason)
        if self._ref.is_alive():
            self._ref.tell(Hangup(known))

    async def connected(self) -> None:
        """Return when media flows.

        Raises:
            CallOver: the call ended before.
        """
        await self._until(Wait("connected"))

    async def ended(self) -> CallRecord:
        """Return the call's detail record when it is over."""
        return await self._record

    async def play(self, playable: Playable, *, kind: Kind = "audio") -> None:
        """Send something else from now on; return when it has been played.

        What has no end (a tone, a clock pattern, silence) returns at once and goes on.

        Args:
            playable: see `callboard.bots.source`; a file's path begins beside the YAML file.
            kind: audio or video.

        Raises:
            CallOver: the call ended meanwhile.
            SourceError: there is no such source, or it can't be played.
            ValueError: the call sends nothing of this kind.
        """
        arguments.kind("kind", kind)
        found = await find_source(playable, self._folder, kind)
        await self._until(Play(kind, found or Silence()))

    async def record(self, on: bool = True, *, wav: bool = False) -> None:
        """Begin or end the recording of both directions.

        Args:
            on: begin or end.
            wav: audio as stereo WAV.
        """
        await self._ask(Record(arguments.flag("on", on), arguments.flag("wav", wav)))

    async def mute(self, kind: Kind = "audio", on: bool = True) -> None:
        """Send silence or black instead of what is played, and say so (XEP-0167 §8.2).

        Args:
            kind: audio or video.
            on: mute, or speak again.
        """
        await self._ask(Mute(arguments.kind("kind", kind), arguments.flag("on", on)))

    async def pause(self, kind: Kind = "video", on: bool = True) -> None:
        """Stop sending a kind of media altogether, or go on; return when the peer knows of it.

        Where `mute` goes on with silence or black, this sends nothing, and says so by changing who
        sends (XEP-0166 §7.2.3). What the peer sends is for the peer to stop.

        Args:
            kind: audio or video.
            on: pause, or go on where it stopped.

        Raises:
            CallOver: the peer refuses, which changes nothing; or the call is not connected, or
                ended meanwhile.
            ValueError: the call sends nothing of this kind.
        """
        await self._until(Pause(arguments.kind("kind", kind), arguments.flag("on", on)))

    async def add(self, kind: Kind, playable: Playable) -> None:
        """Add audio or video in mid-call; return when the peer has taken it (XEP-0166 §7.2.2).

        Args:
            kind: audio or video.
            playable: what is sent; see `callboard.bots.source`.

        Raises:
            CallOver: the peer did not take it, or the call ended meanwhile.
            SourceError: there is no such source, or it can't be played.
            ValueError: the call has this kind already, or there is nothing to send.
        """
        arguments.kind("kind", kind)
        found = await find_source(playable, self._folder, kind)
        if found is None:
            raise ValueError("there is nothing to send: give a source")
        await self._until(AddMedia(kind, found))

    async def remove(self, kind: Kind) -> None:
        """Take audio or video away in mid-call; return when the peer has (XEP-0166 §7.2.5).

        Silence or black is sent first, as some clients leave the last picture standing.

        Args:
            kind: audio or video.

        Raises:
            CallOver: the peer refuses or does not answer, and has silence or black from then on;
                or the call is not connected, or ended meanwhile.
            ValueError: the call has no such kind beside another one.
        """
        await self._until(RemoveMedia(arguments.kind("kind", kind)))

    async def send(self, data: str | bytes) -> None:
        """Send text or octets on the data channel (XEP-0343); it comes to `Bot.on_data` there.

        Args:
            data: one message of 64 KiB at the most.

        Raises:
            CallOver: the call is over.
            MediaError: too much waits to be sent.
            TypeError: it is neither text nor bytes.
            ValueError: it is too much, or the call has no data channel.
        """
        await self._ask(SendData(arguments.data("data", data)))

    async def restart_ice(self) -> None:
        """Look for a way to the peer anew, as when the network has changed (XEP-0176 §5.7).

        Media go on over the old addresses until the new ones connect.

        Raises:
            CallOver: the call is not connected.
        """
        await self._ask(RestartIce())

    async def hold(self, on: bool = True) -> None:
        """Put the peer on hold, or take it back (XEP-0167 §8.1).

        Args:
            on: hold, or take back.
        """
        await self._ask(Hold(arguments.flag("on", on)))

    def frames(self, kind: Kind = "audio") -> AsyncIterator[Any]:
        """Iterate over what the peer sends, decoded, until the call ends.

        The bot's class needs ``path = "frames"``. A slow reader loses the oldest frames.

        Args:
            kind: audio gives `av.AudioFrame` (48 kHz stereo, 20 ms), video `av.VideoFrame`.

        Raises:
            ValueError: the path is another, or the call has none of this kind.
        """
        return self._frames(arguments.kind("kind", kind))

    async def _frames(self, kind: Kind) -> AsyncIterator[Any]:
        async for frame in await self._ask(Listen(kind)):
            yield frame

    async def status(self) -> CallStatus:
        """Return how the call stands: its phase, steps and quality."""
        return await self._ask(GetStatus())

    async def _until(self, message: Ask[CallActorMessage, AsyncioFuture[R]]) -> R:
        # Two waits: the call takes the message at once, what it promises may take a whole call.
        promised = await self._ask(message)
        return await promised

    async def _ask(self, message: Ask[CallActorMessage, R]) -> R:
        try:
            return await _ask(self._ref, message)
        except CallOver:
            if not self._record.done():
                raise
            raise CallOver(f"the call is over: {(await self._record).why}") from None


async def _ask(ref: CallRef, message: Ask[CallActorMessage, R]) -> R:
    try:
        return await ref.request(message, timeout=HANDLED)
    except (ActorDeadError, MediaClosedError):  # gone, or about to hear that its media are
        raise CallOver("the call is over") from None
