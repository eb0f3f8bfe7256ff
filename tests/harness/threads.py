"""What a thread of this process is doing, as Linux tells it (``/proc/self/task``)."""

import os
import platform
import re
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

TASKS = Path("/proc/self/task")

STATUS = re.compile(rb"^State:\t(\S).*^voluntary_ctxt_switches:\t(\d+)", re.DOTALL | re.MULTILINE)

FUTEX = {"x86_64": "202", "aarch64": "98"}.get(platform.machine())
"""Number of the system call that waits for a lock, the GIL among them."""


class Look(NamedTuple):
    """What a thread was seen doing.

    Attributes:
        wall: Seconds of the monotonic clock.
        cpu: Seconds that the thread has had of a core.
        process: Seconds that all threads have had.
        state: Linux's letter: R runs or waits for a core, S sleeps until something happens, D
            sleeps in the kernel until a disk or one of the kernel's locks lets it go on.
        sleeps: How often it has fallen asleep.
        call: Number of the system call in which it sleeps and its first argument; empty if it
            sleeps in none (it waits for a page of memory), or not at all.
    """

    wall: float
    cpu: float
    process: float
    state: str
    sleeps: str
    call: list[str]


class Observer:
    """Tells how long a thread was kept by what it does, whatever else the machine does.

    That is the time in which it computed, and the time in which it slept in a system call. Not
    counted is the time in which it waited for a core, for the GIL, for a page of memory or for a
    lock of the kernel's: nothing of that is its own doing.

    Args:
        ident: Python's number of the thread.
        native: Linux's number of the thread.
    """

    def __init__(self, ident: int, native: int) -> None:
        self._clock = time.pthread_getcpuclockid(ident)
        self._native = str(native)
        self._last = self._look()

    def kept(self, most: float) -> float:
        """Tell for how many seconds it was kept since the last time this was asked.

        Args:
            most: Seconds to count of a sleep that may have begun at any time since then.
        """
        before, now = self._last, self._look()
        self._last = now
        wall = now.wall - before.wall
        is_same_sleep = now.sleeps == before.sleeps
        slept = 0.0
        if not now.call or (now.state != "S" and not _is_file(now.call[1])):
            pass
        elif now.call[0] != FUTEX:
            slept = wall if is_same_sleep else min(wall, most)
        elif is_same_sleep:  # who waits for the GIL looks up every 5 ms
            is_starved = self._is_another_awake()
            slept = min(wall, now.process - before.process) if is_starved else wall
        return max(now.cpu - before.cpu, slept)

    def _look(self) -> Look:
        state, sleeps = _status(self._native)
        call: list[str] = []
        with suppress(OSError):
            call = _read(self._native, "syscall").decode().split()[:2]
        return Look(
            wall=time.monotonic(),
            cpu=time.clock_gettime(self._clock),
            process=time.process_time(),
            state=state,
            sleeps=sleeps,
            call=call if len(call) == 2 and call[0] != "-1" else [],
        )

    def _is_another_awake(self) -> bool:
        """Whether a thread that may hold the lock runs, or would if it had a core."""
        others = {task.name for task in TASKS.iterdir()}
        others -= {self._native, str(threading.get_native_id())}
        return any(_status(task)[0] != "S" for task in others)


def _status(task: str) -> tuple[str, str]:
    """Return the state of a thread, "?" if it has gone, and how often it has fallen asleep."""
    with suppress(OSError):
        if (found := STATUS.search(_read(task, "status"))) is not None:
            return found[1].decode(), found[2].decode()
    return "?", ""


# 20 times a second in each test with a loop: with `Path` it takes three times as long.
def _read(task: str, name: str) -> bytes:
    with open(f"{TASKS}/{task}/{name}", "rb", buffering=0) as file:  # noqa: PTH123
        return file.read()


def _is_file(argument: str) -> bool:
    """Whether a system call's first argument is an open file that lies on a disk."""
    with suppress(OSError, OverflowError):
        return stat.S_ISREG(os.fstat(int(argument, 16)).st_mode)
    return False
