"""A call, as a bot sees it: a handle over the call's actor."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, get_args

from pykka import ActorDeadError

from .. import media
from ..actors import AsyncioFuture, messages
from ..actors.messages.exchange import CallStatus
from ..actors.records.call_record import CallRecord
from ..actors.runtime.ask import Ask
from ..jingle import Reason
from ..media import CallOver, Kind, MediaClosedError
from . import argument_checks
from .address import Address
from .bridge import Bridge, OnHangup
from .playback import Playback
from .recording import Recording
from .source import Playable, find_music, find_source
from .speaking import Synthesizer, check, speak
from .until import Until, first_of, split

if TYPE_CHECKING:
    from ..actors.messages.call import CallActorMessage, CallRef, Cue

R = TypeVar("R")

#: Seconds in which an actor takes a message; it never waits for anything itself.
HANDLED = 10.0


class Call:
    """One call of a bot's.

    Methods may be awaited in any order and from any task. They raise `CallOver` once the call has
    ended. The call does not end when ``on_call`` returns.

    Attributes:
        id: the session id.
        peer: the peer's full JID; `Address.bare` is the account's.
        direction: ``in`` if the peer called, ``out`` if we did.
        media: the kinds that the call was proposed with.
    """

    def __init__(
        self,
        ref: "CallRef",
        status: CallStatus,
        record: AsyncioFuture[CallRecord],
        folder: Path,
        synthesizer: Synthesizer | None = None,
    ) -> None:
        """Make a handle; bots are given theirs.

        Args:
            ref: the call's actor.
            status: how it stood when the bot was told of it.
            record: the promise of its detail record, which outlives the call's actor.
            folder: where relative paths of files to play begin.
            synthesizer: what says a text; None: espeak-ng.
        """
        self._ref = ref
        self._synthesizer = synthesizer
        self._record = record
        self._folder = folder
        self.id = status.id
        self.peer = Address(status.peer)
        self.direction = status.direction
        self.media = status.media

    @classmethod
    async def of(
        cls,
        ref: "CallRef",
        folder: Path,
        status: CallStatus | None = None,
        synthesizer: Synthesizer | None = None,
    ) -> Self:
        """Make the handle of a call that goes on.

        Args:
            ref: the call's actor.
            folder: where relative paths of files to play begin.
            status: how it stands; None asks the actor.
            synthesizer: what says a text; None: espeak-ng.

        Raises:
            CallOver: it is over already.
        """
        record = await _ask(ref, messages.call.Wait("ended"))
        if status is None:
            status = await _ask(ref, messages.call.GetStatus())
        return cls(ref, status, record, folder, synthesizer)

    def __repr__(self) -> str:
        return f"<Call {self.id} {self.direction} {self.peer}>"

    @property
    def ref(self) -> "CallRef":
        """The call's actor, for what ties calls together."""
        return self._ref

    async def answer(
        self,
        *,
        audio: Playable = "silence",
        video: Playable = None,
        record: bool = False,
        wav: bool = False,
        like: "Call | None" = None,
    ) -> None:
        """Answer the call, and return once media flows.

        Args:
            audio: what to send at first: see `callboard.bots.source`.
            video: what to show; None shows nothing, and still receives the peer's video.
            record: whether to record both directions; `recordings` has the recording then.
            wav: whether to record audio as stereo WAV, with us on the left and the peer on the
                right.
            like: a call whose codecs are preferred, so that a bridge with it need not transcode.

        Raises:
            CallOver: the call ended before that, or ``like`` is over.
            SourceError: there is no such source, or it can't be played.
            TypeError: an argument is of the wrong type.
            ValueError: the call goes out, so the peer answers it.
        """
        argument_checks.flag("record", record)
        argument_checks.flag("wav", wav)
        sounds = await find_source(audio, self._folder, "audio")
        shows = await find_source(video, self._folder, "video")
        await self._until(
            messages.call.Answer(sounds, shows, record, wav, await codecs_of("like", like))
        )

    async def decline(self, reason: Reason = Reason.DECLINE) -> None:
        """Decline a call that rings here. Does nothing if it has ended already.

        Args:
            reason: what to tell the peer (XEP-0166 §7.4).

        Raises:
            TypeError: the reason is no text.
            ValueError: it is not a reason; or the call has been answered, or goes out, so that
                `hangup` ends it.
        """
        known = argument_checks.reason("reason", reason)
        with suppress(CallOver):
            await self._ask(messages.call.Decline(known))

    async def hangup(self, reason: Reason = Reason.SUCCESS) -> None:
        """End the call, whatever its state. Does nothing if it has ended already.

        Args:
            reason: what to tell the peer (XEP-0166 §7.4).

        Raises:
            TypeError, ValueError: it is not a reason.
        """
        known = argument_checks.reason("reason", reason)
        if self._ref.is_alive():
            self._ref.tell(messages.call.Hangup(known))

    async def connected(self) -> None:
        """Return once media flows.

        Raises:
            CallOver: the call ended before that.
        """
        await self._until(messages.call.Wait("connected"))

    async def ended(self) -> CallRecord:
        """Wait for the end of the call, and return its detail record."""
        return await self._record

    async def play(
        self,
        playable: Playable,
        *,
        kind: Kind = "audio",
        wait: bool = True,
        until: Until = None,
        loop: bool | int = False,
    ) -> Playback:
        """Send something else from now on, and return once it has been played.

        For something without an end (a tone, a clock pattern, silence, a loop, an echo), return at
        once, unless ``until`` gives it one.

        Args:
            playable: see `callboard.bots.source`; a file's path is relative to the YAML file. A
                list is played one after the other, without a gap.
            kind: audio or video.
            wait: whether to return only when it has been played; if not, the playback's ``ended``
                can be awaited.
            until: ends it early: ``speech`` (or `Speaks`, with limits) when the peer begins to
                speak, ``digit`` when it presses a key; an `asyncio.Event`, or anything else that
                can be awaited.
            loop: True repeats it for ever, a number plays it so often.

        Returns:
            What is played, to stop, seek or change its volume.

        Raises:
            CallOver: the call ended before that.
            SourceError: there is no such source, or it can't be played.
            SpeechError: the extra ``speech`` is not installed, for ``until="speech"``.
            TypeError: an argument is of the wrong type.
            ValueError: the call sends nothing of this kind, or a value is out of range.
        """
        argument_checks.kind("kind", kind)
        argument_checks.flag("wait", wait)
        cue, awaited = split(until)
        times = argument_checks.times("loop", loop)
        found = await find_source(playable, self._folder, kind, times) or media.Silence()
        waited = () if awaited is None else (awaited,)
        playback = await self._start(kind, found, waited, cue)
        if wait and (until is not None or found.has_end):
            await playback.ended
        return playback

    async def say(
        self,
        text: str,
        *,
        voice: str | None = None,
        rate: int | None = None,
        wait: bool = True,
        until: Until = None,
        synthesizer: Synthesizer | None = None,
    ) -> Playback:
        """Say something, and return once it has been said. It is heard as it is synthesized.

        Args:
            text: what to say, in up to 10,000 characters.
            voice: one of the synthesizer's, as ``de`` or ``en-us``; None for its usual one.
            rate: words a minute, 80 to 450; None for its usual one.
            wait: whether to return only when it has been said.
            until: ends it early, as with `play`.
            synthesizer: what speaks; None for `Bot.synthesizer`.

        Returns:
            What is said, to stop it or change its volume.

        Raises:
            CallOver: the call ended before that.
            SourceError: espeak-ng is not installed or has no such voice, or the synthesizer failed.
            TypeError: an argument is of the wrong type.
            ValueError: the call sends no audio, or a value can't be used.
        """
        argument_checks.flag("wait", wait)
        cue, awaited = split(until)
        utterance = argument_checks.utterance(text, voice, rate)
        speaker = argument_checks.synthesizer("synthesizer", synthesizer or self._synthesizer)
        await check(speaker, utterance.voice)
        feed = speaker.feed()
        spoken = speak(speaker, utterance, feed)
        playback = await self._start(
            "audio", feed, (spoken,) if awaited is None else (spoken, awaited), cue
        )
        if wait:
            await playback.ended
        return playback

    async def _start(
        self,
        kind: Kind,
        found: "media.Source",
        until: tuple[asyncio.Event | Awaitable[Any], ...],
        cue: "Cue | None",
    ) -> Playback:
        waiter = first_of(*until) if until else None
        try:
            return Playback(
                self._ask, await self._ask(messages.call.Play(kind, found, waiter, cue))
            )
        except BaseException:
            if waiter is not None:
                waiter.cancel()
            raise

    async def record(
        self, direction: Literal["received", "sent", "both"] = "both", *, wav: bool = False
    ) -> Recording:
        """Start a recording. A call may have several, also at the same time (16 at most).

        Args:
            direction: what to record: what the peer sends, what we send, or both.
            wav: whether to record audio as WAV: stereo with us on the left, or mono for one
                direction.

        Returns:
            The recording. It ends with the call, or by its `stop`.

        Raises:
            CallOver: the call is over.
            TypeError: an argument is of the wrong type.
            ValueError: there is no such direction, or 16 recordings go on already.
        """
        directions = argument_checks.directions("direction", direction)
        message = messages.call.Record(directions, argument_checks.flag("wav", wav))
        return Recording(self._ref, await self._ask(message))

    async def recordings(self) -> list[Recording]:
        """Return all recordings of the call so far, in the order in which they began.

        Raises:
            CallOver: the call is over: its record has them.
        """
        return [
            Recording(self._ref, each) for each in await self._ask(messages.call.GetRecordings())
        ]

    async def mute(self, kind: Kind = "audio", on: bool = True) -> None:
        """Send silence or black instead of what is played, and tell the peer (XEP-0167 §8).

        Args:
            kind: audio or video.
            on: mute, or unmute.

        Raises:
            CallOver: the call is over.
            TypeError: an argument is of the wrong type.
        """
        await self._ask(
            messages.call.Mute(argument_checks.kind("kind", kind), argument_checks.flag("on", on))
        )

    async def pause(self, kind: Kind = "video", on: bool = True) -> None:
        """Stop or resume sending a kind of media, and return once the peer knows.

        `mute` sends silence or black instead; this sends nothing, and tells the peer by changing
        who sends (XEP-0166 §7.2.3). It does not stop what the peer sends.

        Args:
            kind: audio or video.
            on: pause, or continue where it stopped.

        Raises:
            CallOver: the peer refused, which changes nothing; or the call is not connected, or has
                ended.
            TypeError: an argument is of the wrong type.
            ValueError: the call sends nothing of this kind.
        """
        await self._until(
            messages.call.Pause(argument_checks.kind("kind", kind), argument_checks.flag("on", on))
        )

    async def press(self, digits: str, *, duration: str | float = "100ms") -> None:
        """Press keys for the peer to hear (RFC 4733), and return once the last one was sent.

        They go out one after another in the place of the sound: what is played stands still
        meanwhile. If the call is not connected yet, this waits until it is.

        Args:
            digits: 0-9, ``*``, ``#`` and A-D; a comma waits for two seconds.
            duration: how long each is pressed: 40ms to 60s, or a number of seconds.

        Raises:
            CallOver: the call ended before that.
            TypeError: an argument is of the wrong type.
            ValueError: there is something else in ``digits``, the duration is out of range, more
                than 256 keys would wait, the call sends no audio, or the peer takes no keys.
        """
        wanted = argument_checks.digits("digits", digits)
        seconds = argument_checks.press_duration("duration", duration)
        await self.connected()
        await self._until(messages.call.Press(wanted, seconds))

    def digits(self) -> AsyncGenerator[str, None]:
        """Iterate over the keys that the peer presses, until the call ends.

        Keys wait until they are read, the last 64 of them, so a caller can press ahead of a menu.
        Each is read once: by this, or by `read_digits`. `Bot.on_digit` is told of all of them.

        Raises:
            CallOver: the call is over.
        """
        return self._digits()

    async def _digits(self) -> AsyncGenerator[str, None]:
        async for digit in await self._ask(messages.call.ListenToDigits()):
            yield digit

    async def read_digits(
        self,
        count: int | None = None,
        *,
        end: str | None = None,
        timeout: str | float | None = None,
        fresh: bool = False,
    ) -> str:
        """Read keys that the peer presses, until one of the arguments says that it is enough.

        Args:
            count: how many are wanted.
            end: the key, or keys, after which no more is wanted; it is not part of the answer.
                None: there is none.
            timeout: how long to wait for the first one, and for each one after another, as "5s" or
                a number of seconds; None waits as long as the call lasts.
            fresh: whether to forget what was pressed before and not read yet.

        Returns:
            What was pressed; less than ``count``, or "", if the time was over or ``end`` came.

        Raises:
            CallOver: the call ended before that.
            TypeError: an argument is of the wrong type.
            ValueError: an argument is out of range, or there are neither ``count``, ``end`` nor
                ``timeout``.
        """
        most = None if count is None else argument_checks.count("count", count)
        last = "" if end is None else argument_checks.digits("end", end, also="")
        patience = None if timeout is None else argument_checks.duration("timeout", timeout)
        argument_checks.flag("fresh", fresh)
        if most is None and not last and patience is None:
            raise ValueError("this would read until the call ends: give count, end or timeout")
        waiting = await self._ask(messages.call.ListenToDigits(fresh))
        found = ""
        while most is None or len(found) < most:
            try:
                async with asyncio.timeout(patience):
                    digit = await anext(waiting)
            except TimeoutError:
                break
            except StopAsyncIteration:
                await self._record
                raise CallOver(self._ref.last_words) from None
            if digit in last:
                break
            found += digit
        return found

    async def add(self, kind: Kind, playable: Playable) -> None:
        """Add audio or video during a call, and return once the peer accepts (XEP-0166 §7.2.2).

        Args:
            kind: audio or video.
            playable: what to send: see `callboard.bots.source`.

        Raises:
            CallOver: the peer refused, or the call is not connected, or has ended.
            SourceError: there is no such source, or it can't be played.
            TypeError: an argument is of the wrong type.
            ValueError: the call already has this kind, or there is nothing to send.
        """
        argument_checks.kind("kind", kind)
        found = await find_source(playable, self._folder, kind)
        if found is None:
            raise ValueError("there is nothing to send: give a source")
        await self._until(messages.call.AddMedia(kind, found))

    async def remove(self, kind: Kind) -> None:
        """Remove audio or video during a call, and return once the peer has (XEP-0166 §7.2.5).

        Silence or black is sent first, because some clients keep showing the last picture.

        Args:
            kind: audio or video.

        Raises:
            CallOver: the peer refused or did not answer, and gets silence or black from then on;
                or the call is not connected, or has ended.
            TypeError: an argument is of the wrong type.
            ValueError: the call does not have this kind, or has no other one.
        """
        await self._until(messages.call.RemoveMedia(argument_checks.kind("kind", kind)))

    async def send(self, data: str | bytes) -> None:
        """Send text or bytes on the data channel (XEP-0343). The peer's `Bot.on_data` gets it.

        Args:
            data: one message, of up to 64 KiB.

        Raises:
            CallOver: the call is over.
            MediaError: too many messages are waiting to be sent.
            TypeError: it is neither text nor bytes.
            ValueError: it is too long, or the call has no data channel.
        """
        await self._ask(messages.call.SendData(argument_checks.data("data", data)))

    async def restart_ice(self) -> None:
        """Look for a new route to the peer, for example after a change of network.

        Media goes on over the old addresses until the new ones connect (XEP-0176 §5.7).

        Raises:
            CallOver: the call is not connected.
        """
        await self._ask(messages.call.RestartIce())

    async def hold(self, on: bool = True, *, play: Playable = None) -> None:
        """Put the peer on hold, or resume (XEP-0167 §8).

        What was played stands still meanwhile, and then goes on where it was; what is live goes on
        as it is by then.

        Args:
            on: hold, or resume.
            play: what the peer hears while on hold, again and again; None is silence.

        Raises:
            CallOver: the call is over.
            SourceError: there is no such source, or it can't be played.
            TypeError: an argument is of the wrong type.
            ValueError: the call sends no audio, or the music is an echo.
        """
        argument_checks.flag("on", on)
        music = await find_music(play, self._folder) if on else None
        await self._ask(messages.call.Hold(on, music))

    def frames(
        self, kind: Kind = "audio", *, rate: int = 48000, layout: str = "stereo", limit: int = 50
    ) -> AsyncGenerator[Any, None]:
        """Iterate over the decoded frames that the peer sends, until the call ends.

        If the reader is slow, the oldest frames are dropped. What is decoded costs CPU until the
        iterator is closed.

        Args:
            kind: audio gives `av.AudioFrame` of 20 ms, video `av.VideoFrame`.
            rate: of audio, samples a second, in Hz: 8000 to 48000, a multiple of 50.
            layout: of audio, mono or stereo.
            limit: how many frames may wait for a slow reader, 1 to 1000; few keep the delay short.

        Raises:
            CallOver: the call is over.
            TypeError: an argument is of the wrong type.
            ValueError: there is no such rate or layout, the class has the path ``none``, or the
                call has nothing of this kind.
        """
        known = argument_checks.kind("kind", kind)
        sound = argument_checks.sound_format(rate, layout)
        return self._read(
            messages.call.Listen(known, *sound, argument_checks.waiting("limit", limit))
        )

    def speech(
        self,
        *,
        threshold: float = 0.5,
        min_speech: float | str = "30ms",
        min_silence: float | str = "500ms",
        pre_roll: float | str = "300ms",
        longest: float | str = "30s",
    ) -> "AsyncGenerator[media.Speech, None]":
        """Iterate over what the peer says, until the call ends: it begins, and it has ended.

        Gives a `SpeechBegan` as soon as the peer speaks, and a `SpeechEnded` with the sound once it
        is silent. Needs ``pip install callboard[speech]``.

        Args:
            threshold: how sure it must be that this is speech, from 0.01 to 0.99.
            min_speech: how long the peer must speak before it counts: a duration such as ``30ms``,
                or seconds; at most ``5s``.
            min_silence: how long it must be silent before the speech has ended: ``50ms`` to
                ``10s``.
            pre_roll: how much of what came before is part of the speech; at most ``5s``.
            longest: after how long speech is cut in two: ``1s`` to ``5m``.

        Raises:
            CallOver: the call is over.
            SpeechError: the extra is not installed.
            TypeError: an argument is of the wrong type.
            ValueError: an argument is out of its range, or the call has no audio.
        """
        options = media.SpeechOptions(
            argument_checks.number("threshold", threshold),
            argument_checks.duration("min_speech", min_speech),
            argument_checks.duration("min_silence", min_silence),
            argument_checks.duration("pre_roll", pre_roll),
            argument_checks.duration("longest", longest),
        )
        return self._read(messages.call.ListenForSpeech(options))

    async def _read(
        self, message: "Ask[CallActorMessage, media.ReaderQueue[R]]"
    ) -> AsyncGenerator[R, None]:
        async with aclosing(await self._ask(message)) as found:
            async for each in found:
                yield each

    async def bridge(
        self,
        other: "Call",
        *,
        on_hangup: OnHangup = "both",
        meanwhile: Playable = None,
        timeout: str | float | None = None,
    ) -> Bridge:
        """Let the peers of two calls hear and see each other, and return once they do.

        What the two calls play is replaced. Media go on as they come where the codecs agree, and
        through a decoder and an encoder where they do not: see ``like`` of `Bot.call`. Keys are
        passed on, and what a peer tells of being muted or holding. Recordings of both calls go on.

        The other call may still ring. If it ends before it is connected, this one goes on, in
        silence.

        Args:
            other: another call, of this account or another one of this program.
            on_hangup: when one ends, ``both`` hangs up the other one too, ``one`` lets it go on.
                While the other one rings, ``both`` lets it ring no longer when this one ends, or
                when this is cancelled.
            meanwhile: what the peer hears until the other one is connected, again and again; None
                is what the call plays already.
            timeout: how long to wait for the other one to be connected, such as "20s", or a number
                of seconds; it is hung up then. None waits for as long as it rings.

        Raises:
            CallOver: one is over: the text says which and why.
            SourceError: there is no such source, or it can't be played.
            TypeError: an argument is of the wrong type.
            ValueError: one is in a room or a bridge, both are the same, an argument can't be used,
                or a class has the path ``none``.
        """
        if a_call("other", other).ref == self._ref:
            raise ValueError("a call can't be bridged with itself: give another one")
        ends: OnHangup = argument_checks.one_of("on_hangup", on_hangup, get_args(OnHangup))
        patience = None if timeout is None else argument_checks.duration("timeout", timeout)
        music = await find_music(meanwhile, self._folder)
        return await Bridge.of(self._ref, other.ref, ends, music, patience)

    async def snapshot(self, format: "media.ImageFormat" = "jpeg") -> bytes:  # noqa: A002
        """Return an image of what the peer shows. No decoder runs before or after that.

        Args:
            format: ``jpeg`` or ``png``.

        Returns:
            the image, as the content of a file.

        Raises:
            CallOver: the call is over.
            SnapshotError: the peer sent no picture within five seconds, though it was asked to.
            TypeError: the format is no text.
            ValueError: there is no such format, or the call receives no video.
        """
        wanted: media.ImageFormat = argument_checks.one_of(
            "format", format, get_args(media.ImageFormat)
        )
        return await self._until(messages.call.TakeSnapshot(wanted))

    async def status(self) -> CallStatus:
        """Return how the call stands: its phase, steps and quality.

        Raises:
            CallOver: the call is over.
        """
        return await self._ask(messages.call.GetStatus())

    async def _until(self, message: "Ask[CallActorMessage, AsyncioFuture[R]]") -> R:
        # Two waits: the call takes the message at once, what it promises may take a whole call.
        promised = await self._ask(message)
        return await promised

    async def _ask(self, message: "Ask[CallActorMessage, R]") -> R:
        return await _ask(self._ref, message)


async def codecs_of(name: str, call: object) -> tuple[str, ...]:
    """Return the codecs that both sides of a call take, once they are agreed.

    Args:
        name: of the argument.
        call: the call; None has none.

    Raises:
        CallOver: it is over.
        TypeError: it is no call.
    """
    if call is None:
        return ()
    known = a_call(name, call)
    try:
        return await _ask(known.ref, messages.call.GetCodecs())
    except CallOver as over:
        raise CallOver(f"{name}: {over}") from None


def a_call(name: str, value: object) -> Call:
    """Return a call.

    Args:
        name: of the argument.
        value: what was given.

    Raises:
        TypeError: it is no call.
    """
    if not isinstance(value, Call):
        raise TypeError(f"{name} is {type(value).__name__}: give a Call")
    return value


async def _ask(ref: "CallRef", message: "Ask[CallActorMessage, R]") -> R:
    try:
        return await ref.request(message, timeout=HANDLED)
    except (ActorDeadError, MediaClosedError):  # gone, or about to hear that its media are
        raise CallOver(ref.last_words) from None
