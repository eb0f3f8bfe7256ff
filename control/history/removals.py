"""Which recordings were removed because they were old or too many."""

import json
import math
from pathlib import Path
from typing import Literal, Self

from msgspec import Struct

SUFFIX = ".removed"

#: The key of ``keep:`` that had it removed.
Why = Literal["for", "size"]


class Removal(Struct, frozen=True):
    """A recording that was removed, as a line of ``calls.jsonl.removed`` has it.

    The line is written before the file goes, so that a kill between the two leaves no recording
    of which nobody knows where it has gone.

    Attributes:
        path: the recording's, as its call's detail record has it.
        at: when, in seconds since the epoch.
        why: which limit it was beyond.
    """

    path: str
    at: float
    why: Why

    @classmethod
    def from_json(cls, line: bytes | str) -> Self:
        """Read a line.

        Raises:
            ValueError: it is none of ours.
        """
        fields = json.loads(line)
        match fields:
            case {"path": str(path), "at": int() | float() as at, "why": "for" | "size" as why}:
                if math.isfinite(at):
                    return cls(path, float(at), why)
        raise ValueError(f"no removal: {line!r:.80}")

    def to_json(self) -> str:
        """Return it as a line, without the line break."""
        return json.dumps({"path": self.path, "at": round(self.at, 3), "why": self.why})


def removals_of(records: Path) -> Path:
    """Return where the removals stand that belong to a file of detail records."""
    return records.with_name(records.name + SUFFIX)
