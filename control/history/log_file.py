"""The files that hold detail records, and how far each has been read."""

import errno
import gzip
import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

#: Octets at the beginning of a file, and before the place that was read to, that are compared.
WITNESS = 4096
#: Octets from which on a line is no record of ours.
LONGEST_LINE = 1 << 20
#: What logrotate and its like put after the name: ``.1``, ``.2.gz``, ``-20261128``.
_ROTATED = re.compile(r"[.-]\d[\dt:_-]{0,30}(\.gz)?", re.IGNORECASE)
#: What is no file that could be read, whoever reads it: nothing, a loop of links, a socket.
_NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO})
_GZIP = b"\x1f\x8b"


class Mark(Struct, frozen=True):
    """How far a file was read, and how to tell that it is still the same one.

    Attributes:
        device, inode: which file it is, whatever its name.
        size: octets that it had, all of which were looked at; -1 if not all were.
        modified: nanoseconds since the epoch at which it was last changed.
        offset: octets that were read: whole lines. All of them for a compressed file.
        head, tail: digests of its first octets, and of those before the offset.
    """

    device: int
    inode: int
    size: int
    modified: int
    offset: int
    head: bytes
    tail: bytes

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode."""
        return self.device, self.inode


class LogFile(Struct, frozen=True):
    """A file of records, opened for reading.

    Attributes:
        stream: the file.
        status: what it was when it was opened.
        is_compressed: whether it is a gzip file.
    """

    stream: BinaryIO
    status: os.stat_result
    is_compressed: bool

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode."""
        return self.status.st_dev, self.status.st_ino

    def is_read(self, mark: Mark) -> bool:
        """Tell whether nothing has come since a mark that `continues`."""
        same = (mark.size, mark.modified) == (self.status.st_size, self.status.st_mtime_ns)
        return same or (not self.is_compressed and self.status.st_size == mark.offset)

    def continues(self, mark: Mark) -> bool:
        """Tell whether the file is what was read up to a mark, with or without more behind it.

        A file that was cut, written anew or changed in place is not. A change in the middle of a
        file that has grown since is not seen.
        """
        status = self.status
        if mark.offset < 0 or status.st_size < mark.offset:
            return False
        is_changed = status.st_mtime_ns != mark.modified
        if is_changed and (self.is_compressed or status.st_size == mark.size):
            # What was torn is cut off now: see RecordFile. Anything else wrote in what was read.
            return False
        return self._witnesses(mark.offset) == (mark.head, mark.tail)

    def mark(self, offset: int, *, is_end: bool) -> Mark:
        """Return the mark of what has been read up to an offset.

        Args:
            offset: octets.
            is_end: whether no whole line is left behind it.
        """
        status = self.status
        size = status.st_size if is_end else -1
        return Mark(*self.identity, size, status.st_mtime_ns, offset, *self._witnesses(offset))

    def _witnesses(self, offset: int) -> tuple[bytes, bytes]:
        file = self.stream.fileno()
        length = min(WITNESS, max(0, offset))
        head, tail = os.pread(file, length, 0), os.pread(file, length, max(0, offset) - length)
        return hashlib.sha256(head).digest(), hashlib.sha256(tail).digest()

    def lines(self, offset: int) -> Iterator[tuple[bytes, int]]:
        """Give the whole lines after an offset, each with the offset of its end.

        What stands after the last line break is no line yet. Of a line that is too long, only the
        end is given. A compressed file that is not whole ends where it does.

        Args:
            offset: octets, after a line break.
        """
        if not self.is_compressed:
            self.stream.seek(offset)
            yield from _lines(self.stream, offset)
            return
        self.stream.seek(0)
        with gzip.GzipFile(fileobj=self.stream) as stream, suppress(EOFError, OSError, zlib.error):
            yield from _lines(stream, 0)


def _lines(stream: BinaryIO | gzip.GzipFile, offset: int) -> Iterator[tuple[bytes, int]]:
    while line := stream.readline(LONGEST_LINE):
        offset += len(line)
        if line.endswith(b"\n"):
            yield line, offset
        elif len(line) < LONGEST_LINE:
            return


def log_files(log: Path) -> list[Path]:
    """Return where the records of a log stand: the log, and the files it was rotated into.

    Args:
        log: the file of detail records; it may be missing.
    """
    found = [log]
    with suppress(OSError):
        names = sorted(one.name for one in os.scandir(log.parent))
        found += [
            log.with_name(name)
            for name in names
            if name.startswith(log.name) and _ROTATED.fullmatch(name[len(log.name) :])
        ]
    return found


@contextmanager
def opened(path: Path) -> Iterator[LogFile | None]:
    """Open a file of records; None if there is none, or it is no regular file.

    Args:
        path: where it is.

    Raises:
        OSError: it is there, and can't be read.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        yield None
        return
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        os.close(file)
        yield None
        return
    with os.fdopen(file, "rb") as stream:
        yield LogFile(stream, status, os.pread(file, 2, 0) == _GZIP)
