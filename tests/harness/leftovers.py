"""What a test may leave behind: nothing.

Looked at after every test: threads, file descriptors (sockets, files, pipes), child processes and
what lies in the folder that ``tempfile`` was pointed to while it ran. asyncio tasks are looked at
where their loop ends, in `loops.py`.
"""

import gc
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

ALLOWED_THREADS = ("(_run_safe_shutdown_loop)",)
"""Names (endings) of threads that libraries keep for the life of the process: pycares'."""

ALLOWED_FILES = ("/dev/urandom", "/proc/")
"""Files (beginnings) that libraries open once for the life of the process."""

GRACE = 10.0
"""Seconds that something already on its way out has left to go."""


class Snapshot:
    """What the process holds at one moment.

    Args:
        temporary: the folder that ``tempfile`` uses.
    """

    def __init__(self, temporary: Path) -> None:
        self.temporary = temporary
        self.threads = {thread for thread in threading.enumerate() if thread.is_alive()}
        self.descriptors = _descriptors()
        self.children = _children()

    def new_since(self, before: "Snapshot") -> list[str]:
        """Describe what is here now and was not before, a sentence each."""
        found = [
            f"the thread {thread.name!r} still runs"
            for thread in self.threads - before.threads
            if not thread.name.endswith(ALLOWED_THREADS)
        ]
        found += [
            f"the file descriptor {number} is still open: {_describe(number, target)}"
            for number, target in self.descriptors.items()
            if before.descriptors.get(number) != target and not target.startswith(ALLOWED_FILES)
        ]
        found += [
            f"the child process {pid} ({name}) is still there"
            for pid, name in self.children.items()
            if pid not in before.children
        ]
        found += [f"{path.name} is still in the temporary folder" for path in self._files()]
        return found

    def _files(self) -> list[Path]:
        return sorted(self.temporary.iterdir())


def leftovers(before: Snapshot) -> list[str]:
    """Describe what a test has left behind, after it had a moment to go.

    Args:
        before: taken when the test began.

    Returns:
        A sentence for each.
    """
    gc.collect()  # An object in a cycle warns here (ResourceWarning), not in a later test.
    deadline = time.monotonic() + GRACE
    while found := Snapshot(before.temporary).new_since(before):
        if time.monotonic() > deadline:
            return found
        time.sleep(0.01)
    return []


# Each is looked at twice in each of thousands of tests: with `Path` it takes twice as long.
def _descriptors() -> dict[int, str]:
    found = {}
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with suppress(OSError):  # the listing's own descriptor is closed by now
            found[int(number)] = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115
    return found


def _children() -> dict[int, str]:
    found: dict[int, str] = {}
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # there is none: most tests have none
        return found
    for thread in os.listdir("/proc/self/task"):  # noqa: PTH208
        with suppress(OSError), open(f"/proc/self/task/{thread}/children") as children:  # noqa: PTH123
            for pid in children.read().split():
                found[int(pid)] = Path("/proc", pid, "comm").read_text().strip()
    return found


def _describe(number: int, target: str) -> str:
    if target.startswith("socket:"):
        with suppress(OSError), socket.socket(fileno=os.dup(number)) as copy:
            return str(copy).replace("<", "").replace(">", "")
    return target
