"""Everything that a run leaves in its folder."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ...ladder.folder import LadderFolder, folder_of
from ..run.run import Run
from ..run.verdict import Verdict
from .junit import junit
from .page import page
from .samples import samples
from .summary import summary, to_json


def write_report(folder: Path, name: str, run: Run, verdict: Verdict) -> list[Path]:
    """Write ``report.html``, ``summary.json``, ``samples.csv``, ``calls.csv`` and ``junit.xml``.

    Others can't read them: they name accounts and addresses. It blocks on files and takes a moment:
    call it off the loop.

    Args:
        folder: where to; it is made if it is not there, and files in it are replaced.
        name: of the plan.
        run: what was run.
        verdict: how it ended.

    Returns:
        The files.

    Raises:
        OSError: the folder can't be written to.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    makers: dict[str, Callable[[], Iterable[bytes]]] = {
        "report.html": lambda: [page(name, run, verdict).encode()],
        "summary.json": lambda: [to_json(summary(run, verdict)).encode()],
        "samples.csv": lambda: [samples(run.measurements.points).encode()],
        "calls.csv": run.measurements.calls.csv,
        "junit.xml": lambda: [junit(name, run.elapsed, verdict).encode()],
    }
    written = _ladders(folder, run)
    for file, make in makers.items():
        path = folder / file
        with open(path, "wb", opener=_private) as opened:
            opened.writelines(make())
        written.append(path)
    return written


def _ladders(folder: Path, run: Run) -> list[Path]:
    """Keep ladders as a running instance does, so that ``callboard ladder`` finds them."""
    ladders = run.measurements.ladders
    records = folder / "calls.jsonl"
    for old in folder_of(records).rglob("*.jsonl"):
        old.unlink()
    kept = LadderFolder(records, "all")
    for each in (*ladders.slowest, *ladders.failed):
        kept.add(each)
    return [folder_of(records)] if ladders.slowest or ladders.failed else []


def _private(path: str, flags: int) -> int:
    """Open a file that only its owner may read, also if others could before."""
    fd = os.open(path, flags, 0o600)
    try:
        os.fchmod(fd, 0o600)
    except OSError:
        os.close(fd)
        raise
    return fd
