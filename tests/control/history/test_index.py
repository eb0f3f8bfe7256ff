"""The index says what a scan of the log says, whatever happens to the log and to it."""

import errno
import gzip
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import threading
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.records.call_record import CallRecord
from callboard.actors.records.record_file import RecordFile
from callboard.control.history import index as module
from callboard.control.history import tables
from callboard.control.history.history import PastCalls
from callboard.control.history.index import Index, StoppedError
from callboard.control.history.log_file import log_files
from callboard.control.history.search import Search
from callboard.tests.control.history.past import add, old_line, past
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def scan(log: Path) -> set[str]:
    """The uuids of all records in a log and what it was rotated into, read without an index."""
    found = set()
    for path in log_files(log):
        if not path.is_file():
            continue
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        for line in data.split(b"\n")[:-1]:
            try:
                found.add(CallRecord.from_json(line.decode()).uuid)
            except ValueError:
                continue
    return found


def indexed(log: Path) -> list[str]:
    """The uuids of all calls that a search finds, page by page."""
    calls = PastCalls(log, log.parent)
    found: list[str] = []
    after = None
    while True:
        page = calls.search(Search(limit=7, after=after))
        found += [one.record.uuid for one in page.calls]
        assert page.total >= len(found)
        after = page.next
        if after is None:
            break
    calls.close()
    assert len(found) == len(set(found)) == page.total
    return found


class Log:
    """A log to which things happen."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.path = folder / "calls.jsonl"
        self.index = folder / "calls.jsonl.index"
        self.random = random.Random(seed)

    def record(self) -> str:
        text = "x" * self.random.choice((0, 10, 6000))
        return past(started=float(self.random.randrange(10**9)), text=text).to_json()

    def append(self) -> None:
        RecordFile(self.path).append([self.record() for _ in range(self.random.randrange(1, 6))])

    def tear(self) -> None:
        line = self.record()
        with self.path.open("a") as file:
            file.write(line[: self.random.randrange(len(line))])

    def no_record(self) -> None:
        with self.path.open("ab") as file:
            file.write(
                self.random.choice((b"\n", b"{}\n", b"\xff\n", b"null\n", b'{"version": 9}\n'))
            )

    def old(self) -> None:
        with self.path.open("a") as file:
            file.write(old_line(str(self.random.random())) + "\n")

    def cut(self) -> None:
        if self.path.exists():
            os.truncate(self.path, self.random.randrange(self.path.stat().st_size + 1))

    def empty(self) -> None:
        self.path.write_bytes(b"")

    def replace(self) -> None:
        """As an editor does: another file under the same name."""
        part = self.path.with_name("part")
        lines = self.path.read_bytes().splitlines(keepends=True) if self.path.exists() else []
        part.write_bytes(b"".join(lines[self.random.randrange(len(lines) + 1) :]))
        part.replace(self.path)

    def write_over(self) -> None:
        """As a shell's `>` does: the same file, with other lines."""
        size = self.path.stat().st_size if self.path.exists() else 0
        with self.path.open("w") as file:
            while file.tell() < size:
                file.write(self.record() + "\n")

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)

    def rotate(self) -> None:
        self._make_room()
        if self.path.exists():
            self.path.rename(self.path.with_name("calls.jsonl.1"))

    def copy_and_cut(self) -> None:
        self._make_room()
        if self.path.exists():
            shutil.copy(self.path, self.path.with_name("calls.jsonl.1"))
            os.truncate(self.path, 0)

    def copy(self) -> None:
        if self.path.exists():
            shutil.copy(self.path, self.path.with_name("calls.jsonl-20261128"))

    def compress(self) -> None:
        for plain in self.path.parent.glob("calls.jsonl.?"):
            with gzip.open(plain.with_name(plain.name + ".gz"), "wb") as file:
                file.write(plain.read_bytes())
            plain.unlink()

    def _make_room(self) -> None:
        for number in (2, 1):
            for suffix in ("", ".gz"):
                old = self.path.with_name(f"calls.jsonl.{number}{suffix}")
                if old.exists():
                    old.replace(self.path.with_name(f"calls.jsonl.{number + 1}{suffix}"))

    def throw_index_away(self) -> None:
        for one in self.path.parent.glob("calls.jsonl.index*"):
            one.unlink()

    def damage_index(self) -> None:
        if self.index.exists():
            data = bytearray(self.index.read_bytes())
            begin = self.random.choice((0, self.random.randrange(len(data) or 1)))
            data[begin : begin + 4096] = self.random.randbytes(len(data[begin : begin + 4096]))
            if begin == 0:  # a page in the middle may be one that nothing uses
                self.index.write_bytes(data)

    def cut_index(self) -> None:
        if self.index.exists():
            os.truncate(self.index, self.random.randrange(self.index.stat().st_size + 1))

    def look(self) -> None:
        assert set(indexed(self.path)) == scan(self.path)

    def killed_look(self) -> None:
        """Bring the index up to date in a process that is killed at some point of it."""
        child = os.fork()
        if child == 0:
            try:
                steps = self.random.randrange(60)

                def kill(*_: object) -> int:
                    nonlocal steps
                    steps -= 1
                    if steps < 0:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return 0

                connect = tables.connect

                def dying(path: Path | str) -> sqlite3.Connection:
                    database = connect(path)
                    database.set_progress_handler(kill, 20)
                    return database

                vars(module)["connect"] = vars(tables)["connect"] = dying
                Index(self.path).use(lambda _: None)
            finally:
                os._exit(0)
        os.waitpid(child, 0)


STEPS: list[Callable[[Log], None]] = [
    *(Log.append, Log.tear, Log.no_record, Log.old, Log.cut, Log.empty, Log.replace),
    *(Log.write_over, Log.remove, Log.rotate, Log.copy_and_cut, Log.copy, Log.compress),
    *(Log.throw_index_away, Log.damage_index, Log.cut_index, Log.killed_look),
]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.sampled_from([Log.append, *STEPS]), st.booleans()), max_size=30),
    seed=st.integers(0, 2**32),
)
def test_the_index_says_what_a_scan_of_the_log_says(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    steps: list[tuple[Callable[[Log], None], bool]],
    seed: int,
) -> None:
    folder = tmp_path_factory.mktemp("log")
    monkeypatch.setattr(module, "BATCH", 3)
    log = Log(folder, seed)
    log.append()
    for step, is_looked_at in steps:
        step(log)
        if is_looked_at:
            log.look()
    log.look()
    log.look()  # with nothing new
    shutil.rmtree(folder)


def changed(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        for one in statements:
            database.execute(one)


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("somebody has put this here\n" * 1000),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "pages": lambda path: path.write_bytes(
        path.read_bytes()[:4096] + os.urandom(path.stat().st_size - 4096)
    ),
    "older": lambda path: changed(path, "DROP TABLE lines", "PRAGMA user_version = 0"),
    "tables": lambda path: changed(path, "DROP TABLE lines"),
    "marks": lambda path: changed(path, "UPDATE files SET inode = 'x', head = NULL"),
    "lines": lambda path: changed(path, "UPDATE lines SET line = x'ff'"),
    "link": linked,
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_index_is_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    log = tmp_path / "calls.jsonl"
    add(log, *(past() for _ in range(50)))
    before = indexed(log)
    index = tmp_path / "calls.jsonl.index"
    DAMAGE[how](index)
    assert indexed(log) == before
    is_told = how not in ("nothing", "older", "link")  # an index of another version, or none
    assert is_told == ("is damaged" in caplog.text)
    assert not index.is_symlink()
    assert index.stat().st_mode & 0o777 == 0o600
    caplog.clear()
    assert indexed(log) == before
    assert not caplog.records


def test_what_was_changed_in_the_middle_is_read_again(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    records = [past(text="x" * 2000) for _ in range(20)]
    add(log, *records)
    indexed(log)
    other = past(text="x" * 2000)
    log.write_text(log.read_text().replace(records[10].to_json(), other.to_json()))
    assert set(indexed(log)) == {one.uuid for one in [*records[:10], other, *records[11:]]}


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_has_no_calls(tmp_path: Path, make: Callable[[Path], None]) -> None:
    log = tmp_path / "calls.jsonl"
    make(log)
    calls = PastCalls(log, tmp_path)
    assert calls.search(Search()).total == 0
    calls.close()


@pytest.mark.parametrize("place", ["folder", "device"])
def test_without_a_place_for_it_the_index_is_in_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    log = tmp_path / "calls.jsonl"
    add(log, past(), past())
    index = tmp_path / "calls.jsonl.index"
    if place == "folder":
        index.mkdir()
    else:  # on which everything is full
        index.with_name(index.name + "-lock").symlink_to("/dev/full")
    calls = PastCalls(log, tmp_path)
    assert calls.search(Search()).total == 2
    assert "kept in memory" in caplog.text
    add(log, past())
    assert calls.search(Search()).total == 3
    assert len(caplog.records) == 1
    calls.close()


def test_a_log_that_may_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.jsonl"
    add(log, past())
    real = os.open

    def refuse(path: str | Path, *args: int) -> int:
        if Path(path) == log:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path, *args)

    monkeypatch.setattr(os, "open", refuse)  # root may read anything
    with pytest.raises(PermissionError):
        Index(log).use(lambda _: None)


def _use(log: Path, rounds: int) -> None:
    for _ in range(rounds):
        RecordFile(log).append([past(uuid=str(uuid.uuid4())).to_json()])
        PastCalls(log, log.parent).search(Search())


def test_several_processes_use_one_index(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = tmp_path / "calls.jsonl"
    fork = multiprocessing.get_context("fork")
    killed = fork.Process(target=_use, args=(log, 1_000))
    killed.start()
    while killed.is_alive() and not scan(log):
        killed.join(0.02)
    users = [fork.Process(target=_use, args=(log, 15)) for _ in range(3)]
    for one in users:
        one.start()
    while killed.is_alive() and len(scan(log)) < 20:  # all are at it
        killed.join(0.02)
    killed.kill()
    for one in [*users, killed]:
        one.join()
    assert [one.exitcode for one in users] == [0, 0, 0]
    assert len(indexed(log)) == len(scan(log)) > 45
    assert not caplog.records
    for one in [*users, killed]:
        one.close()


def test_a_long_build_ends_when_it_is_asked_to_and_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    log = tmp_path / "calls.jsonl"
    add(log, *(past() for _ in range(95)))
    stopping = threading.Event()
    taken = 0
    real = tables._take_call

    def take(*arguments: Any) -> bool:
        nonlocal taken
        taken += 1
        if taken == 25:
            stopping.set()
        return real(*arguments)

    monkeypatch.setitem(tables.TAKERS, "call", take)
    with pytest.raises(StoppedError):
        Index(log, stopping).use(lambda _: None)
    assert taken == 30
    assert len(indexed(log)) == 95
    assert taken == 95


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.EACCES])
def test_a_file_that_can_not_be_read_now_is_not_taken_for_one_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    log = tmp_path / "calls.jsonl"
    add(log, past())
    add(tmp_path / "calls.jsonl.1", past())
    before = indexed(log)
    real = os.open

    def refuse(path: str | Path, *args: int) -> int:
        if Path(path).name == "calls.jsonl.1":
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *args)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(OSError, match=os.strerror(number)):
            Index(log).use(lambda _: None)
    with closing(sqlite3.connect(tmp_path / "calls.jsonl.index")) as database:
        assert database.execute("SELECT count(*) FROM calls").fetchone() == (2,)
    assert indexed(log) == before


def test_a_device_holds_no_records(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    log.symlink_to("/dev/null")
    assert indexed(log) == []
    assert [one.name for one in tmp_path.iterdir()] == ["calls.jsonl"]


def test_before_the_first_run_there_are_no_calls_and_no_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index = Index(tmp_path / "recordings" / "calls.jsonl")
    count = "SELECT count(*) FROM calls"
    assert index.use(lambda database: database.execute(count).fetchone()) == (0,)
    assert not caplog.records
    assert not index.records.parent.exists()
