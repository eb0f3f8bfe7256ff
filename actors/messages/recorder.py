"""What a recorder is told, and what it tells its call."""

from dataclasses import dataclass
from typing import Any

from ...media import Direction, EncodedFrame

# -- by its call -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Write:
    """Put these frames, in their order, into the file."""

    frames: tuple[tuple[Direction, EncodedFrame], ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """End the file: answered with a `Recorded`."""


# -- its answer ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a recording.

    Attributes:
        path: the file, or None if there is none.
        seconds: how long it plays.
        bytes: its size.
        failure: why there is no whole file, in a sentence, or None.
    """

    path: str | None
    seconds: float
    bytes: int
    failure: str | None

    def to_dict(self) -> dict[str, Any] | None:
        """Return what a detail record says of the file, None if there is none."""
        if self.path is None:
            return None
        return {"path": self.path, "seconds": round(self.seconds, 3), "bytes": self.bytes}
