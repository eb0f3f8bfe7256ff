"""What became of a recording."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal, Self


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
