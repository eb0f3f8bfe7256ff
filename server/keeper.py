"""The keeper: a child that outlives us by a moment and leaves nothing of the server behind.

It runs as a program of its own, on the standard library alone:
``python -I -S keeper.py FOLDER COMMAND…``.
It starts the command, prints ``keeper: pid N``, and waits for whichever comes first:

- its standard input ends (we closed it, or we are gone, by SIGKILL perhaps): it stops the command,
  by SIGTERM and, when that does not help, by SIGKILL; a byte on it asks for SIGKILL at once;
- the command ends by itself.

Then it removes the folder and ends with the command's status. The command dies with the keeper
(``PR_SET_PDEATHSIG``), whatever kills that.
"""

import ctypes
import os
import resource
import select
import signal
import sys
from contextlib import suppress

PR_SET_PDEATHSIG = 1
GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL."""


def start(command: tuple[str, ...]) -> int:
    """Start the command as a child that the kernel kills when we end (prctl(2)).

    By hand, as `subprocess` and `shutil` alone would take longer to import than all of this to run.

    Args:
        command: The program's path and its arguments.

    Returns:
        Its process id.
    """
    pid = os.fork()  # safe: the keeper has one thread
    if pid:
        return pid
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
            signal.signal(number, signal.SIG_DFL)
        os.execv(command[0], command)  # noqa: S606 - the command is our parent's
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.stderr.flush()
    finally:
        os._exit(127)


def remove(folder: str) -> None:
    """Remove a folder and what is in it, as far as we may.

    Args:
        folder: Its path.
    """
    for place, folders, files in os.walk(folder, topdown=False):
        for name in files:
            with suppress(OSError):
                os.unlink(os.path.join(place, name))  # noqa: PTH108, PTH118
        for name in folders:
            with suppress(OSError):
                os.rmdir(os.path.join(place, name))  # noqa: PTH106, PTH118
    with suppress(OSError):
        os.rmdir(folder)  # noqa: PTH106


def raise_file_limit() -> None:
    """Allow as many open files as the system lets us: each client of a fleet takes one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def wait(pid: int, lifeline: int) -> int:
    """Wait until the command or the lifeline ends, then see the command off.

    Args:
        pid: The command's process id.
        lifeline: A file descriptor that ends when nobody wants the command any more.

    Returns:
        The command's exit status, negative for a signal.
    """
    ended = os.pidfd_open(pid)
    ready, _, _ = select.select([ended, lifeline], [], [])
    if ended not in ready:
        os.kill(pid, signal.SIGKILL if os.read(lifeline, 1) else signal.SIGTERM)
        if not select.select([ended], [], [], GRACE)[0]:
            os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main(folder: str, *command: str) -> int:
    """Start the command and keep it.

    Args:
        folder: What to remove at the end.
        *command: The program's path and its arguments.

    Returns:
        The exit status: the command's, or 128 + the signal that ended it.
    """
    # SIGINT and SIGTERM are for our parent, who closes the lifeline when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise_file_limit()
    try:
        pid = start(command)
        with suppress(BrokenPipeError):
            sys.stdout.write(f"keeper: pid {pid}\n")
            sys.stdout.flush()
        status = wait(pid, sys.stdin.fileno())
    finally:
        remove(folder)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
