"""The past calls of a deployment."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...actors.records.call_record import CallRecord
from .index import Index, StoppedError
from .past_call import PastCall
from .tables import last_pairs

if TYPE_CHECKING:
    from .search import Page, Search

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds that the thread leaves to the event loop again and again while it reads a long log.
REST = 0.002
#: Seconds for which records are gathered before the index takes them in.
GATHER = 1.0


class PastCalls:
    """Search in the past calls of a log, also while nothing runs. Everything blocks.

    Args:
        records: the file of detail records; it may be missing.
        recordings: the folder of recordings.
        stopping: once set, what takes long is left unfinished.
        rest: seconds to rest after every few lines that the index takes in.
    """

    def __init__(
        self,
        records: Path,
        recordings: Path,
        stopping: threading.Event | None = None,
        rest: float = 0.0,
    ) -> None:
        self.records = records
        self.recordings = recordings
        self.index = Index(records, stopping, rest)

    def search(self, search: "Search") -> "Page":
        """Return the calls that a search finds.

        Raises:
            OSError: the log can't be read.
            StoppedError: it is the end.
        """
        from .search import find_calls  # noqa: PLC0415 - models, of which no start needs one

        return self.index.use(lambda database: find_calls(database, search, self.recordings))

    def find(self, name: str, among: "Search | None" = None) -> PastCall:
        """Return one call.

        Args:
            name: its uuid, the beginning of it, or its session id.
            among: what else must match; None: nothing.

        Raises:
            UnknownCallError: there is none, or more than one.
            OSError: the log can't be read.
            StoppedError: it is the end.
        """
        from .search import find_call  # noqa: PLC0415 - models, of which no start needs one

        return self.index.use(lambda database: find_call(database, name, self.recordings, among))

    def pairs(self, most: int) -> list[tuple[str, str, float]]:
        """Return who had the last calls with whom.

        Args:
            most: pairs that are returned at the most; the last calls are looked through for them,
                a hundred for each.

        Returns:
            Of each pair the account, its peer's bare JID, and when their last call ended, in
            seconds since the epoch; the last one first.

        Raises:
            OSError: the log can't be read.
            StoppedError: it is the end.
        """
        return self.index.use(lambda database: last_pairs(database, most))

    def close(self) -> None:
        """Give up what is kept in memory."""
        self.index.close()


class History:
    """The past calls of a deployment that runs, on a thread of its own.

    Use it on one event loop, and close it.

    Args:
        records: the file of detail records.
        recordings: the folder of recordings.
    """

    def __init__(self, records: Path, recordings: Path) -> None:
        self._stopping = threading.Event()
        self._calls = PastCalls(records, recordings, self._stopping, REST)
        self._thread = ThreadPoolExecutor(1, "history")
        self._gathering: asyncio.TimerHandle | None = None

    def hear(self, event: object) -> None:
        """Let the index soon take in what has come into the log, if it is a detail record."""
        if not isinstance(event, CallRecord):
            return
        if self._gathering is None and not self._stopping.is_set():
            self._gathering = asyncio.get_running_loop().call_later(GATHER, self._catch_up)

    def _catch_up(self) -> None:
        self._gathering = None
        done = self._thread.submit(self._calls.index.use, lambda _: None)
        done.add_done_callback(_say)

    async def do(self, work: Callable[[PastCalls], T]) -> T:
        """Do some work on the thread of the history.

        Args:
            work: what blocks.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, work, self._calls)

    async def search(self, search: "Search") -> "Page":
        """Return the calls that a search finds; raises as `PastCalls.search`."""
        return await self.do(lambda calls: calls.search(search))

    async def find(self, name: str) -> PastCall:
        """Return one call; raises as `PastCalls.find`."""
        return await self.do(lambda calls: calls.find(name))

    async def close(self) -> None:
        """End in a moment; what is left undone is done by the next one that uses the index."""
        self._stopping.set()
        if self._gathering is not None:
            self._gathering.cancel()
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._calls.close()


def _say(done: Future[None]) -> None:
    error = None if done.cancelled() else done.exception()
    if error is not None and not isinstance(error, StoppedError):
        log.warning("the history could not take in what has come: %s", error)
