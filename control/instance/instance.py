"""A running instance, as commands see it."""

import os
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Literal, Protocol

from ...actors.messages.exchange import ExchangeRef, Report
from ...actors.records.call_record import CallRecord
from ...config import Embedded, Settings
from ...media import FinishedRecording
from ..models.status import PartSummary, ServerSummary, StatusResult
from ..problem import ControlError, ProblemKind
from .overview import Overview, iso

State = Literal["starting", "running", "ending"]


class Running(Protocol):
    """What keeps everything running: the deployment of a command."""

    @property
    def state(self) -> State:
        """What it does."""

    @property
    def exchange(self) -> ExchangeRef:
        """The supervisor of all, once the state is ``running``."""

    def stop(self) -> None:
        """Ask for the end in order; the second time, at once."""


class Instance:
    """A running instance: what was reported of it, and what can be asked of it.

    Args:
        settings: what its file declares.
        file: the file.
        running: what keeps it running.

    Attributes:
        settings: what its file declares.
        file: the file.
        overview: its accounts and calls.
    """

    def __init__(self, settings: Settings, file: Path, running: Running) -> None:
        self.settings = settings
        self.file = file
        self.overview = Overview(settings.accounts)
        self._running = running
        self._started = time.time()
        self._clock = time.monotonic()
        self._parts: dict[str, Callable[[], PartSummary]] = {}

    @property
    def exchange(self) -> ExchangeRef:
        """The supervisor of all.

        Raises:
            ControlError: it has not started yet.
        """
        if self._running.state == "starting":
            raise ControlError(
                ProblemKind.NOT_POSSIBLE, "the instance is still starting: try again in a moment"
            )
        return self._running.exchange

    def stop(self) -> None:
        """Ask for the end in order; the second time, at once."""
        self._running.stop()

    @property
    def state(self) -> State:
        """What it does."""
        return self._running.state

    def add_part(self, name: str, look: Callable[[], PartSummary]) -> None:
        """Let the status have a line on a part beside the accounts.

        Args:
            name: which part; one of the same name is replaced.
            look: says how it stands; it is called on the loop, and must not block.
        """
        self._parts[name] = look

    def hear(self, report: Report | CallRecord | FinishedRecording) -> None:
        """Take a report of what happens."""
        self.overview.hear(report)

    def status(self, limit: int) -> StatusResult:
        """Say how it stands.

        Args:
            limit: how many accounts and how many calls are listed at the most.
        """
        overview = self.overview
        return StatusResult(
            callboard=version("callboard"),
            file=str(self.file),
            pid=os.getpid(),
            state=self.state,
            started=iso(self._started),
            uptime=round(time.monotonic() - self._clock, 3),
            server=_server(self.settings),
            accounts=overview.account_counts(),
            account_list=overview.accounts(limit),
            calls=overview.call_counts(),
            call_list=overview.calls(limit),
            calls_ended=overview.ended_counts(),
            recordings=overview.recordings(str(self.settings.recordings)),
            parts=tuple(look() for look in self._parts.values()),
        )


def _server(settings: Settings) -> ServerSummary:
    server = settings.server
    if isinstance(server, Embedded):
        port = f":{server.port}" if server.port else ""
        return ServerSummary(kind="embedded", address=f"{server.domain}{port}")
    host = server.host or ""
    port = f":{server.port}" if host and server.port else ""
    return ServerSummary(kind="remote", address=f"{host}{port}")
