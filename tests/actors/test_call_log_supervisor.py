"""A call log that crashes: it is there again, and each record is written once."""

import logging
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.call_log import CallLog
from callboard.actors.call_log_supervisor import CallLogSupervisor
from callboard.actors.messages.call_log import CallGoesOn
from callboard.actors.records.call_journal import CallJournal
from callboard.actors.records.record_file import RecordFile
from callboard.tests.actors.records.test_call_journal import going_on, journals, read
from callboard.tests.actors.test_call_log import Seen, ended
from callboard.tests.conftest import Run

#: Where a bug may be: what is called for each batch, and for each call that goes on.
PLACES = ((RecordFile, "append"), (CallJournal, "write"), (CallJournal, "note"))


def broken(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, times: int) -> None:
    """Have a method raise what nobody expects, the first times that it is called."""
    works = getattr(where, name)
    left = times

    def stumble(*args: Any) -> Any:
        nonlocal left
        left -= 1
        if left >= 0:
            raise KeyError("nobody thought of this")
        return works(*args)

    monkeypatch.setattr(where, name, stumble)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(("where", "name"), PLACES)
def test_a_crash_loses_no_record_and_writes_none_twice(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    times: int,
) -> None:
    path = tmp_path / "calls.jsonl"
    broken(monkeypatch, where, name, times)

    async def main() -> None:
        seen = Seen()
        ref = CallLogSupervisor.start(path, seen)
        await ref.started
        calls = [going_on(str(number)) for number in range(30)]
        ids = [one.id for one in calls]
        for one in calls[:20]:
            ref.tell(CallGoesOn(one))
            ref.tell(one)
        await seen.count(10 if times == 1 else 1)
        for one in calls[20:]:
            ref.tell(one)
        await seen.count(30)
        await ended(ref)
        assert sorted(one.id for one in seen.records) == sorted(ids)
        assert sorted(one.id for one in read(path)) == sorted(ids)
        assert not journals(tmp_path)

    run(main)


def test_what_a_crash_at_the_very_end_leaves_is_written_too(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "calls.jsonl"
    broken(monkeypatch, RecordFile, "append", 1)

    async def main() -> None:
        ref = CallLogSupervisor.start(path, lambda _: None)
        await ref.started
        ref.tell(going_on("last"))
        await ended(ref)

    run(main)
    assert [one.id for one in read(path)] == ["last"]


def test_a_record_that_can_not_be_written_keeps_no_other_back(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "calls.jsonl"
    odd = going_on("odd")
    works = type(odd).to_json

    def to_json(record: Any) -> str:
        if record.id == "odd":
            raise KeyError("nobody thought of this")
        return works(record)

    monkeypatch.setattr(type(odd), "to_json", to_json)

    async def main() -> None:
        ref = CallLog.start(path)
        await ref.started
        for one in (going_on("one"), odd, going_on("two")):
            ref.tell(one)
        await ended(ref)

    run(main)
    assert [one.id for one in read(path)] == ["one", "two"]
    assert odd.uuid in caplog.text


def test_a_file_that_can_not_be_opened_fails_the_start(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    (tmp_path / "file").write_text("no folder")

    async def main() -> None:
        ref = CallLogSupervisor.start(tmp_path / "file" / "calls.jsonl", lambda _: None)
        with pytest.raises(OSError, match=r"calls\.jsonl"):
            await ref.started
        await ref.ended

    run(main)
