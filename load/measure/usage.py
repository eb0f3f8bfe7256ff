"""The CPU and the memory of processes, and how many files they may open."""

import resource
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Reading:
    """What a process used.

    Attributes:
        cpu: percent of one core, since the reading before.
        memory: resident, in MiB.
    """

    cpu: float
    memory: float


class Usage:
    """Reads what a process uses.

    Args:
        pid: the process; it may be gone.
    """

    def __init__(self, pid: int) -> None:
        self._process: psutil.Process | None
        try:
            self._process = psutil.Process(pid)
            self._process.cpu_percent()
        except psutil.Error:
            self._process = None

    def take(self) -> Reading | None:
        """Return what was used since the last time, or None if the process is gone."""
        if self._process is None:
            return None
        try:
            with self._process.oneshot():
                cpu = self._process.cpu_percent()
                return Reading(cpu, self._process.memory_info().rss / 2**20)
        except psutil.Error:
            self._process = None
            return None


def machine_cpu() -> float:
    """Return the percent of all cores that are busy, since the last time."""
    return psutil.cpu_percent()


def raise_open_files() -> int:
    """Raise this process's limit of open files as far as it goes, and return it.

    Child processes, the embedded server among them, inherit it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
