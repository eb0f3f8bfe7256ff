"""An index over the detail records, which can be thrown away and made again."""

import errno
import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from .log_file import LogFile, log_files, opened
from .removals import removals_of
from .tables import TAKERS, VERSION, connect, forget_file, known_file, make, note_mark, transaction

log = logging.getLogger(__name__)

T = TypeVar("T")

SUFFIX = ".index"
#: Lines that are taken in at once; a kill loses no more of the work than that.
BATCH = 5000
#: Lines between two rests.
FEW = 20
#: Seconds that another process may take for its work on the index.
LOCK_DEADLINE = 60.0
#: Times that the folder is looked at again because files were moved meanwhile.
ROUNDS = 3


class IndexBusyError(Exception):
    """Another process works on the index for too long."""


class StoppedError(Exception):
    """The deployment ends, and the index may not be up to date."""


class Index:
    """What the detail records say, where it can be searched. Everything blocks.

    It is a SQLite database beside the log, ``calls.jsonl.index``, mode 0600. The lines of the log
    are what counts: each use first brings the index up to date with them, and makes it again if it
    is damaged. Several processes may use it, one at a time; a kill at any moment leaves it whole.
    Where it can't be written, it is kept in memory, as beside a device, which holds no records.

    Args:
        records: the file of detail records.
        stopping: once set, what takes long is left unfinished; the next use goes on with it.
        rest: seconds to rest after every few lines, so that an event loop beside it keeps its pace.
    """

    def __init__(
        self, records: Path, stopping: threading.Event | None = None, rest: float = 0.0
    ) -> None:
        self.records = records
        self._rest = rest
        self.path = records.with_name(records.name + SUFFIX)
        self._stopping = stopping or threading.Event()
        self._memory: sqlite3.Connection | None = None

    def use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Bring the index up to date, and do some work with it.

        Args:
            work: reads the tables.

        Returns:
            What the work does.

        Raises:
            OSError: the log can't be read.
            StoppedError: the index could not be brought up to date before the end.
        """
        if not self.records.parent.exists():  # before the first run there is nothing to index
            with closing(make(":memory:")) as nothing:
                return work(nothing)
        if self._memory is None and self.records.exists() and not self.records.is_file():
            self._memory = make(":memory:")
        if self._memory is None:
            try:
                return self._use_file(work)
            except (sqlite3.Error, OSError, IndexBusyError) as error:
                if isinstance(error, OSError) and _is_of(error, self.records):
                    raise
                words = "%s can't be used (%s): the records are read anew, and kept in memory"
                log.warning(words, self.path, getattr(error, "strerror", None) or error)
            self._memory = make(":memory:")
        self._catch_up(self._memory)
        return work(self._memory)

    def check(self) -> None:
        """Raise `StoppedError` if it is time to end."""
        if self._stopping.is_set():
            raise StoppedError("the instance ends")

    def close(self) -> None:
        """Give up what is kept in memory."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def _use_file(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._locked():
            try:
                return self._work(work)
            except (sqlite3.DatabaseError, TypeError, ValueError) as error:
                if isinstance(error, sqlite3.DatabaseError) and not _is_damage(error):
                    raise
                log.warning("%s is damaged (%s) and is made again", self.path, error)
            self._remove()
            return self._work(work)

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with closing(self._open()) as database:
            self._catch_up(database)
            return work(database)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from the index: it may be taken away and made again."""
        path = self.path.with_name(self.path.name + "-lock")
        deadline = time.monotonic() + LOCK_DEADLINE
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                if _lock(file) and _is_at(file, path):
                    yield
                    return
            finally:
                os.close(file)
            self._stopping.wait(0.02)
            self.check()
            if time.monotonic() > deadline:
                raise IndexBusyError("another process works on it")

    def _open(self) -> sqlite3.Connection:
        if self.path.is_symlink():
            self._remove()
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        database = connect(self.path)
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version == VERSION:
                return database
        except BaseException:
            database.close()
            raise
        database.close()
        self._remove()
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        return make(self.path)

    def _remove(self) -> None:
        for suffix in ("-journal", "-wal", "-shm", ""):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    # -- bringing it up to date --------------------------------------------------------------------

    def _catch_up(self, database: sqlite3.Connection) -> None:
        """Take in what the files hold and the index does not, and the other way round."""
        before = None
        for _ in range(ROUNDS):
            seen = self._read_all(database)
            if seen == before:
                break
            before = seen
        gone = {
            row[0]
            for row in database.execute("SELECT id, device, inode FROM files")
            if (int(row[1]), int(row[2])) not in seen
        }
        for file in gone:
            with transaction(database):
                forget_file(database, file)
                database.execute("DELETE FROM files WHERE id = ?", (file,))

    def _read_all(self, database: sqlite3.Connection) -> set[tuple[int, int]]:
        seen: set[tuple[int, int]] = set()
        paths = [(path, "call") for path in log_files(self.records)]
        paths.append((removals_of(self.records), "removal"))
        for path, kind in paths:
            with opened(path) as file:
                if file is not None and file.identity not in seen:
                    seen.add(file.identity)
                    self._read(database, file, kind)
        return seen

    def _read(self, database: sqlite3.Connection, file: LogFile, kind: str) -> None:
        number, mark = known_file(database, file, kind)
        if mark is not None and file.continues(mark):
            if file.is_read(mark):
                return
            offset = mark.offset
        else:
            offset = 0
            with transaction(database):
                forget_file(database, number)
                note_mark(
                    database, number, file.mark(-1 if file.is_compressed else 0, is_end=False)
                )
                database.execute("UPDATE files SET skipped = 0 WHERE id = ?", (number,))
        batch: list[bytes] = []
        for line, end in file.lines(offset):
            batch.append(line)
            offset = end
            if len(batch) == BATCH:
                self._take(database, number, kind, batch, file, offset, is_end=False)
                batch = []
                self.check()
        self._take(database, number, kind, batch, file, offset, is_end=True)
        if file.is_compressed:
            with transaction(database):
                note_mark(database, number, file.mark(file.status.st_size, is_end=True))

    def _take(
        self,
        database: sqlite3.Connection,
        number: int,
        kind: str,
        lines: Sequence[bytes],
        file: LogFile,
        offset: int,
        *,
        is_end: bool,
    ) -> None:
        """Take in some lines, and note how far that is, in one transaction."""
        take = TAKERS[kind]
        with transaction(database):
            skipped = 0
            for count, line in enumerate(lines, 1):
                skipped += not take(database, number, line)
                if self._rest and count % FEW == 0:
                    self._stopping.wait(self._rest)
            if skipped:
                words = "UPDATE files SET skipped = skipped + ? WHERE id = ?"
                database.execute(words, (skipped, number))
            if not file.is_compressed:  # which counts once it was read to its end
                note_mark(database, number, file.mark(offset, is_end=is_end))


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Tell whether the index itself is wrong, rather than the disk under it."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    return code in {
        *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR),
        *(sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_CONSTRAINT),
    }


def _is_of(error: OSError, records: Path) -> bool:
    """Tell whether it is the log that can't be read, not the index."""
    names = map(str, [*log_files(records), removals_of(records)])
    return str(error.filename or "") in names


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # A file system that knows no locks: SQLite's own have to do.
        return error.errno in {errno.ENOSYS, errno.ENOTSUP, errno.EINVAL, errno.ENOLCK}
    return True


def _is_at(file: int, path: Path) -> bool:
    mine = os.fstat(file)
    with suppress(OSError):
        there = path.lstat()
        return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)
    return False
