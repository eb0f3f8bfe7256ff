"""Each report, as ``--json`` prints it and clients are told it."""

import dataclasses
import io
import json
import logging
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from callboard.actors.messages.exchange import (
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
from callboard.actors.records.call_record import (
    CallRecord,
    Listener,
    RecordedBridge,
    RecordedFreeze,
)
from callboard.actors.records.recording_outcome import Recorded
from callboard.cli.views.line_view import LineView
from callboard.cli.views.printable import printable
from callboard.cli.views.sentences import sentence
from callboard.control.history.retention import RecordingsRemoved
from callboard.control.instance.events import EVENTS_OF, event_of, live_call, log_event
from callboard.control.instance.log_entry import log_entry
from callboard.control.instance.reported import Reported
from callboard.control.models.events import EVENTS, LiveCall, LiveMedia
from callboard.jingle import Reason
from callboard.media import FinishedRecording, MediaStatistics

MEDIA = MediaStatistics("audio", "opus", 5, 4, 1, 15.25, None, 4.31, 1, 2, 440.0)
#: What is told of a call that goes on, and stands in no record.
LIVE_ONLY = ("reordered", "peer_mos")
REPORTS = [
    AccountChanged("a@b.c", "waiting", "try it\udcff again"),
    AccountReady("a@b.c", {"tcp": 0.1}),
    AccountRemoved("a@b.c"),
    PresenceReturned("a@b.c", "well", "away"),
    ReceiptReceived("a@b.c", "d@e.f/x", "1"),
    ChatMessage("a@b.c", "d@e.f/x", "in", "peer", "1", "words"),
    ChatMessageBounced("a@b.c", "d@e.f/x", "1"),
    CallStatus(
        *("1", "a@b.c", "d@e.f/x", "out", "connected", ("audio",), 1.5, {"ice": 0.2}, (MEDIA,)),
        held=True,
        muted=("audio",),
        holds=True,
        mutes=("video",),
        recording=True,
    ),
    DigitPressed("1", "a@b.c", "d@e.f/x", None),
    BotFailed("a@b.c", "Desk", "KeyError: \ud800"),
    CallRecord(
        *("1", "a@b.c", "d@e.f/x", "in", "failed", Reason.MEDIA_ERROR, 1.0, 5.0, "no\u2028way"),
        connected=2.0,
        steps={"ice": 0.25},
        media=({k: v for k, v in dataclasses.asdict(MEDIA).items() if k not in LIVE_ONLY},),
        recordings=(Recorded("/x/y.mkv", "video", 1.5, 7, None),),
        freezes=(RecordedFreeze("video", 1.0, 0.5),),
        listeners=(Listener("eve", "take-over", 1.0, 2.0, "talk"),),
        bridges=(RecordedBridge("u", "2", "a@b.c", "g@h.i/x", 1.0, 2.0),),
        digits="12",
    ),
    FinishedRecording(Path("/x/y.mkv"), 1.5, 7),
    RecordingsRemoved(3, 4000, 2, 1, 5, is_all=False),
]


def holdable(value: Any) -> Any:
    """What UTF-8 can hold of a text, and what is in a list or a mapping."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {key: holdable(each) for key, each in value.items()}
        case list() | tuple():
            return [holdable(each) for each in value]
    return value


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: type(report).__name__)
def test_all_that_a_report_has_is_told(report: Any) -> None:
    if isinstance(report, CallRecord):
        fields = json.loads(report.to_json())
    else:
        plain = (
            msgspec.structs.asdict(report)
            if isinstance(report, msgspec.Struct)
            else dataclasses.asdict(report)
        )
        fields = json.loads(json.dumps(plain, default=str))
    if isinstance(report, ChatMessage):
        del fields["body"]  # that is for those alone who ask for the messages of a conversation
    event = event_of(report, 0.25)
    told = event.model_dump(mode="json")
    assert told == {
        "time": "1970-01-01T00:00:00.250Z",
        "event": type(report).__name__,
        **holdable(fields),
    }
    assert list(told)[:2] == ["time", "event"]
    assert EVENTS.validate_json(event.model_dump_json()) == event


def test_each_kind_of_report_has_its_event() -> None:
    assert set(EVENTS_OF) == set(get_args(Reported))
    assert {type(report) for report in REPORTS} == set(EVENTS_OF)


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: type(report).__name__)
def test_what_has_a_sentence_is_printed_by_lines_too(report: Reported) -> None:
    stream = io.StringIO()
    LineView(stream).show(report)
    words = sentence(event_of(report, 0.0))
    printed = [line.split(" ", 2)[2] for line in stream.getvalue().splitlines()]
    assert printed == ([] if words is None else [printable(words)])


@pytest.mark.parametrize(("model", "told"), [(LiveCall, CallStatus), (LiveMedia, MediaStatistics)])
def test_a_field_that_is_added_is_told_too(model: Any, told: Any) -> None:
    assert list(model.model_fields) == [field.name for field in dataclasses.fields(told)]


def test_how_a_call_stands_is_the_same_in_an_event_and_in_an_answer() -> None:
    [status] = [report for report in REPORTS if isinstance(report, CallStatus)]
    event = event_of(status, 0.0).model_dump(exclude={"time", "event"})
    assert live_call(status).model_dump() == event


def test_a_line_of_the_log_is_an_event() -> None:
    record = logging.LogRecord("callboard.x", logging.WARNING, "", 0, "well, %d", (5,), None)
    record.created, record.account = 1.5, "a@b.c"
    assert log_event(log_entry(record)).model_dump(exclude_none=True) == {
        "time": "1970-01-01T00:00:01.500Z",
        "event": "Log",
        "level": "WARNING",
        "logger": "callboard.x",
        "message": "well, 5",
        "account": "a@b.c",
    }
