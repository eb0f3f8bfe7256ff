"""What became of a recording: its files, as the detail record has them."""

from dataclasses import replace
from pathlib import Path, PurePath
from typing import Literal, Self

from ..runtime.message import message

#: What a recording holds; ``mix`` is what all said in a room that the call was in.
RecordedDirection = Literal["sent", "received", "both", "mix"]


@message
class Recorded:
    """One file of a recording, for its call's detail record.

    Attributes:
        path: the file, or None if there is none.
        kind: whether the file has pictures (``video``) or sound alone; None if there is none.
        seconds: how long it plays.
        octets: its size.
        failure: why there is no whole file, in a sentence, or None.
        direction: what was recorded.
    """

    path: str | None
    kind: Literal["audio", "video"] | None
    seconds: float
    octets: int
    failure: str | None
    direction: RecordedDirection = "both"

    @classmethod
    def of(
        cls,
        path: str | None,
        seconds: float,
        octets: int,
        failure: str | None,
        direction: RecordedDirection = "both",
    ) -> Self:
        """Return what became of a recording, its kind read from the file's name."""
        kind: Literal["audio", "video"] | None = None
        if path is not None:
            kind = "video" if PurePath(path).suffix == ".mkv" else "audio"
        return cls(path, kind, round(seconds, 3), octets, failure, direction)


@message
class RecordingOutcome:
    """What became of a recording.

    Attributes:
        files: its files as the call's detail record has them: one, or several if the codec
            changed; without a path if there is none.
    """

    files: tuple[Recorded, ...]

    def of_mix(self) -> "RecordingOutcome":
        """Return the same of what all said in a room."""
        return RecordingOutcome(tuple(replace(one, direction="mix") for one in self.files))

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files, in order."""
        return tuple(Path(one.path) for one in self.files if one.path is not None)

    @property
    def path(self) -> Path | None:
        """The file, or the first of several; None if there is none."""
        return next(iter(self.paths), None)

    @property
    def seconds(self) -> float:
        """How long it plays, in seconds."""
        return round(sum(one.seconds for one in self.files), 3)

    @property
    def bytes(self) -> int:
        """Its size in octets."""
        return sum(one.octets for one in self.files)

    @property
    def failure(self) -> str | None:
        """Why there is no file, or not all of it, in a sentence; None if all is well."""
        return next((one.failure for one in self.files if one.failure is not None), None)
