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
        duration: How long it stands, in ticks of the codec's RTP clock.
        keyframe: Whether a decoder can start here.
    """

    data: bytes
    duration: int
    keyframe: bool = True


def check_type(name: str, value: object, wanted: type, words: str) -> None:
    """See that what a source is made with is of the right type; true and false are no numbers.

    Args:
        name: What it is called.
        value: What was given.
        wanted: The type that it must have.
        words: What to give instead.

    Raises:
        TypeError: It is of another one.
    """
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        raise TypeError(f"{name} is {type(value).__name__}: give {words}")


class Source(ABC):
    """Something to play. It is encoded once for each codec and shared by all legs that play it.

    Sources are immutable and equal when they would give the same media: equal sources share one
    encoding.

    Attributes:
        kinds: What it can give.
        repeats: Whether it starts again at its end.
    """

    kinds: ClassVar[frozenset[Kind]]
    repeats: bool = True

    @abstractmethod
    def encode(self, kind: Kind, codec: str) -> Iterator[Unit]:
        """Encode the source, lazily. Runs in a thread of its own, a little ahead of playing.

        It may block: then this source stops, and nothing else does. Raise a `SourceError` to say
        why it can't be played.

        Args:
            kind: "audio" or "video", one of `kinds`.
            codec: The RTP encoding name that was negotiated.

        Yields:
            The encoded frames in order. The first one, and video at least every second, can be
            decoded alone.
        """

    def check(self) -> None:  # noqa: B027 -- most can always be played
        """Find out whether it can be played, and what it can give. May block, as `encode` may.

        It is called when the source is named in a call, before anything is played.

        Raises:
            SourceError: It can't be played; the message says why.
        """

    def key(self, kind: Kind, codec: str) -> Hashable:
        """Give what makes two encodings interchangeable.

        Args:
            kind: "audio" or "video".
            codec: The RTP encoding name.

        Returns:
            A key for the cache of encodings.
        """
        return (self, kind, codec)
