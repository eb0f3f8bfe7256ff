"""Standard streams of a command that runs calls: who reads them can't keep it from running."""

import errno
import io
import os
import select
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

#: Characters that wait to be written at the most; what comes when there are more is left out.
LIMIT = 4 << 20
#: Seconds that what waits for each stream has to be written at the end.
PATIENCE = 2.0
_GONE = frozenset({errno.EPIPE, errno.EBADF, errno.EIO, errno.ENXIO, errno.ECONNRESET})
"""Faults after which nobody reads any more."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Faults that may pass."""


class Outlet(io.TextIOBase):
    """A text stream that a thread of its own writes to a file descriptor.

    Writing to it takes no time, whether the other end is slow, full or gone, and raises nothing
    unless it needs a reader.
    What the encoding lacks is escaped.

    Args:
        fd: the file descriptor.
        name: what it is called in sentences.
        encoding: of what is written.
        complain: told in a line what was lost.
        needs_reader: whether writing raises `BrokenPipeError` once the reader has gone, because
            there is nothing else to do than to print.
    """

    def __init__(
        self,
        fd: int,
        name: str,
        encoding: str,
        complain: Callable[[str], object],
        *,
        needs_reader: bool = False,
    ) -> None:
        self._fd = fd
        self._name = name
        self._encoding = encoding
        self._complain = complain
        self._needs_reader = needs_reader
        self._is_terminal = os.isatty(fd)
        self._changed = threading.Condition()
        self._waiting: list[str] = []
        self._size = 0
        self._missed = 0
        self._gone = False
        self._told: set[int | None] = set()
        self._stopping = False
        self._thread = threading.Thread(target=self._pump, name=name, daemon=True)
        self._thread.start()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """What is written is encoded so."""
        return self._encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        """What becomes of characters that the encoding lacks."""
        return "backslashreplace"

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._fd

    def isatty(self) -> bool:
        """Tell whether a terminal is at the other end."""
        return self._is_terminal

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Have a text written."""
        if not isinstance(text, str):  # click asks so whether a stream takes octets
            raise TypeError("an outlet takes text")
        with self._changed:
            if self._gone:
                if self._needs_reader:
                    raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
            elif self._size + len(text) > LIMIT:
                self._missed += text.count("\n")
            else:
                self._waiting.append(text)
                self._size += len(text)
                self._changed.notify_all()
        return len(text)

    def drain(self, seconds: float) -> None:
        """Wait until everything is written, or a time has passed.

        Args:
            seconds: the time.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            while self._size and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)

    def stop(self) -> None:
        """Write what waits, then nothing any more."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def _pump(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    if self._stopping:
                        return
                    self._changed.wait()
                text, missed = "".join(self._waiting), self._missed
                self._waiting.clear()
                self._missed = 0
            self._put(text.encode(self._encoding, "backslashreplace"))
            if missed:
                self._complain(
                    f"callboard: {missed} lines were not written to {self._name}: "
                    "its reader is too slow\n"
                )
            with self._changed:
                self._size -= len(text)
                self._changed.notify_all()

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest and not self._gone:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:  # who shares the descriptor has made it so
                select.select([], [self._fd], [])
            except OSError as error:
                self._fail(error)
                return

    def _fail(self, error: OSError) -> None:
        if error.errno in _GONE:
            self._gone = True
            # Others write to it too: Python at its end, and libraries.
            with suppress(OSError):
                to_nowhere(self._fd)
            if self._needs_reader:
                return
        if error.errno not in self._told:
            self._told.add(error.errno)
            self._complain(f"callboard: {self._name}: {error.strerror}: continuing without it\n")


def to_nowhere(fd: int) -> None:
    """Let a file descriptor lead to /dev/null.

    Args:
        fd: the file descriptor; it may be closed.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere == fd:
        os.set_inheritable(fd, True)
    else:
        os.dup2(nowhere, fd)
        os.close(nowhere)


def install_outlets(*, needs_reader: bool = False) -> None:
    """Let standard output and standard error be outlets from here to the end of the process.

    Args:
        needs_reader: whether to end when nobody reads standard output any more.
    """
    try:
        error_fd, output_fd = sys.stderr.fileno(), sys.stdout.fileno()
    except (AttributeError, OSError):
        return  # who has replaced them sees to them
    sys.stdout.flush()
    sys.stderr.flush()
    error = Outlet(error_fd, "standard error", sys.stderr.encoding, lambda _: None)
    sys.stdout = Outlet(
        output_fd,
        "standard output",
        sys.stdout.encoding,
        error.write,
        needs_reader=needs_reader,
    )
    sys.stderr = error


def drain_outlets(seconds: float = PATIENCE) -> None:
    """Wait until what was printed is written, or nobody can be expected to read it any more.

    Args:
        seconds: how long that may take.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Outlet):
            stream.drain(seconds)


def open_standard_streams() -> None:
    """See that there are standard streams, and that each can write every character.

    A file descriptor that was closed (``2>&-``) would be given to the next file or socket, and
    what is said on standard error would go there.
    """
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(fd)
        except OSError:
            to_nowhere(fd)
        stream = getattr(sys, name)
        if stream is None:
            mode = "r" if fd == 0 else "w"
            setattr(sys, name, open(fd, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
        elif fd and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
