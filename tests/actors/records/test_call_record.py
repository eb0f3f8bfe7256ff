import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from callboard.actors.records.call_record import (
    VERSION,
    CallRecord,
    Listener,
    RecordedBridge,
    RecordedFreeze,
)
from callboard.actors.records.recording_outcome import Recorded
from callboard.jingle import Reason


def record(**fields: object) -> CallRecord:
    whole: dict[str, object] = {
        "id": "sid",
        "account": "desk@localhost",
        "peer": "müller@localhost/phone",
        "direction": "in",
        "state": "completed",
        "reason": Reason.SUCCESS,
        "started": 1_700_000_000.0,
        "ended": 1_700_000_060.25,
    }
    return CallRecord(**{**whole, **fields})  # type: ignore[arg-type]


def test_a_record_is_one_line_of_json_with_the_fields_in_order() -> None:
    recording = Recorded.of("a\nb.ogg", 1.0, 100, None)
    line = record(reason=Reason.GENERAL_ERROR, text="two\nlines", recordings=(recording,)).to_json()
    assert "\n" not in line
    assert "müller" in line
    assert list(json.loads(line)) == [
        *("version", "uuid", "id", "account", "peer", "direction", "state", "reason", "text"),
        *("started", "ringing", "answered", "connected", "ended", "setup_ms", "steps"),
        *("media", "recordings", "freezes", "listeners", "bridges", "digits"),
    ]


def test_a_record_is_read_as_it_was_written() -> None:
    whole = record(
        text="nobody answered",
        ringing=1_700_000_000.25,
        connected=1_700_000_001.5,
        steps={"ringing": 0.25, "dtls": 1.5},
        media=({"kind": "audio", "codec": "opus", "mos": None},),
        recordings=(
            Recorded.of("recordings/a.mkv", 2.5, 1000, None),
            Recorded.of(None, 0.0, 0, "The disk is full."),
        ),
        freezes=(RecordedFreeze("video", 3.0, 0.5),),
        listeners=(Listener("anna", "received", 4.0, 10.0, "listen"),),
        bridges=(RecordedBridge("uuid", "id", "desk@localhost", "anna@localhost/x", 5.0, 6.25),),
        digits="12#",
    )
    found = CallRecord.from_json(whole.to_json())
    assert found == whole
    assert [one.kind for one in found.recordings] == ["video", None]
    assert record().uuid != record().uuid


OLD = {
    "id": "sid",
    "account": "desk@localhost",
    "peer": "alice@localhost/phone",
    "direction": "in",
    "state": "completed",
    "reason": "success",
    "started": "2023-11-14T22:13:20.000Z",
    "ringing": "2023-11-14T22:13:20.001Z",
    "answered": None,
    "connected": "2023-11-14T22:13:21.500Z",
    "ended": "2023-11-14T22:14:20.250Z",
    "setup_ms": 1500.0,
    "media": [{"kind": "audio", "codec": "opus"}],
    "recording": None,
}
FILE = {"path": "recordings/a.ogg", "seconds": 58.7, "bytes": 12345}
READ = Recorded("recordings/a.ogg", "audio", 58.7, 12345, None)


@pytest.mark.parametrize(
    ("words", "recording", "reason", "text", "recordings"),
    [
        ("success", None, Reason.SUCCESS, "", ()),
        ("success", FILE, Reason.SUCCESS, "", (READ,)),
        ("timeout: nobody: at all", None, Reason.TIMEOUT, "nobody: at all", ()),
        (
            "success; no whole recording: The disk is full; free some space.",
            None,
            Reason.SUCCESS,
            "",
            (Recorded(None, None, 0.0, 0, "The disk is full; free some space."),),
        ),
        (
            "gone: the account has ended; no whole recording: It stops: early",
            FILE,
            Reason.GONE,
            "the account has ended",
            (replace(READ, failure="It stops: early"),),
        ),
    ],
)
def test_a_line_of_version_1_is_read(
    words: str, recording: object, reason: Reason, text: str, recordings: tuple[Recorded, ...]
) -> None:
    line = json.dumps({**OLD, "reason": words, "recording": recording})
    found = CallRecord.from_json(line)
    assert (found.reason, found.text, found.recordings) == (reason, text, recordings)
    assert (found.started, found.connected) == (1_700_000_000.0, 1_700_000_001.5)
    assert found.setup_ms == 1500.0
    assert found == CallRecord.from_json(line), "the same line has the same uuid"
    assert json.loads(found.to_json())["version"] == VERSION
    assert CallRecord.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "null",
        "17",
        '"text"',
        "{}",
        "[" * 100_000,
        '{"version": 0}',
        '{"version": "2"}',
        '{"version": null}',
        json.dumps({**OLD, "reason": "bad weather"}),
        json.dumps({**OLD, "reason": None}),
        json.dumps({**OLD, "state": "lost"}),
        json.dumps({**OLD, "started": "yesterday"}),
        json.dumps({**OLD, "started": None}),
        json.dumps({**OLD, "ended": 17}),
        json.dumps({**OLD, "recording": {"path": "a.ogg"}}),
        json.dumps({**json.loads(record().to_json()), "recordings": [{"path": "a.ogg"}]}),
    ],
)
def test_what_is_no_record_is_a_value_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"^no detail record: "):
        CallRecord.from_json(line)


def test_a_record_of_a_newer_version_says_what_to_do() -> None:
    line = json.dumps({**json.loads(record().to_json()), "version": VERSION + 1})
    with pytest.raises(ValueError, match=r"of version 3.* update Callboard"):
        CallRecord.from_json(line)


def test_times_are_iso_8601_in_utc_and_what_never_was_is_null() -> None:
    found = json.loads(record(connected=1_700_000_001.5).to_json())
    assert found["started"] == "2023-11-14T22:13:20.000Z"
    assert found["ended"] == "2023-11-14T22:14:20.250Z"
    assert datetime.fromisoformat(found["ended"]) == datetime.fromtimestamp(1_700_000_060.25, UTC)
    assert found["ringing"] is None
    assert found["answered"] is None


def test_setup_is_from_the_beginning_to_connected_media() -> None:
    assert record().setup_ms is None
    assert record(connected=1_700_000_000.1234).setup_ms == 123.4


def test_a_call_lasts_from_connected_media_to_its_end() -> None:
    assert record(ended=1_700_000_009.0).seconds == 0.0
    assert record(connected=1_700_000_001.5, ended=1_700_000_009.0).seconds == 7.5


@pytest.mark.parametrize(
    ("reason", "text", "state", "why"),
    [
        (Reason.BUSY, "calls.limit is 1", "busy", "busy: calls.limit is 1"),
        (Reason.DECLINE, "", "declined", "decline"),
        (Reason.UNSUPPORTED_APPLICATIONS, "", "failed", "unsupported-applications"),
    ],
)
def test_a_refused_call_has_a_record_too(reason: Reason, text: str, state: str, why: str) -> None:
    found = CallRecord.refused("sid", "desk@localhost", "eve@localhost/x", reason, text)
    assert (found.state, found.reason, found.text) == (state, reason, text)
    assert found.why == why
    assert found.direction == "in"
    assert found.connected is None
    assert found.started == found.ended
    assert json.loads(found.to_json())["media"] == []
