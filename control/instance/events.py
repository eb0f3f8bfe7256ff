"""Events made of reports and of records of the log."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from ...actors.messages.exchange import (
    AccountChanged,
    AccountReady,
    AccountRemoved,
    BotFailed,
    CallStatus,
    ChatMessage,
    ChatMessageBounced,
    DigitPressed,
    PresenceReturned,
    ReceiptReceived,
)
from ...actors.records.call_record import CallRecord
from ...media import FinishedRecording
from ..history.retention import RecordingsRemoved
from ..models.events import (
    AccountChangedEvent,
    AccountReadyEvent,
    AccountRemovedEvent,
    BotFailedEvent,
    CallRecordEvent,
    CallStatusEvent,
    ChatMessageBouncedEvent,
    ChatMessageEvent,
    DigitPressedEvent,
    FinishedRecordingEvent,
    LiveCall,
    LogEvent,
    PresenceReturnedEvent,
    ReceiptReceivedEvent,
    RecordingsRemovedEvent,
    TimedEvent,
)
from .clock import iso
from .log_entry import LogEntry
from .reported import Reported

#: What is told of each kind of report.
EVENTS_OF: Mapping[type[Reported], type[TimedEvent]] = {
    AccountChanged: AccountChangedEvent,
    AccountReady: AccountReadyEvent,
    AccountRemoved: AccountRemovedEvent,
    BotFailed: BotFailedEvent,
    CallRecord: CallRecordEvent,
    CallStatus: CallStatusEvent,
    ChatMessage: ChatMessageEvent,
    ChatMessageBounced: ChatMessageBouncedEvent,
    DigitPressed: DigitPressedEvent,
    FinishedRecording: FinishedRecordingEvent,
    PresenceReturned: PresenceReturnedEvent,
    ReceiptReceived: ReceiptReceivedEvent,
    RecordingsRemoved: RecordingsRemovedEvent,
}


def event_of(report: Reported, at: float) -> TimedEvent:
    """Return the event that tells a report.

    Args:
        report: what was reported.
        at: when, in seconds since the epoch.
    """
    fields: dict[str, Any] = {"time": iso(at), "event": type(report).__name__}
    if isinstance(report, CallRecord):
        fields |= json.loads(report.to_json())
    elif isinstance(report, FinishedRecording):
        fields |= {"path": str(report.path), "seconds": report.seconds, "bytes": report.bytes}
    else:
        fields |= {name: getattr(report, name) for name in type(report).__match_args__}
    return EVENTS_OF[type(report)].model_validate(fields, from_attributes=True)


def live_call(status: CallStatus) -> LiveCall:
    """Return how a call stands."""
    return LiveCall.model_validate(status, from_attributes=True)


def log_event(entry: LogEntry) -> LogEvent:
    """Return the event that tells a line of the log."""
    return LogEvent(event="Log", **asdict(entry))
