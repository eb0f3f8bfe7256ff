"""The keeper: a child that outlives us by a moment and leaves nothing of the server behind.

It runs as a program of its own, on the standard library alone:
``python -I -S keeper.py FOLDER COMMAND…``.
It waits for a newline on its standard input: what the command reads is made while the keeper
itself starts. If something else comes, or the end, there is no command, and its status is 0. Then
it starts the command, prints ``keeper: pid N``, and waits for whichever comes first:

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
GO = b"\n"
"""What asks for the command."""
GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL."""


def start(command: tuple[str, ...]) -> int:
    """Start the command, which the kernel kills when this process ends (prctl(2)).

    It is done here as `subprocess` takes 7 ms to import, for which a login waits.

    Args:
        command: The program's path and its arguments.

    Returns:
        Its process id.
    """
    child = os.fork()
    if child:
        return child
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
        os.execv(command[0], command)  # noqa: S606 - the command is our parent's
    except OSError as error:
        os.write(sys.stderr.fileno(), f"keeper: {command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(1)


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
    lifeline = sys.stdin.fileno()
    try:
        if os.read(lifeline, 1) != GO:
            return 0
        child = start(command)
        with suppress(BrokenPipeError):
            sys.stdout.write(f"keeper: pid {child}\n")
            sys.stdout.flush()
        status = wait(child, lifeline)
    finally:
        import shutil  # noqa: PLC0415 - it takes 7 ms, for which nobody waits now

        shutil.rmtree(folder, ignore_errors=True)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
