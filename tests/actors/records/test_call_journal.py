"""The calls that go on, and what the next start makes of them."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from callboard.actors.records import call_journal
from callboard.actors.records.call_journal import CallJournal, close_left
from callboard.actors.records.call_record import CallRecord, RecordedBridge
from callboard.actors.records.recording_outcome import Recorded, RecordedDirection
from callboard.jingle import Reason
from callboard.media import FinishedRecording
from callboard.tests.actors.records.test_record_file import room_for


def going_on(sid: str = "sid", **fields: object) -> CallRecord:
    whole: dict[str, object] = {
        "account": "desk@localhost",
        "peer": "alice@localhost/phone",
        "direction": "in",
        "state": "failed",
        "reason": Reason.GENERAL_ERROR,
        "text": "the program was killed",
        "started": 1_700_000_000.0,
        "ended": 1_700_000_000.0,
    }
    return CallRecord(id=sid, **{**whole, **fields})  # type: ignore[arg-type]


def journals(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.open"))


def read(path: Path) -> list[CallRecord]:
    return [CallRecord.from_json(line) for line in path.read_text("utf-8").split("\n")[:-1]]


def killed(journal: CallJournal) -> None:
    """Let go of a journal as the kernel does when a process is killed."""
    journal._open = {"still": "there"}
    journal.end()


def test_what_went_on_is_recorded_once(tmp_path: Path) -> None:
    records = tmp_path / "calls.jsonl"
    journal = CallJournal(records)
    # Whoever calls chooses the session id: these are three calls.
    one, two, three = (going_on("same") for _ in range(3))
    for record in (one, two, three):
        journal.note(record)
    journal.note(replace(one, connected=1_700_000_001.0))
    journal.close([two.uuid])
    journal.write()
    assert [path.stat().st_mode & 0o777 for path in journals(tmp_path)] == [0o600]
    assert close_left(records) == [], "its process lives"
    killed(journal)
    closed = close_left(records)
    assert [(found.uuid, found.connected) for found in closed] == [
        (one.uuid, 1_700_000_001.0),
        (three.uuid, None),
    ]
    assert all((found.state, found.ended > found.started) == ("failed", True) for found in closed)
    assert [found.uuid for found in read(records)] == [one.uuid, three.uuid]
    assert not journals(tmp_path)
    assert close_left(records) == []


def test_a_bridge_of_a_killed_process_ended_with_it(tmp_path: Path) -> None:
    records = tmp_path / "calls.jsonl"
    journal = CallJournal(records)
    bridges = tuple(
        RecordedBridge("uuid", "id", "desk@localhost", "bob@localhost", at, seconds)
        for at, seconds in ((1.0, 2.0), (4.0, None))
    )
    journal.note(going_on(bridges=bridges))
    journal.write()
    killed(journal)
    [path] = journals(tmp_path)
    os.utime(path, (1_700_000_010.0, 1_700_000_010.0))
    close_left(records)
    [found] = read(records)
    assert [(one.at, one.seconds) for one in found.bridges] == [(1.0, 2.0), (4.0, 6.0)]


def test_a_kill_between_the_record_and_the_journal_makes_no_second_one(tmp_path: Path) -> None:
    records = tmp_path / "calls.jsonl"
    journal = CallJournal(records)
    one, two = going_on(), going_on()
    journal.note(one)
    journal.note(two)
    journal.write()
    killed(journal)
    records.write_text(replace(one, state="completed").to_json() + "\n", "utf-8")
    assert [found.uuid for found in close_left(records)] == [two.uuid]
    assert [found.uuid for found in read(records)] == [one.uuid, two.uuid]


def test_torn_and_foreign_lines_spoil_nothing_else(tmp_path: Path) -> None:
    records = tmp_path / "calls.jsonl"
    record = going_on()
    lines = [b"[]", b"\xff\xfe", b'{"uuid": "1"}', record.to_json().encode(), b'{"closed": "']
    (tmp_path / "calls.jsonl.0123456789abcdef.open").write_bytes(b"\n".join(lines))
    (tmp_path / "calls.jsonl.notes.open").write_text("somebody else's")
    assert [found.uuid for found in close_left(records)] == [record.uuid]
    assert [path.name for path in journals(tmp_path)] == ["calls.jsonl.notes.open"]


def test_several_files_of_records_in_a_folder_have_their_own(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl", "[a].jsonl"):
        journal = CallJournal(tmp_path / name)
        journal.note(going_on(name))
        journal.write()
        killed(journal)
    for name in ("a.jsonl", "b.jsonl", "[a].jsonl"):
        assert [found.id for found in close_left(tmp_path / name)] == [name]


def test_without_space_the_journal_is_kept_for_the_next_start(tmp_path: Path) -> None:
    records = tmp_path / "calls.jsonl"
    journal = CallJournal(records)
    journal.note(going_on())
    journal.write()
    killed(journal)
    with room_for(10), pytest.raises(OSError, match="too large"):
        close_left(records)
    assert records.read_text() == ""
    assert len(close_left(records)) == 1


def test_a_note_that_did_not_fit_is_written_later(tmp_path: Path) -> None:
    records = tmp_path / "calls.jsonl"
    journal = CallJournal(records)
    one, two, three = (going_on(sid) for sid in "123")
    journal.note(one)
    journal.write()
    with room_for(journals(tmp_path)[0].stat().st_size + 20):
        journal.note(two)
        with pytest.raises(OSError, match="too large"):
            journal.write()
        with pytest.raises(OSError, match="too large"):
            journal.write()
    journal.close([one.uuid])
    journal.note(three)
    journal.write()
    assert len(journals(tmp_path)) == 1
    killed(journal)
    assert [found.id for found in close_left(records)] == ["2", "3"]


def test_it_does_not_grow_with_calls_that_are_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_journal, "LIMIT", 10_000)
    journal = CallJournal(tmp_path / "calls.jsonl")
    stays = going_on("stays")
    journal.note(stays)
    for number in range(500):
        record = going_on(str(number))
        journal.note(record)
        journal.write()
        journal.close([record.uuid])
        journal.write()
        (path,) = journals(tmp_path)
        assert path.stat().st_size < 12_000
    killed(journal)
    assert [found.id for found in close_left(tmp_path / "calls.jsonl")] == ["stays"]


def test_nothing_is_left_when_no_call_goes_on(tmp_path: Path) -> None:
    journal = CallJournal(tmp_path / "calls.jsonl")
    journal.end()
    assert not journals(tmp_path)
    record = going_on()
    journal.note(record)
    journal.write()
    journal.close([record.uuid])
    journal.end()
    assert not journals(tmp_path)


def test_recordings_are_found_by_their_names(tmp_path: Path) -> None:
    done = Recorded.of(str(tmp_path / "first.ogg"), 2.0, 100, None)
    names = ("second", "third-2", "fourth", "none")
    ways: tuple[RecordedDirection, ...] = ("sent", "mix", "received", "both")
    left = [
        Recorded.of(str(tmp_path / name), 0.0, 0, None, way)
        for name, way in zip(names, ways, strict=True)
    ]
    for name in ("second.mka", "third.mkv", "third-2.mkv", "fourth.mkv.part"):
        (tmp_path / name).write_bytes(name.encode())
    journal = CallJournal(tmp_path / "calls.jsonl")
    journal.note(going_on(recordings=(done, *left)))
    journal.write()
    killed(journal)
    (found,) = close_left(
        tmp_path / "calls.jsonl", [FinishedRecording(tmp_path / "second.mka", 4.5, 10)]
    )
    assert found.recordings[0] == done
    assert found.recordings[1] == Recorded.of(str(tmp_path / "second.mka"), 4.5, 10, None, "sent")
    third = Recorded.of(str(tmp_path / "third-2.mkv"), 0.0, 11, None, "mix")
    assert found.recordings[2] == third
    assert [one.direction for one in found.recordings[1:]] == list(ways)
    assert "fourth.mkv.part was left unfinished" in str(found.recordings[3].failure)
    assert found.recordings[4].failure == ("There is no recording: nothing of it was written yet.")
    assert json.loads(found.to_json())["recordings"][2]["kind"] == "video"


def test_a_killed_call_lasted_at_least_as_long_as_its_recording(tmp_path: Path) -> None:
    file = tmp_path / "only.ogg"
    file.write_bytes(b"sound")
    connected = time.time() + 1
    recording = Recorded.of(str(tmp_path / "only"), 0.0, 0, None)
    journal = CallJournal(tmp_path / "calls.jsonl")
    journal.note(going_on(started=connected - 1, connected=connected, recordings=(recording,)))
    journal.write()
    killed(journal)
    [found] = close_left(tmp_path / "calls.jsonl", [FinishedRecording(file, 30.0, 5)])
    assert found.ended == pytest.approx(connected + 30, abs=0.01)


#: Runs in a mount namespace of its own: notes a call, fills the disk, notes more, and is killed.
FULL = """
import os, signal, sys
from pathlib import Path
from callboard.actors.records.call_journal import CallJournal, close_left
from callboard.tests.actors.records.test_call_journal import going_on, killed, read
folder = Path(sys.argv[1])
records = folder / "calls.jsonl"
journal = CallJournal(records)
journal.note(going_on("before"))
journal.write()
try:
    with (folder / "filling").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
except OSError:
    pass
for number in range(100):  # more than the last page has room for
    journal.note(going_on(str(number)))
    journal.write()
killed(journal)
(folder / "filling").unlink()
close_left(records)
print(len(read(records)))
"""


def test_calls_that_begin_on_a_full_disk_are_noted_all_the_same(tmp_path: Path) -> None:
    own = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if shutil.which("unshare") is None or subprocess.run([*own, "true"], check=False).returncode:
        pytest.skip("this machine lets nobody make a mount namespace")
    mount = 'mount -t tmpfs -o size=1m none "$1" && exec "$2" -P -c "$3" "$1"'
    done = subprocess.run(
        [*own, "sh", "-c", mount, "sh", str(tmp_path), sys.executable, FULL],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == "101", done.stderr
