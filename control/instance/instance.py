"""A running instance, as commands see it."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

from ...actors.messages.exchange import CallStatus, ExchangeRef
from ...config import Embedded, Settings
from .. import models
from ..history.history import History
from ..problem import ControlError, ProblemKind
from ..version import VERSION
from .clock import iso
from .event_hub import EventHub, HubEntry
from .message_log import MessageLog
from .overview import Overview
from .reported import Reported, event_of

State = Literal["starting", "running", "ending"]


class Running(Protocol):
    """What keeps everything running: the deployment of a command."""

    @property
    def state(self) -> State:
        """What it does."""

    @property
    def exchange(self) -> ExchangeRef:
        """The supervisor of all, once the state is ``running``."""

    def stop(self, *, now: bool = False) -> None:
        """Ask for the end in order; the second time, or ``now``, at once."""


class Instance:
    """A running instance: what was reported of it, and what can be asked of it.

    Args:
        settings: what its file declares.
        file: the file.
        folder: where relative paths begin.
        running: what keeps it running.

    Attributes:
        settings: what its file declares.
        file: the file.
        folder: where relative paths begin.
        overview: its accounts and calls.
        messages: what was written in conversations.
        events: what happens.
        logs: what is logged.
        history: its past calls; None before it has started.
        socket: where its control socket is; None: it has none.
    """

    def __init__(self, settings: Settings, file: Path, folder: Path, running: Running) -> None:
        self.settings = settings
        self.file = file
        self.folder = folder
        self.overview = Overview(settings.accounts)
        self.messages = MessageLog()
        self.events = EventHub()
        self.logs = EventHub()
        self.history: History | None = None
        self.socket: Path | None = None
        self._running = running
        self._started = time.time()
        self._clock = time.monotonic()
        self._kept: set[asyncio.Task[None]] = set()
        self._parts: dict[str, Callable[[], models.status.PartSummary]] = {}
        self._reload: Callable[[], Awaitable[models.reload.ReloadResult]] | None = None

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

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something go on without the client that wanted it, to the end of the instance."""
        task = asyncio.create_task(work, name="control, detached")
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    async def close(self) -> None:
        """End what goes on without a client."""
        if tasks := list(self._kept):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    def stop(self, *, now: bool = False) -> None:
        """Ask for the end in order; the second time, or ``now``, at once."""
        self._running.stop(now=now)

    def let_reload(self, reload: "Callable[[], Awaitable[models.reload.ReloadResult]]") -> None:
        """Let the file be taken anew.

        Args:
            reload: does it, or raises a `ControlError`.
        """
        self._reload = reload

    async def reload(self) -> "models.reload.ReloadResult":
        """Read the file and its bots again, and return what has changed.

        Raises:
            ControlError: nothing has changed; says why.
        """
        if self._reload is None:
            raise ControlError(
                ProblemKind.NOT_POSSIBLE, "this instance has no file that it could read again"
            )
        return await self._reload()

    @property
    def state(self) -> State:
        """What it does."""
        return self._running.state

    def folders(self) -> tuple[Path, ...]:
        """Return the folders that it works with."""
        declared = self.settings
        found = (self.folder, declared.recordings, declared.call_log.parent, declared.messages)
        return tuple(one for one in found if one is not None)

    def add_part(self, name: str, look: "Callable[[], models.status.PartSummary]") -> None:
        """Let the status have a line on a part beside the accounts.

        Args:
            name: which part; one of the same name is replaced.
            look: says how it stands; it is called on the loop, and must not block.
        """
        self._parts[name] = look

    def hear(self, report: Reported) -> None:
        """Take a report of what happens."""
        at = time.time()
        # What comes each second is of no use to who comes later, and would leave no room for more.
        keep = not isinstance(report, CallStatus) or self.overview.is_news(report)
        self.overview.hear(report)
        self.messages.hear(report, at)
        entry = HubEntry(at, type(report).__name__, partial(event_of, report, at), report)
        self.events.publish(entry, keep=keep)

    def sentence(self) -> str:
        """Say in a line how it stands."""
        states = self.overview.account_counts().by_state
        accounts = ", ".join(f"{count:,} {state}" for state, count in states.items())
        return f"accounts: {accounts or 'none'}; calls: {self.overview.call_count:,}"

    def status(self, limit: int) -> "models.status.StatusResult":
        """Say how it stands.

        Args:
            limit: how many accounts and how many calls are listed at the most.
        """
        overview = self.overview
        return models.status.StatusResult(
            callboard=VERSION,
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


def _server(settings: Settings) -> "models.status.ServerSummary":
    server = settings.server
    if isinstance(server, Embedded):
        port = f":{server.port}" if server.port else ""
        return models.status.ServerSummary(kind="embedded", address=f"{server.domain}{port}")
    host = server.host or ""
    port = f":{server.port}" if host and server.port else ""
    return models.status.ServerSummary(kind="remote", address=f"{host}{port}")
