"""The one instance that a socket's path belongs to."""

import errno
import fcntl
import json
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from .address import LONGEST_PATH, NoPlaceError, fits

#: Clients that may wait to be accepted.
BACKLOG = 128


#: What to do about what the system says; else another place is to be chosen.
_REMEDIES = {
    errno.ENOENT: "make this folder, or choose another place",
    errno.EACCES: "choose a place that this user may write to",
}


class AlreadyRunningError(Exception):
    """Another instance has the path; the message says which process."""


class Claim:
    """A path, held by a lock as long as the process lives, and the socket that listens there.

    The lock tells what is left of an instance that was killed from one that runs. It is a file
    beside the socket.

    Args:
        path: the socket's.
        lock: the file descriptor of the lock's file.
        listener: the socket.
    """

    def __init__(self, path: Path, lock: int, listener: socket.socket) -> None:
        self.path = path
        self.listener = listener
        self._lock: int | None = lock

    def release(self) -> None:
        """Let another instance have the path, if that was not done. It blocks for a moment."""
        if self._lock is None:
            return
        lock, self._lock = self._lock, None
        self.listener.close()
        with suppress(OSError):
            self.path.unlink()
        with suppress(OSError):
            _lock_file(self.path).unlink()
        os.close(lock)


def claim(path: Path) -> Claim:
    """Take a path, and listen there. It blocks for a moment.

    The socket is its owner's alone from the first moment, whatever the umask is: it takes nobody
    before its mode is set.

    Args:
        path: where; what an instance that was killed has left there is replaced.

    Raises:
        AlreadyRunningError: another instance has it.
        NoPlaceError: there can be no socket; the message says what to do.
    """
    if not fits(path):
        raise NoPlaceError(
            f"{path} is too long for a socket: {len(os.fsencode(path))} octets, and "
            f"{LONGEST_PATH} are possible: give a shorter path"
        )
    try:
        _check_parent(path.parent)
        lock = _take_lock(path)
    except OSError as error:
        raise _no_place(error, path) from None
    try:
        _remove_stale(path)
        return Claim(path, lock, _listen(path))
    except OSError as error:
        os.close(lock)
        raise _no_place(error, path) from None
    except BaseException:
        os.close(lock)
        raise


def _no_place(error: OSError, path: Path) -> NoPlaceError:
    remedy = _REMEDIES.get(error.errno or 0, "choose another place")
    return NoPlaceError(f"{error.filename or path}: {error.strerror}: {remedy}")


def is_claimed(path: Path) -> bool:
    """Tell whether an instance has a path. It blocks for a moment, and leaves nothing behind.

    Args:
        path: a control socket's.
    """
    try:
        lock = os.open(_lock_file(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _check_parent(folder: Path) -> None:
    """See that strangers can't put another socket in the place of ours."""
    found = folder.stat()
    if found.st_uid not in (0, os.getuid()):
        raise NoPlaceError(f"{folder} belongs to another user: choose a folder of your own")
    if found.st_mode & 0o002 and not found.st_mode & stat.S_ISVTX:
        raise NoPlaceError(f"everybody may write to {folder}: choose another folder")


def _take_lock(path: Path) -> int:
    file = _lock_file(path)
    while True:
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same(lock, file):
                os.ftruncate(lock, 0)
                os.pwrite(lock, json.dumps({"pid": os.getpid()}).encode(), 0)
                return lock
        except BlockingIOError:
            holder = _holder(lock)
            os.close(lock)
            raise AlreadyRunningError(holder) from None
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)  # it was removed by an instance that ended just now


def _is_same(lock: int, file: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(lock), file.lstat())
    return False


def _holder(lock: int) -> str:
    try:
        return f"process {json.loads(os.pread(lock, 1000, 0))['pid']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _lock_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _remove_stale(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise NoPlaceError(f"{path} is no socket: remove it, or choose another name")
    with socket.socket(socket.AF_UNIX) as trial:
        trial.setblocking(False)
        if trial.connect_ex(str(path)) not in (errno.ECONNREFUSED, errno.ENOENT):
            raise NoPlaceError(f"another program listens at {path}: choose another name")
    path.unlink(missing_ok=True)


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listener.fileno(), 0o600)  # Linux gives the file the socket's own mode
        listener.bind(str(path))
        path.chmod(0o600)  # others may not; and nobody can connect before it listens
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener
