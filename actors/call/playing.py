"""What a call plays to its peer."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from ...media import (
    Playback,
    PlaybackEnded,
    PlaybackStuck,
    SourceError,
    Speech,
    SpeechBegan,
    SpeechOptions,
    shown,
    told,
)
from ..messages.call import (
    CallOver,
    Hold,
    Interrupted,
    Mute,
    Play,
    SeekPlayback,
    SetGain,
    Started,
    StopPlayback,
)
from ..runtime.actor import handles
from .shared_parts import SharedParts

log = logging.getLogger(__name__)


class Playing:
    """Plays what the bot wants played, or silence and black in its place.

    Args:
        parts: the call's.
        on_hold: called when the bot has put the peer on hold, or has taken it back.
    """

    def __init__(self, parts: SharedParts, on_hold: Callable[[], None]) -> None:
        self._on_hold = on_hold
        self._parts = parts
        self._until_digit: set[Playback] = set()

    @handles(Play)
    def play(self, message: Play) -> Started:
        """Send another source from now on.

        Raises:
            SpeechError: it is to end when the peer speaks, and the extra ``speech`` is missing.
            ValueError: the source has nothing of the kind, or nothing of the kind is sent; or no
                audio is received, in which the peer could speak.
        """
        media = self._parts.leg.connection.media
        cue = message.cue
        ear = _Ear(self._parts, cue) if isinstance(cue, SpeechOptions) else None
        try:
            playback = media.play(message.kind, message.source)
        except BaseException:
            if ear is not None:
                ear.close()
            raise
        ended = self._parts.waiters.add(playback)
        if ear is not None:
            ear.playback = playback
            ended.add_done_callback(lambda _: ear.close())
        if cue == "digit":
            self._until_digit.add(playback)
            ended.add_done_callback(lambda _: self._until_digit.discard(playback))
        until = message.until
        if until is not None:
            until.add_done_callback(self._interrupts(playback))
            ended.add_done_callback(lambda _: until.cancel())
        return Started(playback, ended)

    def _interrupts(self, playback: Playback) -> Callable[[asyncio.Future[Any]], None]:
        ref = self._parts.owner.actor_ref

        def interrupt(until: asyncio.Future[Any]) -> None:
            error = None if until.cancelled() else until.exception()
            ref.post(Interrupted(playback, error))

        return interrupt

    def digit_began(self) -> None:
        """The peer presses a key: end what was to be played until then."""
        for playback in tuple(self._until_digit):
            playback.stop()

    @handles(Interrupted)
    def interrupted(self, message: Interrupted) -> None:
        """End a playback early: what it was to be played until has come."""
        error = message.error
        if isinstance(error, Exception):
            if not isinstance(error, CallOver) and not message.playback.is_over:
                self._ended_early(told(error))
            self._parts.waiters.settle(message.playback, error)
        message.playback.stop()

    @handles(SeekPlayback)
    def seek(self, message: SeekPlayback) -> None:
        """Go to another moment of what is played.

        Raises:
            SourceError: the source can't be opened any more.
            ValueError: there is no such moment.
        """
        message.playback.seek(message.seconds)

    @handles(SetGain)
    def gain(self, message: SetGain) -> None:
        """Change the volume of what is played.

        Raises:
            ValueError: it has no volume that can be changed.
        """
        message.playback.gain(message.decibels)

    @handles(StopPlayback)
    def stop(self, message: StopPlayback) -> None:
        """Play it no more: silence or black follows."""
        message.playback.stop()

    def ended(self, event: PlaybackEnded) -> None:
        """Tell who waits for it that a source has ended."""
        failure = event.playback.failure
        if failure is not None:
            self._ended_early(failure)
        self._parts.waiters.settle(
            event.playback, None if failure is None else SourceError(failure)
        )

    def stuck(self, event: PlaybackStuck) -> None:
        """Say whose peer hears or sees nothing, and because of what."""
        playback = event.playback
        words = "%s: nothing is sent of its %s, as %s has given nothing for %.0f s: it blocks"
        log.warning(
            words, self._parts.owner, playback.kind, shown(playback.source, str), event.seconds
        )

    def _ended_early(self, why: str) -> None:
        log.warning("%s: what it played ended early: %s", self._parts.owner, why)

    @handles(Mute)
    def mute(self, message: Mute) -> None:
        """Send silence or black, or go on, and tell the peer (XEP-0167 §8)."""
        self._parts.leg.connection.media.mute(message.kind, message.on)
        self._parts.informing.mute(message.kind, message.on)
        progress, kinds = self._parts.progress, frozenset((message.kind,))
        progress.mutes = progress.mutes | kinds if message.on else progress.mutes - kinds
        progress.report()

    @handles(Hold)
    def hold(self, message: Hold) -> None:
        """Put the peer on hold, or take it back, and tell it (XEP-0167 §8).

        Raises:
            ValueError: the music has no sound, or the call sends none.
        """
        self._parts.leg.hold(message.on, message.music)
        self._parts.informing.hold(message.on)
        self._on_hold()
        self._parts.progress.holds = message.on
        self._parts.progress.report()


class _Ear:
    """Listens for the peer's speech while something is played until it comes.

    Args:
        parts: the call's.
        options: what counts as speech.

    Attributes:
        playback: what ends then.
    """

    def __init__(self, parts: SharedParts, options: SpeechOptions) -> None:
        self.playback: Playback | None = None
        self._ref = parts.owner.actor_ref
        self._hearing = parts.leg.connection.media.received.hear_speech(options, self._heard)

    def close(self) -> None:
        """Listen no more."""
        self._hearing.close()

    def _heard(self, speech: Speech) -> None:
        if isinstance(speech, SpeechBegan) and self.playback is not None:
            self._ref.post(Interrupted(self.playback, None))
