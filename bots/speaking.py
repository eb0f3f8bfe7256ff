"""What says a text: espeak-ng, or a synthesizer of a bot's own."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeGuard

from ..media import READERS, CallOver, SourceError, is_async, told

if TYPE_CHECKING:
    from ..media import Feed, Sound
    from ..media.sources.espeak import EspeakSpeech

_END = object()


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something to say.

    Attributes:
        text: what.
        voice: the name of a voice, as the synthesizer has it; None for its usual one.
        rate: words a minute; None for the usual rate.
    """

    text: str
    voice: str | None = None
    rate: int | None = None


@dataclass(frozen=True)
class Synthesizer:
    """A synthesizer of a bot's own.

    Attributes:
        speak: is given an `Utterance`, and gives its sound, best piece by piece: as int16 arrays,
            bytes or `av.AudioFrame`s. An async generator runs on the loop and must not block it; an
            ordinary generator, or another iterable, is read in a thread.
        rate: samples a second of its arrays and bytes, in Hz.
        channels: how many those have: 1 or 2.
    """

    speak: Callable[[Utterance], "Iterable[Sound] | AsyncIterable[Sound] | Sound"]
    rate: int = 16_000
    channels: int = 1

    def __post_init__(self) -> None:
        """Check the arguments.

        Raises:
            TypeError: one is of the wrong type.
            ValueError: the rate or the number of channels is out of range.
        """
        if not callable(self.speak):
            raise TypeError(f"speak is {type(self.speak).__name__}: give a function")
        if is_async(self.speak):
            raise TypeError(
                "speak is async and has no 'yield': yield its sound piece by piece, or begin it "
                "with 'def'"
            )
        self.feed()

    def feed(self) -> "Feed":
        """Make what its sound is written into."""
        from ..media import Feed  # noqa: PLC0415 - encoders come with it

        return Feed(self.rate, channels=self.channels)


def _espeak(utterance: Utterance) -> "EspeakSpeech":
    from ..media.sources.espeak import EspeakSpeech  # noqa: PLC0415 - encoders come with it

    return EspeakSpeech(utterance.text, utterance.voice, utterance.rate)


@cache
def espeak_ng() -> Synthesizer:
    """Return what says a text where a bot has nothing else."""
    return Synthesizer(_espeak)


async def check(synthesizer: Synthesizer, voice: str | None = None) -> None:
    """Find out whether there is something that speaks.

    Args:
        synthesizer: what is to speak.
        voice: the name of the voice; None: its usual one.

    Raises:
        SourceError: espeak-ng is not installed, or has no such voice.
    """
    if synthesizer is espeak_ng():
        from ..media.sources import espeak  # noqa: PLC0415 - encoders come with it

        await READERS.run(partial(espeak.check_installed, voice))


async def speak(synthesizer: Synthesizer, utterance: Utterance, feed: "Feed") -> None:
    """Write what is synthesized into a feed, as it comes, and close it; return never.

    To cancel this, as the end of the playback does, ends the synthesis.

    Args:
        synthesizer: what speaks.
        utterance: what it says.
        feed: what is played.

    Raises:
        SourceError: it can't be said.
    """
    try:
        said = await READERS.run(partial(_said, synthesizer, utterance))
        if isinstance(said, AsyncIterable):
            await _listen(aiter(said), feed)
        else:
            await _read(iter(said), feed)
    except CallOver:
        raise
    except Exception as error:
        if isinstance(error, SourceError) and synthesizer is espeak_ng():
            raise
        raise SourceError(f"The text can't be said: {told(error, synthesizer.speak)}") from error
    feed.close()
    await asyncio.get_running_loop().create_future()


def _said(synthesizer: Synthesizer, utterance: Utterance) -> Any:
    """Return what a synthesizer gives; sound that is not given piece by piece is one piece."""
    said: Any = synthesizer.speak(utterance)
    if isinstance(said, bytes | bytearray | memoryview) or type(said).__module__ == "numpy":
        return (said,)
    if isinstance(said, str) or not isinstance(said, Iterable | AsyncIterable):
        if isinstance(said, Coroutine):
            said.close()
        raise SourceError(
            f"speak returned {type(said).__name__}: let it yield int16 arrays, bytes or "
            "av.AudioFrames"
        )
    return said


async def _listen(said: "AsyncIterator[Sound]", feed: "Feed") -> None:
    try:
        async for sound in said:
            await feed.write(sound)
    finally:
        close: Any = getattr(said, "aclose", None)
        if close is not None:
            with suppress(Exception):  # it must not hide why this ends
                await close()


async def _read(said: "Iterator[Sound]", feed: "Feed") -> None:
    try:
        while True:
            sound: Any = await READERS.run(lambda: next(said, _END))
            if sound is _END:
                return
            await feed.write(sound)
    finally:
        if _is_espeak(said):
            said.close()
        with suppress(SourceError):
            READERS.run(lambda: _close(said))


def _close(said: object) -> None:
    """Let an iterator go, in a thread; one that is being read ends by itself."""
    with suppress(Exception):
        close: Any = said.reap if _is_espeak(said) else getattr(said, "close", None)
        if close is not None:
            close()


def _is_espeak(said: object) -> "TypeGuard[EspeakSpeech]":
    from ..media.sources.espeak import EspeakSpeech  # noqa: PLC0415 - encoders come with it

    return isinstance(said, EspeakSpeech)
