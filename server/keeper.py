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
NOT_STARTED = 127
"""The status of a command that could not be started, as a shell has it."""

# One runs for each server, and most of its time goes into imports. So there is no `subprocess` and
# no `shutil` here: with these it would need twice the CPU.


def start(command: tuple[str, ...]) -> int:
    """Start a command that the kernel kills when this process ends (prctl(2)).

    It reads nothing, and ignores no signal that only Python wants ignored. This process has one
    thread, so the child may do as it likes between fork and exec.

    Args:
        command: The program's path and its arguments.

    Returns:
        Its process id. If it can't be started, it ends with `NOT_STARTED`.
    """
    pid = os.fork()
    if pid:
        return pid
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.execvp(command[0], command)  # noqa: S606 - the command is our parent's
    except OSError as error:
        os.write(2, f"keeper: {command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(NOT_STARTED)


def raise_file_limit() -> None:
    """Allow as many open files as the system lets us: each client of a fleet takes one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def wait(child: int, lifeline: int) -> int:
    """Wait until the command or the lifeline ends, then see the command off.

    Args:
        child: The command's process id.
        lifeline: A file descriptor that ends when nobody wants the command any more.

    Returns:
        The command's exit status, negative for a signal.
    """
    ended = os.pidfd_open(child)
    ready, _, _ = select.select([ended, lifeline], [], [])
    if ended not in ready:
        os.kill(child, signal.SIGKILL if os.read(lifeline, 1) else signal.SIGTERM)
        if not select.select([ended], [], [], GRACE)[0]:
            os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def remove(folder: str) -> None:
    """Remove a folder with all that is in it, as far as that is possible."""
    with suppress(OSError), os.scandir(folder) as found:
        for one in found:
            if one.is_dir(follow_symlinks=False):
                remove(one.path)
            else:
                os.unlink(one.path)  # noqa: PTH108 - see the imports
    with suppress(OSError):
        os.rmdir(folder)  # noqa: PTH106


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
        child = start(command)
        with suppress(BrokenPipeError):
            sys.stdout.write(f"keeper: pid {child}\n")
            sys.stdout.flush()
        status = wait(child, sys.stdin.fileno())
    finally:
        remove(folder)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
