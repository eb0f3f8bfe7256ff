"""What of past calls is removed because it is too old or too much."""

import json
import logging
import os
import re
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from ...actors.records.call_record import CallRecord
from ...actors.records.record_file import RecordFile
from ...config.keep import Keep
from ...ladder.folder import FAILED, folder_of, remove_ladders
from .history import PastCalls
from .past_call import is_file
from .removals import Removal, Why, removals_of

log = logging.getLogger(__name__)

#: Recordings that one sweep removes at the most, and ladders.
MOST = 500
#: Seconds, and a part of the age, by which detail records may be too old before the file of them
#: is written anew.
SLACK = 86400.0
SLACK_PART = 0.1
#: Octets of a journal that are looked at.
LARGEST_JOURNAL = 64 << 20

_RECORDING = re.compile(r"\d{8}t\d{6}z-[a-z0-9-]{1,60}\.(mkv|mka|ogg|wav)")
_JOURNAL = re.compile(r"\.[0-9a-f]{16}\.open")


class RecordingsRemoved(Struct, frozen=True):
    """What may no longer be kept was removed, as ``keep:`` says.

    Attributes:
        recordings: how many files of recordings.
        octets: how large they were.
        aged: how many of them were older than ``for``; the others were too much for ``size``.
        ladders: how many ladders.
        records: how many detail records.
        is_all: whether nothing is left to be removed now.
    """

    recordings: int = 0
    octets: int = 0
    aged: int = 0
    ladders: int = 0
    records: int = 0
    is_all: bool = True

    @property
    def is_none(self) -> bool:
        """Whether nothing was removed."""
        return not (self.recordings or self.ladders or self.records)

    def __str__(self) -> str:
        parts = []
        if self.recordings:
            size = f"{self.octets / 1e6:,.1f} MB"
            which = f"{size}; for their age: {self.aged:,}"
            parts.append(f"{_count(self.recordings, 'recording')} ({which})")
        if self.ladders:
            parts.append(_count(self.ladders, "ladder"))
        if self.records:
            parts.append(_count(self.records, "detail record"))
        return f"removed {', '.join(parts) or 'nothing'}, as 'keep' says"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


class _Doomed(Struct, frozen=True):
    """A recording that is to go."""

    path: str
    name: str
    octets: int
    why: Why


class Retention:
    """Removes what ``keep:`` no longer lets stay. Everything blocks.

    Only what detail records name goes: files with a recording's name in the folder of recordings
    itself, which are no links; never what a call that goes on records.

    Args:
        calls: the past calls.
        keep: the limits.
    """

    def __init__(self, calls: PastCalls, keep: Keep) -> None:
        self._calls = calls
        self._keep = keep

    def sweep(self, now: float | None = None) -> RecordingsRemoved:
        """Remove a bounded part of what is beyond the limits.

        A kill at any moment loses nothing but that; the next sweep goes on.

        Args:
            now: seconds since the epoch.

        Raises:
            OSError: something could not be removed, or the records can't be written.
            StoppedError: it is the end.
        """
        now = time.time() if now is None else now
        age = self._keep.for_
        before = None if age is None else now - age
        try:
            folder = os.open(self._calls.recordings, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            doomed: list[_Doomed] = []
        else:
            try:
                doomed = self._doomed(folder, before)
                self._remove(folder, doomed[:MOST], now)
            finally:
                os.close(folder)
        gone, rest = doomed[:MOST], doomed[MOST:]
        ladders = records = 0
        if before is not None and not rest:
            ladders, rest_of_ladders = self._remove_ladders(before)
            if not rest_of_ladders and age is not None:
                records = self._remove_records(before, min(SLACK, age * SLACK_PART))
        self._tidy()
        return RecordingsRemoved(
            recordings=len(gone),
            octets=sum(one.octets for one in gone),
            aged=sum(one.why == "for" for one in gone),
            ladders=ladders,
            records=records,
            is_all=not rest,
        )

    def _doomed(self, folder: int, before: float | None) -> list[_Doomed]:
        """List the recordings that are beyond a limit, the oldest first."""
        running = set(_running(self._calls.records))
        named = self._calls.index.use(_named)
        kept, is_full = 0, False
        found: list[_Doomed] = []
        for path, ended in named:  # the latest first
            name = Path(path).name
            octets = _size(folder, name)
            if octets is None or Path(name).stem in running:
                continue
            if before is not None and ended < before:
                found.append(_Doomed(path, name, octets, "for"))
                continue
            kept += octets
            is_full = is_full or (self._keep.size is not None and kept > self._keep.size)
            if is_full:  # and so is what is older, however small
                found.append(_Doomed(path, name, octets, "size"))
        return found[::-1]

    def _remove(self, folder: int, doomed: list[_Doomed], now: float) -> None:
        if not doomed:
            return
        removals = RecordFile(removals_of(self._calls.records))
        removals.append(Removal(one.path, now, one.why).to_json() for one in doomed)
        for one in doomed:
            with suppress(FileNotFoundError):
                os.unlink(one.name, dir_fd=folder)

    def _remove_ladders(self, before: float) -> tuple[int, bool]:
        """Remove ladders; return how many, and whether some are left that are too old."""
        kept = set(_ladders(self._calls.records))
        if not kept:
            return 0, False
        old = self._calls.index.use(
            lambda database: [uuid for uuid in sorted(kept) if _is_older(database, uuid, before)]
        )
        return remove_ladders(self._calls.records, old[:MOST]), len(old) > MOST

    def _remove_records(self, before: float, slack: float) -> int:
        """Write the log without the records that are too old, if there are some for so long."""
        records = self._calls.records
        with suppress(FileNotFoundError):
            status = records.stat()
            if not self._calls.index.use(
                lambda database: _has_older(database, status, before - slack)
            ):
                return 0
            folder = self._calls.recordings

            def is_kept(line: bytes) -> bool:
                self._calls.index.check()
                return _is_kept(line, before, folder)

            return RecordFile(records).rewrite(is_kept)
        return 0

    def _tidy(self) -> None:
        """Forget what was removed of calls whose records are gone as well."""
        if not self._calls.index.use(_has_stale):
            return
        named = {path for path, _ in self._calls.index.use(_named)}
        with suppress(FileNotFoundError):
            RecordFile(removals_of(self._calls.records)).rewrite(
                lambda line: _is_of_some(line, named)
            )


def _named(database: sqlite3.Connection) -> list[tuple[str, float]]:
    """List the recordings that detail records name, those of the latest calls first."""
    return database.execute(
        "SELECT path, max(ended) AS ended FROM recordings GROUP BY path ORDER BY ended DESC, path"
    ).fetchall()


def _is_older(database: sqlite3.Connection, uuid: str, before: float) -> bool:
    (ended,) = database.execute("SELECT max(ended) FROM calls WHERE uuid = ?", (uuid,)).fetchone()
    return ended is not None and ended < before


def _has_older(database: sqlite3.Connection, status: os.stat_result, before: float) -> bool:
    found = database.execute(
        "SELECT 1 FROM calls JOIN files ON calls.file = files.id "
        "WHERE device = ? AND inode = ? AND ended < ? LIMIT 1",
        (str(status.st_dev), str(status.st_ino), before),
    ).fetchone()
    return found is not None


def _has_stale(database: sqlite3.Connection) -> bool:
    found = database.execute(
        "SELECT 1 FROM removals WHERE path NOT IN (SELECT path FROM recordings) LIMIT 1"
    ).fetchone()
    return found is not None


def _size(folder: int, name: str) -> int | None:
    """Return the size of a recording in a folder; None if it is none of ours, or not there."""
    if not _RECORDING.fullmatch(name):
        return None
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _running(records: Path) -> Iterator[str]:
    """Give the names, without suffix, of what running calls record, and calls that a kill ended."""
    for entry in _entries(records.parent):
        end = entry.name.removeprefix(records.name)
        if end == entry.name or not _JOURNAL.fullmatch(end):
            continue
        with suppress(OSError), closing(_open_journal(entry.path)) as file:
            for line in file.read(LARGEST_JOURNAL).splitlines():
                yield from _bases(line)


def _open_journal(path: str) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def _bases(line: bytes) -> Iterator[str]:
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        for one in json.loads(line).get("recordings", ()):
            name = Path(one["path"] or "").name
            yield Path(name).stem if _RECORDING.fullmatch(name) else name


def _ladders(records: Path) -> Iterator[str]:
    """Give the uuids of the calls whose ladders are kept."""
    for folder in (folder_of(records), folder_of(records) / FAILED):
        for entry in _entries(folder):
            if entry.name.endswith(".jsonl"):
                yield entry.name.removesuffix(".jsonl")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(folder) as entries:
        return list(entries)
    return []


def _is_kept(line: bytes, before: float, folder: Path) -> bool:
    """Tell whether a line of the log stays: it is no record, or of a late call, or has files."""
    try:
        record = CallRecord.from_json(line.decode())
    except ValueError:
        return True
    if record.ended >= before:
        return True
    return any(
        one.path is not None and is_file(folder / Path(one.path).name) for one in record.recordings
    )


def _is_of_some(line: bytes, named: set[str]) -> bool:
    try:
        return Removal.from_json(line).path in named
    except ValueError:
        return False
