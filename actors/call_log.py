"""The file of call detail records."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from ..ladder.folder import LadderFolder
from ..ladder.ladder import Ladder
from .messages.call_log import Beat, CallGoesOn, CallLogMessage, Flush, Retry
from .records.call_journal import CallJournal
from .records.call_record import CallRecord
from .records.record_file import RecordFile
from .runtime.actor import AsyncioActor, handles

log = logging.getLogger(__name__)

#: Seconds until what could not be written is tried again.
RETRY = 2.0
#: Records that wait for space on the disk; more are given to the log instead.
MAX_WAITING = 10_000
#: Ladders that wait to be written; more are given up.
MAX_LADDERS = 1_000
#: Seconds between two notes that the process lives.
BEAT = 5.0


class Pending(Struct):
    """What a call log has been told and has not done; it outlives a crash of the log's actor.

    Attributes:
        waiting: records that are not in the file.
        untold: records that were not passed on.
        unheard: messages that were not handled.
        journal: the calls that go on.
    """

    waiting: deque[CallRecord] = field(default_factory=deque)
    untold: list[CallRecord] = field(default_factory=list)
    unheard: list[CallRecord | CallGoesOn] = field(default_factory=list)
    journal: CallJournal | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.waiting or self.untold or self.unheard)


class CallLog(AsyncioActor[CallLogMessage]):
    """Adds each `CallRecord` to a file of JSON lines, and passes it on.

    Which calls go on stands in a journal beside it, so that the next start can record those that a
    kill ended. Records that a full disk does not take wait, and are written when there is space.
    Its handlers await the disk, so that records keep their order and none is lost at the end; what
    comes meanwhile is written at once together.

    Args:
        path: the file; its folder is made if it is not there. None keeps no file.
        also: told each record after it has been written, or waits to be.
        pending: what an earlier one has left.
        ladders: keeps the calls' ladders; None: nobody does.
    """

    def __init__(
        self,
        path: Path | None,
        also: Any = None,
        pending: Pending | None = None,
        ladders: LadderFolder | None = None,
    ) -> None:
        super().__init__()
        self._path = path
        self._also = also
        self._file = None if path is None else RecordFile(path)
        self._pending = Pending() if pending is None else pending
        self._kept = ladders
        self._ladders: list[Ladder] = []
        self._ladder_refused = False
        self._flushes = False
        self._refused = 0
        self._is_failing = False
        self._beats = False
        # Of its own: in the loop's, a bot's blocking calls would keep the records waiting.
        self._thread = ThreadPoolExecutor(1, "call-log")

    async def on_start(self) -> None:
        """Open the file once, so that a folder that can't be written to is noticed at the start."""
        try:
            await self._open()
        except BaseException:
            self.on_failure()
            raise

    async def _open(self) -> None:
        if self._file is not None and self._path is not None:
            await self._blocking(self._file.mend)
            if self._pending.journal is None and self._path.is_file():  # none beside a device
                self._pending.journal = CallJournal(self._path)
        unheard, self._pending.unheard = self._pending.unheard, []
        for message in unheard:
            self.actor_ref.tell(message)
        if self._pending.waiting or self._pending.untold:
            self._flush_soon()
        self._beat_soon()

    def on_failure(self, *_: object) -> None:
        """Leave what has not been done to the next one."""
        while not self.actor_inbox.empty():
            message = self.actor_inbox.get().message
            if isinstance(message, CallRecord | CallGoesOn):
                self._pending.unheard.append(message)
        self._thread.shutdown()

    async def on_stop(self) -> None:
        """Write what waits, and give to the log what can't be written."""
        try:
            if self._waiting or self._is_failing:
                await self._write()
            await self._write_ladders()
            self._tell()
            for record in self._waiting:
                log.error("%s: this record could not be written: %s", self._path, record.to_json())
            self._waiting.clear()
            if self._journal is not None:
                await self._blocking(self._journal.end)
        finally:
            self._thread.shutdown()

    @property
    def _journal(self) -> CallJournal | None:
        return self._pending.journal

    @property
    def _waiting(self) -> deque[CallRecord]:
        return self._pending.waiting

    @handles(CallGoesOn)
    def _goes_on(self, message: CallGoesOn) -> None:
        if self._journal is None:
            return
        self._journal.note(message.record)
        self._flush_soon()
        self._beat_soon()

    def _beat_soon(self) -> None:
        if not self._beats and self._journal is not None and len(self._journal):
            self._beats = True
            self.after(BEAT, Beat())

    @handles(Beat)
    async def _beat(self, message: Beat) -> None:
        if self._journal is None or not len(self._journal):
            self._beats = False
            return
        await self._blocking(self._journal.beat)
        self.after(BEAT, message)

    @handles(CallRecord)
    def _record(self, record: CallRecord) -> None:
        self._pending.untold.append(record)
        if self._file is not None:
            self._waiting.append(record)
        self._flush_soon()

    @handles(Ladder)
    def _ladder(self, ladder: Ladder) -> None:
        if self._kept is None:
            return
        if len(self._ladders) < MAX_LADDERS:
            self._ladders.append(ladder)
        self._flush_soon()

    async def _write_ladders(self) -> None:
        """Write the ladders that wait; one that can't be written is given up, and said once."""
        folder, ladders, self._ladders = self._kept, self._ladders, []
        if folder is None or not ladders:
            return

        def write() -> None:
            for ladder in ladders:
                folder.add(ladder)

        try:
            await self._blocking(write)
        except OSError as error:
            if not self._ladder_refused:
                words = "%s: the ladders of calls can't be kept: %s: calls go on without"
                log.error(words, self._path, error.strerror or error)
            self._ladder_refused = True
        else:
            self._ladder_refused = False

    def _flush_soon(self) -> None:
        if not self._flushes:
            self._flushes = True
            self.actor_ref.tell(Flush())

    @handles(Flush)
    async def _flush(self, _: Flush) -> None:
        self._flushes = False
        if not self._is_failing:
            await self._write()
        else:  # the journal has room of its own
            with suppress(OSError):
                await self._write_journal()
        await self._write_ladders()
        while self._is_failing and len(self._waiting) > MAX_WAITING:
            self._refuse(self._waiting.popleft())
        self._tell()

    def _tell(self) -> None:
        """Pass on what has been written, or waits to be."""
        untold, self._pending.untold = self._pending.untold, []
        if self._also is not None:
            for record in untold:
                self._also(record)

    @handles(Retry)
    async def _retry(self, message: Retry) -> None:
        waited = len(self._waiting)
        if await self._write():
            self._is_failing = False
            records = "the record" if waited == 1 else f"the {waited} records"
            log.info("%s: written again, with %s that waited", self._path, records)
        else:
            self.after(RETRY, message)

    async def _write(self) -> bool:
        """Write what waits, and what goes on; where that fails say so once, and try again later."""
        failure: OSError | None = None
        for work in (self._write_records, self._write_journal):
            try:
                await work()
            except OSError as error:
                failure = failure or error
        if failure is None:
            return True
        if not self._is_failing:
            self._is_failing = True
            words = "%s: %s: free some space or mend the folder; records wait until then"
            log.error(words, self._path, failure.strerror or failure)
            if not self.actor_stopped.is_set():
                self.after(RETRY, Retry())
        return False

    async def _write_records(self) -> None:
        if not self._waiting or self._file is None:
            return
        file, records = self._file, tuple(self._waiting)
        await self._blocking(lambda: file.append(_lines(records)))
        self._waiting.clear()
        if self._journal is not None:
            self._journal.close(one.uuid for one in records)

    async def _write_journal(self) -> None:
        if self._journal is not None:
            await self._blocking(self._journal.write)

    def _refuse(self, record: CallRecord) -> None:
        """Give up a record, as too many wait."""
        if not self._refused:
            words = "%s: %d records wait; the oldest are given up from now on, beginning with %s"
            log.error(words, self._path, MAX_WAITING, record.to_json())
        self._refused += 1

    async def _blocking(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _lines(records: tuple[CallRecord, ...]) -> Iterator[str]:
    """Give the lines of records; one that can't be written does not keep the others back."""
    for record in records:
        try:
            yield record.to_json()
        except Exception:
            log.exception("the record of call %s can't be written: %r", record.uuid, record)
