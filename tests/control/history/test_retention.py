"""What `keep:` removes, what it never touches, and kills in the middle of it."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.records.call_journal import CallJournal
from callboard.actors.records.call_record import CallRecord
from callboard.actors.records.recording_outcome import Recorded
from callboard.config.keep import Keep
from callboard.control.history import retention as module
from callboard.control.history.history import PastCalls
from callboard.control.history.retention import RecordingsRemoved, Retention
from callboard.control.history.search import Search
from callboard.ladder.folder import FAILED, folder_of
from callboard.tests.control.history.past import NOON, add, past, recorded

DAY = 86400.0
NOW = NOON


class Kept:
    """A log and a folder of recordings."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "calls.jsonl"
        self.folder = folder / "recordings"
        self.folder.mkdir()
        self.calls = PastCalls(self.log, self.folder)
        self.number = 0

    def recording(self, octets: int = 1000) -> Recorded:
        self.number += 1
        return recorded(self.folder / f"20261128t120000z-desk-{self.number}.ogg", octets)

    def call(self, days: float, *recordings: Recorded, **fields: object) -> CallRecord:
        """A call that ended so many days ago, with a recording if none is given."""
        record = past(
            started=NOW - days * DAY - 60,
            ended=NOW - days * DAY,
            recordings=recordings or (self.recording(),),
            **fields,
        )
        add(self.log, record)
        return record

    def ladder(self, record: CallRecord, *, failed: bool = False) -> Path:
        folder = folder_of(self.log) / (FAILED if failed else "")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{record.uuid}.jsonl"
        path.write_text("{}\n")
        return path

    def sweep(self, **limits: Any) -> RecordingsRemoved:
        return Retention(self.calls, Keep.model_validate(limits)).sweep(NOW)

    @property
    def uuids(self) -> set[str]:
        return {one.record.uuid for one in self.calls.search(Search(limit=1000)).calls}

    def presences(self) -> dict[str, str]:
        found = self.calls.search(Search(limit=1000)).calls
        return {
            Path(each.recorded.path or "").name: each.presence
            for one in found
            for each in one.recordings
        }


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    found = Kept(tmp_path)
    yield found
    found.calls.close()


def path(record: CallRecord) -> Path:
    return Path(record.recordings[0].path or "")


def test_what_is_too_old_goes_with_its_record_and_its_ladder(kept: Kept) -> None:
    old, late = kept.call(20), kept.call(5)
    gone, stays = kept.ladder(old, failed=True), kept.ladder(late)
    swept = kept.sweep(**{"for": "10d"})
    assert swept == RecordingsRemoved(1, 1000, 1, 1, 1, is_all=True)
    assert [path(one).exists() for one in (old, late)] == [False, True]
    assert [one.exists() for one in (gone, stays)] == [False, True]
    assert kept.uuids == {late.uuid}
    assert kept.log.stat().st_mode & 0o777 == 0o600
    assert "1 recording (0.0 MB; for their age: 1), 1 ladder, 1 detail record" in str(swept)
    assert kept.sweep(**{"for": "10d"}).is_none
    assert old.uuid.encode() not in kept.calls.index.path.read_bytes()


def test_a_record_that_is_hardly_too_old_waits_for_others(kept: Kept) -> None:
    """The log is not written anew each hour; the recording does not wait."""
    one = kept.call(10.5)
    assert kept.sweep(**{"for": "10d"}) == RecordingsRemoved(1, 1000, 1)
    assert kept.presences() == {path(one).name: "removed"}
    other = kept.call(11.5)
    assert kept.sweep(**{"for": "10d"}).records == 2
    assert not path(other).exists()
    assert kept.uuids == set()
    removals = kept.log.with_name("calls.jsonl.removed")
    assert removals.read_text() == ""


def test_the_oldest_goes_when_there_is_too_much(kept: Kept) -> None:
    calls = [kept.call(days, kept.recording(400_000)) for days in (3, 1, 2, 4)]
    big = kept.call(5, kept.recording(100))
    assert kept.sweep(size="1MB") == RecordingsRemoved(3, 800_100)
    assert [path(one).exists() for one in [*calls, big]] == [False, True, True, False, False]
    assert len(kept.uuids) == 5
    assert sorted(kept.presences().values()) == ["present"] * 2 + ["removed"] * 3
    assert kept.sweep(size="1MB").is_none


def test_both_limits_hold(kept: Kept) -> None:
    for days in (1, 2, 3, 20):
        kept.call(days, kept.recording(400_000))
    swept = kept.sweep(**{"for": "10d", "size": "1MB"})
    assert (swept.recordings, swept.aged, swept.records) == (2, 1, 1)


def test_what_is_not_ours_is_never_touched(kept: Kept, tmp_path: Path) -> None:
    outside = tmp_path / "20261128t120000z-outside.ogg"
    outside.write_bytes(b"x")
    linked = kept.folder / "20261128t120000z-linked.ogg"
    linked.symlink_to(outside)
    unnamed = kept.recording()
    other = kept.folder / "notes.ogg"
    other.write_bytes(b"x")
    folder = kept.folder / "20261128t120000z-folder.ogg"
    folder.mkdir()
    inner = kept.folder / "sub"
    inner.mkdir()
    within = inner / "20261128t120000z-within.ogg"
    within.write_bytes(b"x")
    part = kept.folder / "20261128t120000z-desk.ogg.part"
    part.write_bytes(b"x")
    named = (outside, linked, other, folder, within, part, kept.folder, Path("/etc/passwd"),
             kept.folder / ".." / outside.name, Path("x\0y"))  # fmt: skip
    kept.call(50, *(Recorded.of(str(one), 1.0, 1, None) for one in named))
    swept = kept.sweep(**{"for": "10d", "size": "1kB"})
    assert swept.recordings == 0
    for one in (outside, linked, other, folder, within, part, Path(unnamed.path or "")):
        assert one.exists(), one
    assert linked.is_symlink()


def test_a_call_that_goes_on_keeps_what_it_records(kept: Kept) -> None:
    whole, growing = kept.recording(), kept.recording()
    kept.call(50, whole)
    kept.call(50, growing)
    journal = CallJournal(kept.log)
    base = str(Path(growing.path or "").with_suffix(""))
    for one in (whole, Recorded.of(base, 0.0, 0, None)):
        journal.note(past(recordings=(one,)))
    journal.write()
    swept = kept.sweep(**{"for": "10d", "size": "1kB"})
    assert (swept.recordings, swept.records) == (0, 0)
    for record in [json.loads(one) for one in kept.log.read_text().splitlines()]:
        journal.close([record["uuid"]])
    journal.close(list(journal._open))
    journal.end()
    assert kept.sweep(**{"for": "10d"}).recordings == 2


def test_a_sweep_is_bounded_and_the_next_goes_on(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 4)
    records = [kept.call(20 + days) for days in range(10)]
    swept = [kept.sweep(**{"for": "10d"}) for _ in range(3)]
    assert [(one.recordings, one.records, one.is_all) for one in swept] == [
        *((4, 0, False), (4, 0, False), (2, 10, True))
    ]
    assert not any(path(one).exists() for one in records)


def test_the_oldest_go_first(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    records = [kept.call(days) for days in (20, 40, 30)]
    kept.sweep(**{"for": "10d"})
    assert [path(one).exists() for one in records] == [True, False, False]


def test_other_lines_and_rotated_logs_stay(kept: Kept) -> None:
    kept.call(20)
    with kept.log.open("a") as file:
        file.write("somebody's note\n")
    rotated = kept.log.with_name("calls.jsonl.1")
    one = past(started=NOW - 50 * DAY, ended=NOW - 50 * DAY, recordings=(kept.recording(),))
    add(rotated, one)
    before = rotated.read_text()
    assert kept.sweep(**{"for": "10d"}).recordings == 2
    assert kept.log.read_text() == "somebody's note\n"
    assert rotated.read_text() == before
    assert kept.presences() == {path(one).name: "removed"}


def test_a_record_stays_as_long_as_its_recording_does(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody would know any more that the file is ours."""
    record = kept.call(20)
    monkeypatch.setattr(module, "_size", lambda *_: None)  # what can't be removed now
    assert kept.sweep(**{"for": "10d"}).records == 0
    assert kept.uuids == {record.uuid}


def test_nothing_is_there_yet(tmp_path: Path) -> None:
    calls = PastCalls(tmp_path / "calls.jsonl", tmp_path / "recordings")
    keep = Keep.model_validate({"for": "1d", "size": "1GB"})
    assert Retention(calls, keep).sweep().is_none
    calls.close()


STEPS = ("unlink", "rename", "write", "open", "fsync")


@pytest.mark.parametrize("step", range(0, 60, 2))
def test_a_kill_at_any_moment_loses_nothing_else(kept: Kept, step: int) -> None:
    old = [kept.call(20 + days) for days in range(4)]
    late = [kept.call(days) for days in range(1, 4)]
    for one in [*old, *late]:
        kept.ladder(one)
    child = os.fork()
    if child == 0:
        _die_after(step)
        kept.sweep(**{"for": "10d"})
        os._exit(0)
    os.waitpid(child, 0)
    for one in old:  # each is there, or known to be removed
        presence = kept.presences().get(path(one).name)
        assert presence in ("present", "removed", None)
        assert presence is not None or not path(one).exists()
    assert kept.uuids >= {one.uuid for one in late}
    assert all(path(one).exists() for one in late)
    kept.sweep(**{"for": "10d"})
    assert kept.uuids == {one.uuid for one in late}
    assert sorted(kept.folder.iterdir()) == sorted(map(path, late))
    left = {one.stem for one in folder_of(kept.log).glob("*.jsonl")}
    assert left == {one.uuid for one in late}
    assert {one.name for one in kept.log.parent.iterdir()} <= {
        *("calls.jsonl", "calls.jsonl.removed", "calls.jsonl.index", "calls.jsonl.index-lock"),
        *("calls.ladders", "recordings"),
    }


def _die_after(steps: int) -> None:
    """Kill this process at a system call that changes files, counted from now."""

    def counted(real: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal steps
            steps -= 1
            if steps < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
