"""A file that grows by whole lines, whatever goes wrong."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

#: Seconds that another process may take for its lines.
LOCK_DEADLINE = 2.0
#: Octets that are looked at for the beginning of an unfinished last line.
LONGEST_LINE = 1 << 20
#: What a file is called that is to take the place of another one.
PART = ".part"

_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EINVAL, errno.ENOLCK}


class RecordFile:
    """Lines of JSON in a file of mode 0600, to which several processes may add.

    A line is there as a whole or not at all: what a full disk cut off is taken back, and what a
    killed process or a power cut left of a line is removed before the next one. Everything blocks.

    Args:
        path: the file. It is opened anew for each write, so that it may be moved or removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def mend(self) -> None:
        """Make the file if it is not there, and remove what there is of an unfinished last line.

        Raises:
            OSError: it can't be opened for writing.
        """
        with self._opened():
            pass

    def append(self, lines: Iterable[str]) -> None:
        """Add lines: all of them or none.

        Args:
            lines: without line breaks.

        Raises:
            OSError: they could not be written; nothing of them is in the file.
        """
        with self._opened() as file:
            write_lines(file, lines)

    def rewrite(self, is_kept: Callable[[bytes], bool]) -> int:
        """Leave out lines. Others may add some meanwhile; they wait for a moment only.

        The file is replaced by another one at once: a kill leaves the one or the other.

        Args:
            is_kept: tells of each whole line, with its line break, whether it stays.

        Returns:
            How many lines were left out; if it is none, the file stays what it is.

        Raises:
            OSError: it could not be done; the file is as it was.
        """
        path = Path(os.path.realpath(self.path))  # a link to it stays one
        part = path.with_name(path.name + PART)
        with path.open("rb") as old, _made(part, old.fileno()) as new:
            taken, dropped = _copy(old, new, is_kept)
            if not dropped:
                part.unlink()
                return 0
            os.fsync(new)
            with self._opened() as file:
                if not os.path.sameopenfile(file, old.fileno()):
                    raise FileNotFoundError(errno.ENOENT, "it was replaced meanwhile", str(path))
                old.seek(taken)
                dropped += _copy(old, new, is_kept)[1]
                os.fsync(new)
                part.rename(path)
        return dropped

    @contextmanager
    def _opened(self) -> Iterator[int]:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        while True:
            try:
                file = os.open(self.path, flags, 0o600)
            except FileNotFoundError:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                file = os.open(self.path, flags, 0o600)
            try:
                status = os.fstat(file)
                if stat.S_ISREG(status.st_mode):
                    if status.st_mode & 0o077:
                        with suppress(PermissionError):  # it belongs to somebody else, who decides
                            os.fchmod(file, 0o600)
                    _lock(file, self.path)  # until it is closed
                    if not self._is(file):  # it was replaced while we waited
                        continue
                    _cut_back(file)
                yield file
                return
            finally:
                os.close(file)

    def _is(self, file: int) -> bool:
        """Tell whether an open file is the one that has the path."""
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(file), self.path.stat())
        return False


@contextmanager
def _made(part: Path, like: int) -> Iterator[int]:
    """Make a file that is to take another one's place, and remove it if something goes wrong."""
    with suppress(FileNotFoundError):
        part.unlink()  # which a kill left
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(part, flags, 0o600)
    try:
        owner = os.fstat(like)
        with suppress(PermissionError):
            os.fchown(file, owner.st_uid, owner.st_gid)
        yield file
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    finally:
        os.close(file)


def _copy(old: BinaryIO, new: int, is_kept: Callable[[bytes], bool]) -> tuple[int, int]:
    """Copy the whole lines that are kept; return where they end, and how many are not kept."""
    at, dropped = old.tell(), 0
    while (line := old.readline()).endswith(b"\n"):
        at += len(line)
        if not is_kept(line):
            dropped += 1
            continue
        data = memoryview(line)
        while data:
            data = data[os.write(new, data) :]
    return at, dropped


def write_lines(file: int, lines: Iterable[str]) -> None:
    """Add lines to a file that nobody else writes to now: all of them or none.

    Args:
        file: opened for appending.
        lines: without line breaks.

    Raises:
        OSError: they could not be written; nothing of them is in the file.
    """
    data = memoryview("".join(f"{line}\n" for line in lines).encode())
    before = os.fstat(file).st_size
    try:
        while data:
            data = data[os.write(file, data) :]
    except OSError:
        with suppress(OSError):  # a device; or the next write removes it
            os.ftruncate(file, before)
        raise


def _lock(file: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_DEADLINE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                words = "another process keeps it locked"
                raise BlockingIOError(errno.EAGAIN, words, str(path)) from None
            time.sleep(0.01)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return  # a file system that knows no locks
        else:
            return


def _cut_back(file: int) -> None:
    """Let the file end with the end of a line."""
    size = os.fstat(file).st_size
    if not size or os.pread(file, 1, size - 1) == b"\n":
        return
    tail = os.pread(file, min(size, LONGEST_LINE), max(0, size - LONGEST_LINE))
    whole = tail.rfind(b"\n") + 1
    if whole or size <= LONGEST_LINE:
        os.ftruncate(file, size - len(tail) + whole)
    else:
        os.write(file, b"\n")  # no line of ours is so long
