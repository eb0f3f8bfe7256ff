"""What a process uses: CPU and memory, as the kernel counts them."""

import gc
import os
import resource
from contextvars import ContextVar
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
#: Whether trials run in this process: a smoke run need not be fair, but should be short.
here = ContextVar("here", default=False)


def cpu(pid: int | None = None) -> float:
    """Return the CPU seconds, user and system, that a process has used with all its threads.

    Args:
        pid: the process; None is this one, which is counted in microseconds and not in ticks.
    """
    if pid is None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid: int | None = None) -> int:
    """Return the KiB of memory that a process has to itself (Pss: shared pages in proportion).

    Args:
        pid: the process; None is this one, whose garbage is collected before.
    """
    if pid is None:
        gc.collect()
    lines = Path(f"/proc/{pid or 'self'}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def session(leader: int) -> list[int]:
    """Return the processes of a session: a program and all that it started.

    Args:
        leader: the process that the session began with.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(fields[3]) == leader:
            found.append(int(entry.name))
    return found


def keep_to(core: int) -> None:
    """Let this process run on one core alone, where there are more; not in a smoke run."""
    if here.get():
        return
    # Whoever started us may have kept to one core: what a child is given is not all there is.
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})


def allow_files() -> None:
    """Allow as many open files as the system lets us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
