"""What is told, and what is not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.exchange import AccountChanged, BotFailed, CallStatus
from callboard.actors.records.call_record import CallRecord
from callboard.actors.records.recording_outcome import Recorded
from callboard.control.webhooks.hooks import Hook, Hooks
from callboard.jingle import Reason
from callboard.media import FinishedRecording

DESK = "desk@localhost"
RINGS = CallStatus("1", DESK, "alice@localhost/a", "in", "ringing", ("audio",))
UP = replace(RINGS, phase="connected")
ENDS = replace(RINGS, phase="ended")
RECORD = CallRecord("1", DESK, "alice@localhost/a", "in", "completed", Reason.SUCCESS, 100.0, 110.0)
FILES = (
    Recorded.of("/r/a.ogg", 1.5, 10, None),
    Recorded.of(None, 0.0, 0, "the disk is full"),
    Recorded.of("/r/b.mkv", 2.0, 20, None),
)


def names(*reports: Any) -> list[str]:
    hooks = Hooks()
    return [hook.name for report in reports for hook in hooks.found(report)]


def account(state: Any) -> AccountChanged:
    return AccountChanged(DESK, state)


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([RINGS, RINGS, UP, ENDS, RECORD], "call-started call-ended"),
        ([RINGS, ENDS, RINGS], "call-started call-started"),
        ([RINGS, RECORD, RINGS], "call-started call-ended call-started"),
        ([RINGS, replace(RINGS, id="2")], "call-started call-started"),
        ([ENDS], ""),
        ([RECORD], "call-ended"),
        ([replace(RECORD, recordings=FILES)], "call-ended recording-ready recording-ready"),
        ([FinishedRecording(Path("/r/c.ogg"), 1.0, 5)], "recording-ready"),
        (
            [
                replace(RECORD, recordings=FILES),  # of a call that an earlier run left
                FinishedRecording(Path("/r/c.ogg"), 1.0, 5),
                FinishedRecording(Path("/r/a.ogg"), 1.5, 10),
            ],
            "call-ended recording-ready recording-ready recording-ready",
        ),
        ([account("connecting"), account("online"), account("closed")], ""),
        ([account("online"), account("waiting"), account("online")], "account-lost account-back"),
        ([account("failed")], "account-lost"),
        ([BotFailed(DESK, "Desk", "ValueError")], ""),
    ],
)  # fmt: skip
def test_what_a_report_means(reports: list[Any], expected: str) -> None:
    assert names(*reports) == expected.split()


def test_a_recording_is_told_with_its_call() -> None:
    record = replace(RECORD, recordings=FILES)
    _, first, second = Hooks().found(record)
    assert first.report == FinishedRecording(Path("/r/a.ogg"), 1.5, 10)
    assert second.report == FinishedRecording(Path("/r/b.mkv"), 2.0, 20)
    assert first.call is second.call is record


def test_the_recording_of_a_room_is_told_once_and_whole() -> None:
    going_on = Recorded.of("/r/room.ogg", 1.5, 0, None, "mix")
    whole = replace(going_on, seconds=9.0, octets=100)
    other = replace(whole, path="/r/room-2.ogg")
    found = [
        replace(RECORD, id=str(number), recordings=recordings)
        for number, recordings in enumerate([(going_on,), (whole,), (whole, other), (other,)])
    ]
    ended = "call-ended"
    ready = "recording-ready"
    assert names(*found) == [ended, ended, ready, ended, ready, ended]


def test_each_has_a_name_of_its_own() -> None:
    assert len({Hook("call-ended", RECORD).id for _ in range(100)}) == 100
