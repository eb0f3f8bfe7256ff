"""What a recorder is told, and what it tells its call."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, Self

from ...media import Direction, EncodedFrame

# -- by its call -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Write:
    """Put these frames, in their order, into the file."""

    frames: tuple[tuple[Direction, EncodedFrame], ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """End the recording: answered with a `Recorded` for each of its files."""


# -- its answer ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a recording, for its call's detail record.

    Attributes:
        path: the file, or None if there is none.
        kind: whether the file has pictures (``video``) or sound alone; None if there is none.
        seconds: how long it plays.
        octets: its size.
        failure: why there is no whole file, in a sentence, or None.
    """

    path: str | None
    kind: Literal["audio", "video"] | None
    seconds: float
    octets: int
    failure: str | None

    @classmethod
    def of(cls, path: str | None, seconds: float, octets: int, failure: str | None) -> Self:
        """Return what became of a recording, its kind read from the file's name."""
        kind: Literal["audio", "video"] | None = None
        if path is not None:
            kind = "video" if PurePath(path).suffix == ".mkv" else "audio"
        return cls(path, kind, round(seconds, 3), octets, failure)
