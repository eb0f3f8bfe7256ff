"""A file of lines on a disk that fills up, after kills, and with several writers."""

import fcntl
import multiprocessing
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from callboard.actors.records import record_file
from callboard.actors.records.record_file import RecordFile


@contextmanager
def room_for(octets: int) -> Iterator[None]:
    """Let no file grow beyond so many octets: the kernel writes what fits, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("octets", range(12, 20))
def test_what_does_not_fit_is_taken_back(tmp_path: Path, octets: int) -> None:
    path = tmp_path / "calls.jsonl"
    file = RecordFile(path)
    file.append(["whole"] * 2)
    with room_for(octets), pytest.raises(OSError, match="too large"):
        file.append(["a second line"])
    assert path.read_text() == "whole\nwhole\n"
    file.append(["later"])
    assert path.read_text() == "whole\nwhole\nlater\n"


@pytest.mark.parametrize(
    ("left", "mended"),
    [
        ("", ""),
        ("one\n", "one\n"),
        ("one\ntw", "one\n"),
        ("tw", ""),
        ("one\n\0\0\0\0", "one\n"),  # what a power cut leaves
        ("x" * (record_file.LONGEST_LINE + 5), "x" * (record_file.LONGEST_LINE + 5) + "\n"),
    ],
    ids=["empty", "whole", "torn", "torn alone", "zeros", "not ours"],
)
def test_what_is_left_of_an_unfinished_line_is_removed(
    tmp_path: Path, left: str, mended: str
) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text(left)
    RecordFile(path).mend()
    assert path.read_text() == mended
    path.write_text(left)
    RecordFile(path).append(["next"])  # somebody else was killed while we ran
    assert path.read_text() == mended + "next\n"


@pytest.mark.parametrize("before", [None, 0o644, 0o666, 0o600, 0o640])
def test_only_its_owner_may_read_it(tmp_path: Path, before: int | None) -> None:
    path = tmp_path / "calls.jsonl"
    if before is not None:
        path.touch()
        path.chmod(before)
    old = os.umask(0)
    try:
        RecordFile(path).mend()
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_folder_is_made_again(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "a" / "b" / "calls.jsonl")
    file.append(["one"])
    file.path.unlink()
    file.path.parent.rmdir()
    file.append(["two"])
    assert file.path.read_text() == "two\n"


def _append(path: Path, word: str, count: int) -> None:
    file = RecordFile(path)
    for number in range(count):
        file.append([f"{word}-{number}-{word * 500}"])


def test_lines_of_several_processes_stay_whole(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    spawn = multiprocessing.get_context("fork")
    writers = [spawn.Process(target=_append, args=(path, word, 200)) for word in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
        writer.close()
    lines = path.read_text().splitlines()
    wanted = {f"{word}-{number}-{word * 500}" for word in "abc" for number in range(200)}
    assert len(lines) == len(wanted)
    assert set(lines) == wanted


def test_a_file_that_somebody_keeps_locked_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_file, "LOCK_DEADLINE", 0.05)
    path = tmp_path / "calls.jsonl"
    with path.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError, match="another process keeps it locked"):
            RecordFile(path).append(["one"])
    RecordFile(path).append(["one"])
    assert path.read_text() == "one\n"


def test_a_device_is_no_file_to_cut_back() -> None:
    RecordFile(Path(os.devnull)).append(["one"])
    with pytest.raises(OSError, match="No space left"):
        RecordFile(Path("/dev/full")).append(["one"])


def test_lines_are_left_out_while_others_add_some(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    RecordFile(path).append([f"old {n}" for n in range(1000)])
    spawn = multiprocessing.get_context("fork")
    writers = [spawn.Process(target=_append, args=(path, word, 200)) for word in "abc"]
    for one in writers:
        one.start()
    dropped = 0
    while any(one.is_alive() for one in writers):
        dropped += RecordFile(path).rewrite(lambda line: not line.startswith(b"old"))
        RecordFile(path).append(["old again"])
    for one in writers:
        one.join()
    assert [one.exitcode for one in writers] == [0, 0, 0]
    dropped += RecordFile(path).rewrite(lambda line: not line.startswith(b"old"))
    lines = path.read_text().splitlines()
    assert len(lines) == 600
    for word in "abc":
        mine = [line for line in lines if line.startswith(word)]
        assert mine == [f"{word}-{number}-{word * 500}" for number in range(200)]
    assert dropped >= 1001
    assert [one.name for one in tmp_path.iterdir()] == ["calls.jsonl"]
    for one in writers:
        one.close()


def test_a_file_of_which_nothing_is_left_out_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    RecordFile(path).append(["one", "two"])
    before = path.stat().st_ino
    assert RecordFile(path).rewrite(lambda _: True) == 0
    assert path.stat().st_ino == before
    assert [one.name for one in tmp_path.iterdir()] == ["calls.jsonl"]


def test_a_link_to_the_file_stays_one(tmp_path: Path) -> None:
    path, link = tmp_path / "calls.jsonl", tmp_path / "link"
    RecordFile(path).append(["one", "two"])
    link.symlink_to(path)
    assert RecordFile(link).rewrite(lambda line: line == b"two\n") == 1
    assert link.is_symlink()
    assert path.read_text() == "two\n"


def test_a_disk_that_fills_up_while_lines_are_left_out_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    RecordFile(path).append([f"line {n}" for n in range(100)])
    before = path.read_bytes()
    with room_for(300), pytest.raises(OSError, match="too large"):
        RecordFile(path).rewrite(lambda line: line != b"line 0\n")
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["calls.jsonl"]


def test_an_unfinished_line_is_no_line(tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text("one\ntwo\nthr")
    assert RecordFile(path).rewrite(lambda line: line != b"one\n") == 1
    assert path.read_text() == "two\n"
