"""Keeps a call log there for as long as there are calls."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ..ladder.folder import LadderFolder
from ..ladder.ladder import Ladder
from .call_log import CallLog, Pending
from .messages.call_log import CallGoesOn
from .records.call_record import CallRecord
from .runtime.actor import handles
from .runtime.backoff import Backoff
from .runtime.messages import Child
from .runtime.ref import AsyncioActorRef
from .runtime.supervision import Supervisor

log = logging.getLogger(__name__)

#: Seconds that the last records may take to be written.
LOG_DEADLINE = 10.0


class CallLogSupervisor(Supervisor[CallRecord | CallGoesOn | Ladder]):
    """Starts the call log again when it has crashed; no record is lost by that.

    It is told what the log is told, and passes it on. What the log had not done goes to the next
    one, and what comes meanwhile waits.

    Args:
        path: the file of detail records; None keeps no file.
        also: told each record after it has been written, or waits to be.
        ladders: keeps the calls' ladders; None: nobody does.
    """

    def __init__(
        self,
        path: Path | None,
        also: Callable[[CallRecord], object],
        ladders: LadderFolder | None = None,
    ) -> None:
        self._start = partial(self._start_log, path, also, ladders)
        super().__init__(
            [Child("call log", self._start, grace=LOG_DEADLINE)],
            intensity=None,
            backoff=Backoff(base=0.5, cap=30.0),
        )
        self._pending = Pending()
        self._log: AsyncioActorRef[CallRecord | CallGoesOn | Ladder] | None = None

    async def on_start(self) -> None:
        """Start the log; a file that can't be opened fails the start."""
        await super().on_start()
        if self._log is not None:
            await self._log.started

    async def on_end(self, error: BaseException | None) -> None:
        """Stop the log; if it has crashed just now, let another one write what is left."""
        await super().on_end(error)
        if not self._pending.is_empty:
            last = self._start()
            last.stop(block=False)
            await last.ended
        for message in self._pending.unheard:
            log.error("this could not be recorded: %r", message)

    def _start_log(
        self,
        path: Path | None,
        also: Callable[[CallRecord], object],
        ladders: LadderFolder | None,
    ) -> AsyncioActorRef[CallRecord | CallGoesOn | Ladder]:
        self._log = CallLog.start(path, also, self._pending, ladders)
        return self._log

    @handles(CallRecord, CallGoesOn)
    def _pass_on(self, message: CallRecord | CallGoesOn) -> None:
        if self._log is None or not self._log.post(message):
            self._pending.unheard.append(message)

    @handles(Ladder)
    def _keep(self, ladder: Ladder) -> None:
        if self._log is not None:  # a ladder is worth less than a record: nothing waits for a log
            self._log.post(ladder)
