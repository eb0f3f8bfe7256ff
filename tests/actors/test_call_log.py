"""The call log on a disk that fills up, and at its end."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from callboard.actors import call_log
from callboard.actors.call_log import CallLog
from callboard.actors.messages.call_log import CallGoesOn
from callboard.actors.records.call_record import CallRecord
from callboard.actors.records.record_file import RecordFile
from callboard.ladder.folder import LadderFolder, find_ladder
from callboard.tests.actors.records.test_call_journal import going_on, journals, read
from callboard.tests.actors.records.test_record_file import room_for
from callboard.tests.conftest import Run
from callboard.tests.ladder.test_folder import LADDER


class Seen:
    """What the log passes on."""

    def __init__(self) -> None:
        self.records: list[CallRecord] = []
        self._changed = asyncio.Event()

    def __call__(self, record: CallRecord) -> None:
        self.records.append(record)
        self._changed.set()

    async def count(self, wanted: int) -> None:
        """Wait until so many were passed on."""
        while len(self.records) < wanted:
            self._changed.clear()
            await self._changed.wait()


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not found():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.01)


async def ended(ref: Any) -> None:
    ref.stop(block=False)
    await ref.ended


def test_records_wait_for_space_and_none_is_lost(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(call_log, "RETRY", 0.05)
    caplog.set_level(logging.INFO, "callboard.actors.call_log")
    path = tmp_path / "calls.jsonl"

    async def main() -> None:
        seen = Seen()
        ref = CallLog.start(path, seen)
        await ref.started
        calls = [going_on(str(number)) for number in range(60)]
        first, *others = calls
        ref.tell(CallGoesOn(first))
        ref.tell(replace(first, state="completed"))
        await seen.count(1)
        with room_for(path.stat().st_size + 10):
            for call in others:
                ref.tell(CallGoesOn(call))
                ref.tell(replace(call, state="completed"))
            await seen.count(len(calls))
            assert [one.id for one in read(path)] == [first.id]
        last = going_on("last")
        ref.tell(CallGoesOn(last))
        await until(lambda: path.read_text("utf-8").count("\n") == len(calls))
        await until(lambda: "last" in journals(tmp_path)[0].read_text())
        ref.tell(last)
        await ended(ref)
        assert read(path) == [*seen.records]
        assert [one.id for one in read(path)] == [*(one.id for one in calls), "last"]
        assert not journals(tmp_path)

    run(main)
    said = [one.getMessage() for one in caplog.records]
    assert len(said) == 2, "it is said once that it fails, and once that it goes on"
    assert "free some space" in said[0]
    assert "59 records that waited" in said[1]


def test_at_the_end_what_can_not_be_written_is_in_the_log(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "calls.jsonl"

    async def main() -> None:
        ref = CallLog.start(path)
        await ref.started
        with room_for(0):
            ref.tell(going_on("lost"))
            await ended(ref)

    run(main)
    (line,) = [one.getMessage() for one in caplog.records if "could not be" in one.getMessage()]
    assert CallRecord.from_json(line[line.index("{") :]).id == "lost"


def test_no_more_wait_than_memory_has_room_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(call_log, "MAX_WAITING", 3)
    path = tmp_path / "calls.jsonl"

    async def main() -> None:
        seen = Seen()
        ref = CallLog.start(path, seen)
        await ref.started
        with room_for(0):
            for number in range(8):
                ref.tell(going_on(str(number)))
            await seen.count(8)
        await ended(ref)

    run(main)
    assert [one.id for one in read(path)] == ["5", "6", "7"]
    assert sum("are given up" in one.getMessage() for one in caplog.records) == 1


@pytest.mark.parametrize(
    "name", ["a\u2028b", "a\x85b", "a\udcffb", "a\x9b31mb", "a\u202eb", "a\nb"]
)
def test_whatever_a_name_holds_a_record_is_one_line(run: Run, tmp_path: Path, name: str) -> None:
    path = tmp_path / "calls.jsonl"

    async def main() -> None:
        ref = CallLog.start(path)
        await ref.started
        ref.tell(CallGoesOn(going_on(name)))
        ref.tell(going_on(name))
        await ended(ref)

    run(main)
    (line,) = path.read_text("utf-8").splitlines()
    assert line.isprintable()
    assert CallRecord.from_json(line).id == name


def test_a_device_has_no_journal(run: Run) -> None:
    async def main() -> None:
        ref = CallLog.start(Path("/dev/null"))
        await ref.started
        ref.tell(CallGoesOn(going_on()))
        ref.tell(going_on())
        await ended(ref)

    run(main)
    assert not list(Path("/dev").glob("null.*"))


def test_what_comes_while_the_disk_is_busy_is_written_together(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "calls.jsonl"
    written: list[int] = []
    append = RecordFile.append

    def counting(file: RecordFile, lines: Iterable[str]) -> None:
        found = list(lines)
        written.append(len(found))
        append(file, found)

    monkeypatch.setattr(RecordFile, "append", counting)

    async def main() -> None:
        ref = CallLog.start(path)
        await ref.started
        for number in range(2_000):
            ref.tell(going_on(str(number)))
        await ended(ref)

    run(main)
    assert sum(written) == 2_000
    assert len(written) < 10
    assert [int(one.id) for one in read(path)] == list(range(2_000))


def test_ladders_that_cannot_be_kept_are_said_once_and_cost_no_record(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "calls.jsonl"
    (tmp_path / "calls.ladders").write_text("in the way")

    async def main() -> None:
        seen = Seen()
        ref = CallLog.start(path, seen, None, LadderFolder(path, 5))
        await ref.started
        for number in range(3):
            ref.tell(replace(going_on(str(number)), state="completed"))
            ref.tell(LADDER)
            await seen.count(number + 1)
        await ended(ref)
        assert len(read(path)) == 3

    run(main)
    said = [one for one in caplog.messages if "ladders" in one]
    assert len(said) == 1
    assert said[0].endswith("calls go on without")


def test_ladders_that_wait_are_written_at_the_end(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"

    async def main() -> None:
        ref = CallLog.start(path, None, None, LadderFolder(path, 5))
        await ref.started
        ref.tell(LADDER)
        await ended(ref)

    run(main)
    assert find_ladder(path, "last") == LADDER
