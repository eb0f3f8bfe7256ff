"""What a leg can play: the base of all sources."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable, Iterator
from functools import partial
from typing import ClassVar

from ..frames.codec import CLOCK_RATES
from ..frames.frame import Kind
from .clip import Clips
from .unit import SourceReader, Unit


def check_type(name: str, value: object, wanted: type, words: str) -> None:
    """Check the type of an argument of a source. True and False are not numbers.

    Args:
        name: The argument's name.
        value: The argument.
        wanted: The type that it must have.
        words: What to give instead, for the message.

    Raises:
        TypeError: It has another type.
    """
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise TypeError(f"{name} is {type(value).__name__}: give {words}")


def is_async(function: object) -> bool:
    """Tell whether a function gives something to be awaited in the place of its result.

    Args:
        function: Of a bot's author.
    """
    while isinstance(function, partial):
        function = function.func
    called = getattr(type(function), "__call__", None)  # noqa: B004 -- an object that is called
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


class Source(ABC):
    """Something to play, encoded once for each codec and shared by all legs that play it.

    Sources are immutable. Two that give the same media are equal, and share one encoding.

    Attributes:
        kinds: The kinds of media that it has.
        repeats: Whether it starts again at its end.
        is_written: Whether a program gives what is played when it likes to, so that one that gives
            nothing is in order.
    """

    kinds: ClassVar[frozenset[Kind]]
    repeats: bool = True
    is_written: ClassVar[bool] = False

    def __str__(self) -> str:
        """Name it in a sentence for people; `repr` says how it was made."""
        return type(self).__name__

    @property
    def has_end(self) -> bool:
        """Whether it ends by itself some time; else it is played until something else is."""
        return not self.repeats

    @abstractmethod
    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Encode the source, lazily. Runs in a thread of its own, a little ahead of playing.

        It may block: that stops this source and nothing else. Raise a `SourceError` to say why it
        can't be played.

        Args:
            kind: "audio" or "video", one of `kinds`.
            codec: The RTP encoding name that was negotiated.

        Yields:
            The encoded frames in order. The first can be decoded alone, and so can one picture in
            two seconds at least.
        """

    def encode_from(self, start: float, kind: Kind, codec: str) -> Iterator[Unit]:
        """Encode the source from a later moment on: for a leg that goes on where others left.

        What comes before that is encoded in vain, unless a source knows better.

        Args:
            start: Seconds of playing, since the beginning.
            kind: "audio" or "video", one of `kinds`.
            codec: The RTP encoding name.

        Yields:
            The encoded frames, as `encode` does.
        """
        left = round(start * CLOCK_RATES[codec])
        for unit in self.encode(kind, codec):
            if left <= 0:
                yield unit
            left -= unit.duration

    def check(self) -> None:  # noqa: B027 -- most can always be played
        """Find out whether the source can be played, and which kinds it has. May block.

        Called when a call names the source, before anything is played.

        Raises:
            SourceError: It can't be played; the message says why.
        """

    def open(self, kind: Kind, codec: str) -> SourceReader:
        """Begin to read the source for one leg. On the loop; must not block.

        Args:
            kind: "audio" or "video", one of `kinds`.
            codec: The RTP encoding name.

        Returns:
            A reader at the beginning.

        Raises:
            SourceError: The codec is unknown.
        """
        return Clips.running().open(self, kind, codec)

    def open_at(self, kind: Kind, codec: str, seconds: float) -> SourceReader:
        """Begin to read the source for one leg at a later moment. On the loop; must not block.

        Args:
            kind: "audio" or "video", one of `kinds`.
            codec: The RTP encoding name.
            seconds: Of playing, since the beginning.

        Returns:
            A reader there, or at the end if it is over by then; of video, at the last key frame
            before.

        Raises:
            SourceError: The codec is unknown.
            ValueError: It is made while it is played.
        """
        reader = Clips.running().open(self, kind, codec)
        reader.wind(round(seconds * CLOCK_RATES[codec]))
        return reader

    def call_over(self, last_words: Callable[[], Awaitable[str]]) -> None:  # noqa: B027 -- most tell nobody
        """Be told that the call that plays this, or was to, is over.

        Args:
            last_words: Returns a sentence about that, once it is known why.
        """

    def key(self, kind: Kind, codec: str) -> Hashable:
        """Return what two encodings must share to be interchangeable.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Returns:
            A key for the cache of encodings.
        """
        return (self, kind, codec)


class LiveSource(Source):
    """Something that is made while it is played. It belongs to one leg, and nothing of it is kept.

    What it would give while the leg is muted or paused is gone.
    """

    repeats = False

    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Return nothing: there is nothing that legs could share.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Returns:
            An empty iterator.
        """
        del kind, codec
        return iter(())

    @abstractmethod
    def open(self, kind: Kind, codec: str) -> SourceReader:
        """Begin to read the source. On the loop; must not block.

        Args:
            kind: "audio" or "video", one of `kinds`.
            codec: The RTP encoding name.

        Returns:
            A reader, one frame ahead of what is played.

        Raises:
            SourceError: It is played already, or was.
        """

    def open_at(self, kind: Kind, codec: str, seconds: float) -> SourceReader:
        """Refuse: there is no other place in it than the present.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.
            seconds: Since the beginning.

        Raises:
            ValueError: Always.
        """
        del kind, codec, seconds
        raise ValueError(f"{self} is made while it is played: there is nothing to seek in it.")
