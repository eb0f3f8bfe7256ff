"""A file that grows by whole lines, whatever goes wrong."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Seconds that another process may take for its lines.
LOCK_DEADLINE = 2.0
#: Octets that are looked at for the beginning of an unfinished last line.
LONGEST_LINE = 1 << 20

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

    @contextmanager
    def _opened(self) -> Iterator[int]:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
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
                _cut_back(file)
            yield file
        finally:
            os.close(file)


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
