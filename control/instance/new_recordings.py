"""Which recordings of a detail record are told for the first time."""

from collections import deque
from collections.abc import Iterator

from ...actors.records.call_record import CallRecord
from ...actors.records.recording_outcome import Recorded

#: Recordings of rooms that are remembered.
MOST = 1_000


class NewRecordings:
    """Tells the recording of a room once, though each call that was in the room has it."""

    def __init__(self) -> None:
        self._told: deque[str] = deque(maxlen=MOST)

    def of(self, record: CallRecord) -> Iterator[Recorded]:
        """Give the recordings of a call, and those of its rooms that are whole and were not told.

        Args:
            record: the call's.
        """
        for one in record.recordings:
            if one.direction != "mix":
                yield one
            elif one.path is not None and one.octets and one.path not in self._told:
                self._told.append(one.path)
                yield one
