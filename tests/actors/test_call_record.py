import json
from datetime import UTC, datetime

import pytest
from callboard.actors.call_record import CallRecord
from callboard.jingle import Reason


def record(**fields: object) -> CallRecord:
    whole: dict[str, object] = {
        "id": "sid",
        "account": "desk@localhost",
        "peer": "müller@localhost/phone",
        "direction": "in",
        "state": "completed",
        "reason": "success",
        "started": 1_700_000_000.0,
        "ended": 1_700_000_060.25,
    }
    return CallRecord(**{**whole, **fields})  # type: ignore[arg-type]


def test_a_record_is_one_line_of_json_with_the_fields_in_order() -> None:
    line = record(reason="general-error: two\nlines", recording={"path": "a\nb"}).to_json()
    assert "\n" not in line
    assert "müller" in line
    assert list(json.loads(line)) == [
        *("id", "account", "peer", "direction", "state", "reason", "started", "ringing"),
        *("answered", "connected", "ended", "setup_ms", "media", "recording"),
    ]


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


@pytest.mark.parametrize(
    ("reason", "text", "state", "words"),
    [
        (Reason.BUSY, "calls.limit is 1", "busy", "busy: calls.limit is 1"),
        (Reason.DECLINE, "", "declined", "decline"),
        (Reason.UNSUPPORTED_APPLICATIONS, "", "failed", "unsupported-applications"),
    ],
)
def test_a_refused_call_has_a_record_too(reason: Reason, text: str, state: str, words: str) -> None:
    found = CallRecord.refused("sid", "desk@localhost", "eve@localhost/x", reason, text)
    assert (found.state, found.reason, found.direction) == (state, words, "in")
    assert found.connected is None
    assert found.started == found.ended
    assert json.loads(found.to_json())["media"] == []
