"""What writes messages to files while an instance runs."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from ...config.keep import Keep
from .message_files import Kept, MessageFiles

log = logging.getLogger(__name__)

#: Messages that wait for a disk that takes none; the oldest are given up beyond that.
MOST_WAITING = 10_000
#: Seconds until the next try then.
AGAIN = 5.0
#: Seconds between two looks for what is too old.
EVERY = 3600.0


class MessageKeeper:
    """Writes messages on a thread as they come. What goes wrong is said once, and tried again.

    Args:
        files: where they go.
        keep: says what the limits are now; None: there are none.
    """

    def __init__(self, files: MessageFiles, keep: Callable[[], Keep | None]) -> None:
        self._files = files
        self._keep = keep
        self._waiting: deque[Kept] = deque()
        self._came = asyncio.Event()
        self._has_failed = False
        self._is_over = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._write_all(), name="messages"),
            asyncio.create_task(self._tidy(), name="old messages"),
        ]

    def keep(self, kept: Kept) -> None:
        """Write something soon; called on the loop."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
        self._waiting.append(kept)
        self._came.set()

    async def close(self) -> None:
        """Write what waits, and end."""
        self._is_over.set()
        self._came.set()
        await asyncio.wait(self._tasks)
        await asyncio.to_thread(self._files.close)

    async def _write_all(self) -> None:
        while True:
            await self._came.wait()
            self._came.clear()
            is_well = not self._waiting or await self._write()
            if self._is_over.is_set():
                return
            if not is_well:
                await self._pause(AGAIN)
                self._came.set()

    async def _write(self) -> bool:
        """Write what waits; tell whether that went well."""
        batch = list(self._waiting)
        self._waiting.clear()
        try:
            await asyncio.to_thread(self._files.append, batch)
        except OSError as error:
            if not self._has_failed:
                log.warning("messages can't be kept (%s): they wait", error.strerror or error)
            self._has_failed = True
            room = max(0, MOST_WAITING - len(self._waiting))
            self._waiting.extendleft(reversed(batch[len(batch) - min(room, len(batch)) :]))
            return False
        if self._has_failed:
            log.info("messages can be kept again")
        self._has_failed = False
        return True

    async def _tidy(self) -> None:
        while not self._is_over.is_set():
            keep = self._keep()
            await self._remove(None if keep is None else keep.for_)
            await self._pause(EVERY)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_over.wait()

    async def _remove(self, age: float | None) -> None:
        try:
            count = await asyncio.to_thread(self._files.remove, age)
        except OSError as error:
            log.warning("old messages can't be removed: %s", error.strerror or error)
            return
        if count:
            log.info("removed %d %s of old messages", count, "file" if count == 1 else "files")
