"""Keeps what is left of past calls within its limits while a deployment runs."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from ...config.keep import Keep
from .history import History
from .index import StoppedError
from .retention import RecordingsRemoved, Retention

log = logging.getLogger(__name__)

#: Seconds between two sweeps.
EVERY = 3600.0
#: Seconds until the next one if a sweep has left something.
SOON = 5.0


class Upkeep:
    """Sweeps when it starts, and then each hour. What goes wrong is said, and tried again.

    Args:
        history: the past calls.
        keep: says what the limits are now; None: there are none.
        tell: told what was removed.
    """

    def __init__(
        self,
        history: History,
        keep: Callable[[], Keep | None],
        tell: Callable[[RecordingsRemoved], object],
    ) -> None:
        self._history = history
        self._keep = keep
        self._tell = tell
        self._task = asyncio.create_task(self._run(), name="upkeep")

    async def close(self) -> None:
        """End; a sweep that goes on ends by itself, on the history's thread."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            pause = EVERY if await self._sweep() else SOON
            await asyncio.sleep(pause)

    async def _sweep(self) -> bool:
        """Sweep; tell whether all was removed that could be."""
        keep = self._keep()
        if keep is None:
            return True
        try:
            swept = await self._history.do(lambda calls: Retention(calls, keep).sweep())
        except StoppedError:
            return True
        except OSError as error:
            place = error.filename or "the recordings"
            log.warning(
                "what 'keep' no longer lets stay can't be removed: %s: %s",
                place,
                error.strerror or error,
            )
            return True
        except Exception:
            log.exception("what 'keep' no longer lets stay could not be removed")
            return True
        if not swept.is_none:
            log.info("%s", swept)
            self._tell(swept)
        return swept.is_all
