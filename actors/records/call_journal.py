"""Which calls go on, in a file beside the detail records, for the start after a kill."""

import ctypes
import json
import logging
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from ...media import FinishedRecording, lock
from .call_record import CallRecord
from .record_file import RecordFile, write_lines
from .recording_outcome import Recorded

log = logging.getLogger(__name__)

SUFFIX = ".open"
#: Octets from which a journal is written anew without what is over.
LIMIT = 1 << 20
#: Octets that are kept for a journal on the disk, so that calls can be noted when that is full.
RESERVE = 1 << 18
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE of linux/falloc.h
_UUID = re.compile(rb'"uuid": "([0-9a-f-]{36})"')
#: What a recording's name may end with once it is whole.
_SUFFIXES = (".mkv", ".mka", ".ogg", ".wav")


class CallJournal:
    """The calls of one process that go on, each as the record that a kill would leave.

    It is a file of its own beside the detail records, so that their readers see nothing of it:
    ``calls.jsonl.<16 digits>.open``, mode 0600, locked while its process lives, and gone when no
    call goes on at the end. A line is a detail record, of which the last counts, or
    ``{"closed": uuid}``. Everything blocks.

    Args:
        records: the file of detail records.
    """

    def __init__(self, records: Path) -> None:
        self._records = records
        self._path: Path | None = None
        self._file: int | None = None
        self._open: dict[str, str] = {}
        self._unwritten: list[str] = []
        self._is_stale = False
        self._limit = LIMIT

    def __len__(self) -> int:
        return len(self._open)

    def note(self, record: CallRecord) -> None:
        """Note what is to be recorded of a call if the process dies now; `write` writes it.

        Args:
            record: the record; it takes the place of the one noted before.
        """
        line = self._open[record.uuid] = record.to_json()
        self._unwritten.append(line)

    def close(self, uuids: Iterable[str]) -> None:
        """Note that calls have their detail records; `write` writes it.

        Args:
            uuids: the records'.
        """
        for uuid in uuids:
            if self._open.pop(uuid, None) is not None:
                self._unwritten.append(json.dumps({"closed": uuid}))

    def write(self) -> None:
        """Write what was noted.

        Raises:
            OSError: it could not be written. The next call writes all that goes on then.
        """
        if self._is_stale or (self._unwritten and self._is_full()):
            self._write_anew()
        elif self._unwritten and self._file is not None:
            lines, self._unwritten = self._unwritten, []
            try:
                write_lines(self._file, lines)
            except OSError:
                self._is_stale = True
                raise

    def beat(self) -> None:
        """Note that the process lives: a call that a kill ends is over soon after the last beat."""
        if self._file is not None:
            with suppress(OSError):
                os.utime(self._file)

    def end(self) -> None:
        """Remove the file unless calls go on, which the next start is to close then."""
        if self._file is None or self._path is None:
            return
        if not self._open:
            with suppress(OSError):
                self._path.unlink()
        os.close(self._file)
        self._file = None

    def _is_full(self) -> bool:
        return self._file is None or os.fstat(self._file).st_size > self._limit

    def _write_anew(self) -> None:
        """Begin another file with what goes on, and remove the one before."""
        self._unwritten.clear()
        self._is_stale = True
        path = self._records.with_name(f"{self._records.name}.{secrets.token_hex(8)}{SUFFIX}")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(path, flags, 0o600)
        try:
            if not lock(file, path):
                raise FileNotFoundError(f"{path} was removed while it was made")
            write_lines(file, self._open.values())
            _reserve(file)
            self._limit = max(LIMIT, 4 * os.fstat(file).st_size)
        except OSError:
            path.unlink(missing_ok=True)
            os.close(file)
            raise
        before, old = self._file, self._path
        self._file, self._path, self._is_stale = file, path, False
        if before is not None and old is not None:
            old.unlink(missing_ok=True)
            os.close(before)


def _reserve(file: int) -> None:
    """Have the disk keep room behind a file's end; without it where the file system can't."""
    size = os.fstat(file).st_size
    ctypes.CDLL(None).fallocate64(file, _KEEP_SIZE, ctypes.c_int64(size), ctypes.c_int64(RESERVE))


def close_left(records: Path, finished: Iterable[FinishedRecording] = ()) -> list[CallRecord]:
    """Record the calls that a killed process left, as failed. Blocking.

    What a living process has in its journal is left alone.

    Args:
        records: the file of detail records.
        finished: recordings that were left unfinished and are whole now.

    Returns:
        What was recorded.

    Raises:
        OSError: the records can't be written; the next start tries again.
    """
    lengths = {one.path: one.seconds for one in finished}
    closed: list[CallRecord] = []
    for path in sorted(records.parent.glob(f"{_escaped(records.name)}.{'[0-9a-f]' * 16}{SUFFIX}")):
        with _left(path) as file:
            if file is None:
                continue
            left = list(_read(file, path))
            known = _known(records, {one.uuid for one in left})
            end = os.fstat(file).st_mtime
            found = [_closed(one, end, lengths) for one in left if one.uuid not in known]
            RecordFile(records).append(one.to_json() for one in found)
            path.unlink()
            closed += found
    return closed


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


@contextmanager
def _left(path: Path) -> Iterator[int | None]:
    """Open a journal; None if its process lives."""
    try:
        file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        log.warning("%s can't be read: %s", path, error.strerror)
        yield None
        return
    try:
        yield file if lock(file, path) else None
    finally:
        os.close(file)


def _read(file: int, path: Path) -> Iterator[CallRecord]:
    """Give what is open in a journal; a line that a kill or a full disk cut off is no line."""
    found: dict[str, bytes] = {}
    with open(file, "rb", closefd=False) as lines:
        for line in lines:
            try:
                fields = json.loads(line)
                if "closed" in fields:
                    found.pop(fields["closed"], None)
                else:
                    found[fields["uuid"]] = line
            except (ValueError, TypeError, KeyError):
                continue
    for line in found.values():
        try:
            yield CallRecord.from_json(line.decode())
        except ValueError as error:
            log.warning("%s: a call of it can't be recorded: %s", path, error)


def _known(records: Path, uuids: set[str]) -> set[str]:
    """Return which of these have their record: the kill came just after it was written."""
    with suppress(FileNotFoundError), records.open("rb") as lines:
        found = (_UUID.search(line, 0, 120) for line in lines)
        return uuids & {one[1].decode() for one in found if one is not None}
    return set()


def _closed(record: CallRecord, end: float, lengths: Mapping[Path, float]) -> CallRecord:
    """Return the record of a call that a kill ended."""
    recordings = tuple(
        one if one.octets or one.failure else replace(_found(one, lengths), direction=one.direction)
        for one in record.recordings
    )
    # What was recorded tells more than the journal, which is written when something changes.
    recorded = max((one.seconds for one in recordings), default=0.0)
    heard = (record.connected or record.answered or record.started) + recorded
    times = (record.started, record.ringing, record.answered, record.connected, heard, end)
    ended = max(at for at in times if at is not None)
    return replace(
        record,
        ended=ended,
        bridges=tuple(
            one
            if one.seconds is not None
            else replace(one, seconds=round(max(0.0, ended - record.started - one.at), 3))
            for one in record.bridges
        ),
        recordings=recordings,
    )


def _found(recording: Recorded, lengths: Mapping[Path, float]) -> Recorded:
    """Return what became of a recording of which the name without suffix was noted."""
    base = Path(recording.path or "")
    for path in (base.with_name(base.name + suffix) for suffix in _SUFFIXES):
        if path.is_file():
            seconds = lengths.get(path)
            if seconds is None:  # another instance finished it
                from ...media import declared_seconds  # noqa: PLC0415 - decoders come with it

                seconds = declared_seconds(path)
            return Recorded.of(str(path), seconds, path.stat().st_size, None)
    part = next(base.parent.glob(f"{_escaped(base.name)}.*.part"), None)
    if part is not None:
        return Recorded.of(None, 0.0, 0, f"{part} was left unfinished and can't be made whole.")
    return Recorded.of(None, 0.0, 0, "There is no recording: nothing of it was written yet.")
