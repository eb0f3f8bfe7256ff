"""What a leg can play: the base of all sources."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from ..frames.frame import Kind


@dataclass(frozen=True, slots=True)
class Unit:
    """One encoded frame of a source, as it is kept for all legs that play it.

    Attributes:
        data: The whole encoded frame; H264 in Annex B format.
        duration: How long it lasts, in ticks of the codec's RTP clock.
        keyframe: Whether a decoder can start here.
    """

    data: bytes
    duration: int
    keyframe: bool = True


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


class Source(ABC):
    """Something to play, encoded once for each codec and shared by all legs that play it.

    Sources are immutable. Two that give the same media are equal, and share one encoding.

    Attributes:
        kinds: The kinds of media that it has.
        repeats: Whether it starts again at its end.
    """

    kinds: ClassVar[frozenset[Kind]]
    repeats: bool = True

    @abstractmethod
    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Encode the source, lazily. Runs in a thread of its own, a little ahead of playing.

        It may block: that stops this source and nothing else. Raise a `SourceError` to say why it
        can't be played.

        Args:
            kind: "audio" or "video", one of `kinds`.
            codec: The RTP encoding name that was negotiated.

        Yields:
            The encoded frames in order. The first can be decoded alone, and so can one picture a
            second at least.
        """

    def check(self) -> None:  # noqa: B027 -- most can always be played
        """Find out whether the source can be played, and which kinds it has. May block.

        Called when a call names the source, before anything is played.

        Raises:
            SourceError: It can't be played; the message says why.
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
