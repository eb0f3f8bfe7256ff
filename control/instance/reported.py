"""What an instance is told, and the events that are made of it when somebody reads them."""

from typing import TYPE_CHECKING

from ...actors.messages.exchange import Report
from ...actors.records.call_record import CallRecord
from ...media import FinishedRecording
from ..history.retention import RecordingsRemoved
from .log_entry import LogEntry

if TYPE_CHECKING:
    from ..models.events import LogEvent, TimedEvent

Reported = Report | CallRecord | FinishedRecording | RecordingsRemoved


def event_of(report: Reported, at: float) -> "TimedEvent":
    """Return the event that tells a report: see `events.event_of`."""
    from .events import event_of  # noqa: PLC0415 - models, which nobody needs before they are read

    return event_of(report, at)


def log_event(entry: LogEntry) -> "LogEvent":
    """Return the event that tells a line of the log: see `events.log_event`."""
    from .events import log_event  # noqa: PLC0415 - as above

    return log_event(entry)
