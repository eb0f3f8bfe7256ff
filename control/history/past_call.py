"""A past call with what is left of it."""

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from ...actors.records.call_record import CallRecord
from ...actors.records.recording_outcome import Recorded

#: ``removed``: by ``keep:``; ``missing``: by somebody else; ``none``: there never was a file.
Presence = Literal["present", "removed", "missing", "none"]


class PastRecording(Struct, frozen=True):
    """A recording of a past call.

    Attributes:
        recorded: what the call's detail record has of it.
        presence: whether its file is there.
        path: where its file is, if it is there.
        removed: when it was removed, in seconds since the epoch, if it was.
    """

    recorded: Recorded
    presence: Presence
    path: Path | None = None
    removed: float | None = None


class PastCall(Struct, frozen=True):
    """A past call.

    Attributes:
        record: its detail record.
        recordings: those that the record names, in order.
    """

    record: CallRecord
    recordings: tuple[PastRecording, ...]

    @classmethod
    def of(cls, record: CallRecord, folder: Path, removed: Mapping[str, float]) -> "PastCall":
        """Look for the recordings of a call. Blocking.

        Args:
            record: its detail record.
            folder: where recordings are now, in case they were moved.
            removed: when those were removed that ``keep:`` no longer let stay, by path.
        """
        return cls(record, tuple(_found(one, folder, removed) for one in record.recordings))

    def to_json(self) -> dict[str, Any]:
        """Return the detail record as JSON has it, each recording with its ``presence``."""
        fields: dict[str, Any] = json.loads(self.record.to_json())
        for one, found in zip(fields["recordings"], self.recordings, strict=True):
            one["presence"] = found.presence
        return fields


def _found(recorded: Recorded, folder: Path, removed: Mapping[str, float]) -> PastRecording:
    if recorded.path is None:
        return PastRecording(recorded, "none")
    for path in (Path(recorded.path), folder / Path(recorded.path).name):
        if is_file(path):
            return PastRecording(recorded, "present", path)
    at = removed.get(recorded.path)
    return PastRecording(recorded, "missing" if at is None else "removed", removed=at)


def is_file(path: Path) -> bool:
    """Tell whether there is a file itself, not a link to one."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False
