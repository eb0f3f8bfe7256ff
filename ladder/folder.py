"""The folder with the ladders of calls that have ended, beside the file of detail records."""

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

from msgspec import Struct

from .ladder import Ladder

SUFFIX = ".jsonl"
#: What a file is called until it is whole.
_PART = ".new"
#: Seconds after which nobody writes such a file any more.
_ABANDONED = 60.0
#: Where the ladders of calls that failed are, within the folder.
FAILED = "failed"
#: Failed calls whose ladders are kept; a stranger may make calls fail, and must not fill the disk.
MOST_FAILED = 10_000
#: Octets of a first line; it holds the call's names and the sentence on its end.
_MAX_HEAD = 1 << 16

Keep = int | Literal["all"]


#: Names of calls that have ended, beside their ids.
LADDERS_ENDED = ("last", "last-failed")


class LadderNotFound(Exception):  # noqa: N818 - what happened, not a fault
    """There is no such ladder, or there are several; the message says what to do."""


def folder_of(records: Path) -> Path:
    """Return the folder of the ladders whose calls are recorded in a file.

    Args:
        records: the file of detail records, such as ``calls.jsonl``: then ``calls.ladders``.
    """
    return records.with_name(f"{records.name.removesuffix('.jsonl')}.ladders")


def remove_ladders(records: Path, uuids: Iterable[str]) -> int:
    """Remove the ladders of calls whose records are removed. Blocking.

    Args:
        records: the file of detail records.
        uuids: the records'.

    Returns:
        How many there were.

    Raises:
        OSError: one can't be removed.
    """
    count = 0
    for uuid in uuids:
        for path in _places(folder_of(records), uuid):
            with suppress(FileNotFoundError):
                path.unlink()
                count += 1
    return count


def _places(folder: Path, uuid: str) -> tuple[Path, Path]:
    """Return where a call's ladder may be; a name that is none leads nowhere else."""
    name = f"{Path(uuid).name}{SUFFIX}"
    return folder / name, folder / FAILED / name


class LadderFolder:
    """Keeps the ladders of the last calls, and of those that failed. Everything blocks.

    Each is a file of JSON lines of mode 0600, named after its detail record's ``uuid``. Those of
    failed calls are in a folder of their own, so that others push none of them out.

    Args:
        records: the file of detail records.
        keep: how many ladders of calls that did not fail are kept.
        most_failed: how many of calls that failed.
    """

    def __init__(self, records: Path, keep: Keep, most_failed: int = MOST_FAILED) -> None:
        self._folder = folder_of(records)
        self._limits = {False: None if keep == "all" else keep, True: most_failed}
        self._kept: dict[bool, deque[Path]] = {}

    def add(self, ladder: Ladder) -> None:
        """Keep a ladder, and remove the oldest beyond the limit.

        Args:
            ladder: of a call that has ended.

        Raises:
            OSError: the folder can't be written to.
        """
        failed = ladder.has_failed
        limit = self._limits[failed]
        if limit == 0:
            return
        path = _places(self._folder, ladder.uuid)[failed]
        kept = self._known(failed, path.parent)
        _write(path, ladder)
        if limit is None:
            return
        kept.append(path)
        while len(kept) > limit:
            with suppress(FileNotFoundError):
                kept.popleft().unlink()

    def _known(self, failed: bool, folder: Path) -> deque[Path]:
        """Return what is kept, the oldest first; what earlier runs left is found once."""
        if failed not in self._kept:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sweep(folder)
            self._kept[failed] = deque(_by_age(folder))
        return self._kept[failed]


def _write(path: Path, ladder: Ladder) -> None:
    part = path.with_name(path.name + _PART)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(part, flags, 0o600), "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in ladder.to_lines())
        part.rename(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def _sweep(folder: Path) -> None:
    """Remove what a process that was killed has left half-written."""
    for left in folder.glob(f"*{SUFFIX}{_PART}"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _ABANDONED:
                left.unlink()


def _by_age(folder: Path) -> list[Path]:
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX):
                with suppress(FileNotFoundError):
                    found.append((entry.stat().st_mtime_ns, entry.path))
    return [Path(path) for _, path in sorted(found)]


class _Kept(Struct, frozen=True):
    """A ladder in the folder, by what names it."""

    path: Path
    uuid: str
    id: str
    direction: str


def read_ladder(path: Path) -> Ladder:
    """Read the ladder in a file. Blocking.

    Raises:
        OSError: it can't be read.
        ValueError: it is no ladder.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        return Ladder.from_lines(file)


def find_ladder(records: Path, call: str) -> Ladder:
    """Find the ladder of a call that has ended. Blocking.

    Args:
        records: the file of detail records.
        call: the record's uuid or the call's id, or how one of them begins; ``last`` is the last
            call's, ``last-failed`` the last one's that failed.

    Raises:
        LadderNotFound: there is none, or there are several.
        OSError: a file can't be read.
    """
    folder = folder_of(records)
    if call in LADDERS_ENDED:
        return _read(_last(folder, failed=call == "last-failed"))
    if not call:
        raise LadderNotFound("name a call by its id or by how that begins, or say last")
    fitting = [one for one in _all(folder) if one.uuid.startswith(call) or one.id.startswith(call)]
    exact = [one for one in fitting if call in (one.uuid, one.id)]
    found = exact or fitting
    sides = {one.direction: one for one in found}
    if len(found) == len(sides) == 2 and len({one.id for one in found}) == 1:
        found = [sides["out"]]  # both parties are accounts of ours
    if not found:
        raise LadderNotFound(
            f"{folder} has no ladder of a call {call!r}: see the ids in {records}; only the last "
            "calls' ladders and those of failed calls are kept (ladders: in the YAML file)"
        )
    if len(found) > 1:
        names = ", ".join(one.uuid for one in found[:3])
        more = ", …" if len(found) > 3 else ""
        raise LadderNotFound(f"{len(found)} calls begin with {call!r}: give one of {names}{more}")
    return _read(found[0].path)


def _last(folder: Path, *, failed: bool) -> Path:
    places = [folder / FAILED] if failed else [folder, folder / FAILED]
    paths = [path for place in places if place.is_dir() for path in _by_age(place)[-1:]]
    if not paths:
        which = "a failed call" if failed else "a call"
        raise LadderNotFound(f"{folder} has no ladder of {which} yet")
    return max(paths, key=lambda path: path.stat().st_mtime_ns)


def _all(folder: Path) -> Iterator[_Kept]:
    for place in (folder, folder / FAILED):
        for path in _by_age(place) if place.is_dir() else ():
            with suppress(OSError, ValueError), path.open(encoding="utf-8") as file:
                head = Ladder.from_lines([file.readline(_MAX_HEAD)])
                yield _Kept(path, head.uuid, head.id, head.direction)


def _read(path: Path) -> Ladder:
    try:
        return read_ladder(path)
    except ValueError as error:
        raise LadderNotFound(f"{path}: {error}") from None
