"""The accounts of one file while they run, and whether they can go on."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from ..actors.messages.exchange import (
    AccountChanged,
    CallStatus,
    ExchangeRef,
    Shutdown,
    WhenSettled,
)
from ..actors.records.call_record import CallRecord
from ..config import Settings
from ..control.instance.instance import State
from ..server import Prosody
from .exchange_error import ExchangeError
from .views.event import Event

if TYPE_CHECKING:
    from ..web.board import Board

log = logging.getLogger(__name__)

#: Seconds beyond the drain deadline in which everything must be closed.
CLOSING = 30.0
#: Seconds beyond those in which a loop that a bot blocks is ended with the process.
LAST_RESORT = 10.0


class Deployment:
    """The accounts of one file while they run.

    Args:
        drain: seconds that running calls get at the end.
        accounts: how many accounts there are.

    Attributes:
        stopping: set when somebody asks for the end.
        board: the board, if it is served.
    """

    def __init__(self, drain: float, accounts: int) -> None:
        self.stopping = asyncio.Event()
        self.board: Board | None = None
        self._drain = drain
        self._accounts = accounts
        self._failures: dict[str, str] = {}
        self._online = asyncio.Event()
        self._failed = asyncio.Event()
        self._why_failed = ""
        self._calls: set[tuple[str, str]] = set()
        self._starting = asyncio.current_task()
        self._exchange: ExchangeRef | None = None
        self._server: Prosody | None = None

    @property
    def exchange(self) -> ExchangeRef:
        """The supervisor of all."""
        assert self._exchange is not None  # noqa: S101 - nobody is given a deployment before
        return self._exchange

    @property
    def stands(self) -> bool:
        """Whether the exchange has not ended."""
        return self._exchange is None or self._exchange.is_alive()

    @property
    def state(self) -> State:
        """What it does."""
        if self.stopping.is_set():
            return "ending"
        return "starting" if self._exchange is None else "running"

    async def start(self, exchange: ExchangeRef, server: Prosody | None = None) -> None:
        """Wait until the exchange has started; if that is cancelled, until it has ended.

        Args:
            exchange: the supervisor of all.
            server: the embedded server, if there is one; without it nothing can go on.
        """
        try:
            await exchange.started
        except asyncio.CancelledError:
            await _shut_down(exchange, 0.0)
            raise
        self._exchange = exchange
        self._server = server

    def stop(self, *, now: bool = False) -> None:
        """Ask for the end in order; the second time, at once.

        Args:
            now: give running calls no time, also the first time.
        """
        if self._exchange is None:
            if self._starting is not None and not self.stopping.is_set():
                log.info("ending: not everything was started yet")
                self._starting.cancel()
        elif self.stopping.is_set():
            self._exchange.post(Shutdown(0))  # gone, where all that is left is to close the rest
        else:
            if now:
                self._drain = 0.0
            log.info("ending: %s", self._farewell("a second signal"))
        self.stopping.set()

    def fail(self, why: str) -> None:
        """Ask for the end, since nothing can go on.

        Args:
            why: a sentence.
        """
        if not self._failed.is_set():
            self._why_failed = why
            self._failed.set()

    async def online(self) -> None:
        """Wait until an account has been online."""
        await self._online.wait()

    def ending(self) -> float:
        """Return the seconds that the end may take."""
        return self._drain + CLOSING + LAST_RESORT

    async def take(self, settings: Settings) -> None:
        """Go on with other settings."""
        if self.board is not None and settings.web is not None and settings.web.tokens.given():
            await self.board.take_tokens(settings.web.tokens)
        self._drain = settings.drain
        self._accounts = len(settings.accounts)
        known = {one.bare_jid for one in settings.accounts}
        self._failures = {jid: why for jid, why in self._failures.items() if jid in known}

    def hear(self, event: Event) -> None:
        """Note which calls are running, and which accounts have given up."""
        match event:
            case AccountChanged(state="failed"):
                self._failures[event.jid] = event.detail
                if self._online.is_set() and len(self._failures) == self._accounts:
                    self.fail(self._why_all_failed())
            case AccountChanged():
                self._failures.pop(event.jid, None)
                if event.state == "online":
                    self._online.set()
            case CallStatus(phase="ended") | CallRecord():
                self._calls.discard((event.account, event.id))
            case CallStatus():
                self._calls.add((event.account, event.id))

    def _farewell(self, sooner: str) -> str:
        if not self._calls:
            return "no calls are running, and all accounts log out"
        count = len(self._calls)
        if not self._drain:
            return "1 running call is ended" if count == 1 else f"{count} running calls are ended"
        calls = "1 running call has" if count == 1 else f"{count} running calls have"
        ends = "it" if count == 1 else "them"
        return f"{calls} {self._drain:g} s; {sooner} ends {ends} now"

    async def over(self) -> None:
        """Wait until somebody asks for the end.

        Raises:
            ExchangeError: everything has ended without that, no account will come back, or no call
                could be taken.
        """
        waits: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self.stopping.wait()),
            asyncio.ensure_future(_ended(self.exchange)),
            asyncio.ensure_future(self._failed.wait()),
        ]
        if self._server is not None:
            waits.append(asyncio.ensure_future(self._server.wait()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
        if self.stopping.is_set():
            return
        if self._failed.is_set():
            self.stopping.set()  # from here on a signal ends at once
            raise ExchangeError(self._why_failed)
        if self.exchange.is_alive():
            self.stopping.set()
            log.error(
                "the embedded server has stopped unexpectedly: %s", self._farewell("a signal")
            )
            raise ExchangeError(
                "the embedded server has stopped unexpectedly: run the command again"
            )
        raise ExchangeError("everything has stopped unexpectedly: see the log")

    def _why_all_failed(self) -> str:
        reasons = [f"{jid}: {detail}" for jid, detail in self._failures.items()]
        rest = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
        return f"every account has given up: {'; '.join(reasons[:3])}{rest}"

    async def settled(self) -> int:
        """Return how many accounts are online once no account's first login is open any more."""
        promised = await self.exchange.request(WhenSettled(), timeout=10)
        online: int = await promised
        return online

    async def shut_down(self) -> None:
        """Drain: no new calls, a deadline for running ones, everybody logs out."""
        await _shut_down(self.exchange, self._drain)


async def _shut_down(exchange: ExchangeRef, drain: float) -> None:
    exchange.post(Shutdown(drain))
    async with asyncio.timeout(drain + CLOSING):
        await exchange.ended


async def _ended(ref: ExchangeRef) -> None:
    await ref.ended
